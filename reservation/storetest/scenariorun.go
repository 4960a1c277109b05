package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// storyRunner tells one scenario to one store.
type storyRunner struct {
	subject Subject
	file    string
	stock   reservation.StockID
	firsts  map[string]outcome    // the first answer to each call's text, for its replays
	before  *reservation.Snapshot // of the stock after the step before, if time stood still since
}

func runScenario(t *testing.T, subject Subject, file string, story scenario) {
	stock, err := reservation.ParseStockID("")
	if err != nil {
		t.Fatalf("the default stock: %v", err)
	}
	r := &storyRunner{subject: subject, file: file, stock: stock, firsts: map[string]outcome{}}
	for _, s := range story.steps {
		if !r.step(t, s) {
			return
		}
	}
}

// step runs one line of a scenario and says whether the story can go on.
func (r *storyRunner) step(t *testing.T, s step) bool {
	t.Helper()
	verb, rest, _ := strings.Cut(s.text, " ")
	switch verb {
	case "on":
		r.before = nil
		stock, err := reservation.ParseStockID(rest)
		if err != nil {
			t.Fatalf("%s:%d: stock: %v", r.file, s.line, err)
		}
		r.stock = stock
	case "advance":
		d, err := time.ParseDuration(rest)
		if err != nil {
			t.Fatalf("%s:%d: %v", r.file, s.line, err)
		}
		r.before = nil // time alone makes a store forget
		r.subject.Advance(d)
	case "each":
		r.each(t, s)
	default:
		r.call(t, s)
	}
	return !t.Failed()
}

// each runs many like calls; the state is looked at after the last of them.
func (r *storyRunner) each(t *testing.T, s step) {
	t.Helper()
	calls, err := each(s.text)
	if err != nil {
		t.Fatalf("%s:%d: %v", r.file, s.line, err)
	}
	for _, text := range calls {
		result := r.make(t, s, text)
		if result.Refusal != nil {
			t.Fatalf("%s:%d: %s: %s", r.file, s.line, text, strings.Join(result.print(), "\n"))
		}
	}
	snapshot := snapshotOf(t, r.subject, r.stock)
	r.before = &snapshot
}

func (r *storyRunner) make(t *testing.T, s step, text string) outcome {
	t.Helper()
	c, err := parseCall(r.stock, text)
	if err != nil {
		t.Fatalf("%s:%d: %v", r.file, s.line, err)
	}
	result, err := c.outcome(t.Context(), r.subject)
	if err != nil {
		t.Fatalf("%s:%d: %v", r.file, s.line, err)
	}
	return result
}

// call makes one call and holds everything that came of it against the expectations.
func (r *storyRunner) call(t *testing.T, s step) {
	t.Helper()
	if r.before == nil {
		before := snapshotOf(t, r.subject, r.stock)
		r.before = &before
	}
	result := r.make(t, s, s.text)
	after := snapshotOf(t, r.subject, r.stock)
	for _, complaint := range r.judge(s, result, *r.before, after) {
		t.Errorf("%s:%d: %s\n%s", r.file, s.line, s.text, complaint)
	}
	r.checkReplay(t, s, result)
	r.before = &after
}

// judge returns what is not as expected or not as every call must be.
func (r *storyRunner) judge(
	s step, result outcome, before, after reservation.Snapshot,
) problems {
	var p problems
	var answer, events, stocks []string
	for _, want := range s.want {
		switch {
		case strings.HasPrefix(want, "event "), want == "no events":
			events = append(events, want)
		case strings.HasPrefix(want, "stock "):
			stocks = append(stocks, want)
		default:
			answer = append(answer, want)
		}
	}
	if answer == nil && result.Refusal != nil {
		p.addf("it is refused:\n%s", strings.Join(result.print(), "\n"))
	}
	if answer != nil {
		p.lines("answer", answer, result.print())
	}
	if events != nil {
		p.lines("events", events, newEvents(before, after))
	}
	for _, want := range stocks {
		p.lines("stock", []string{want}, stockLines(after, want))
	}
	p.stamp(result, after, r.subject.Now())
	if result.Refusal != nil {
		p.traces(s, before, after, r.subject.Now())
	}
	return p
}

// lines compares what is expected with what is, line by line.
func (p *problems) lines(what string, want, got []string) {
	if difference := diff(want, got); difference != "" {
		p.addf("%s is\n  %s\nand should be\n  %s\n(-want +got)\n%s",
			what, strings.Join(got, "\n  "), strings.Join(want, "\n  "), difference)
	}
}

func newEvents(before, after reservation.Snapshot) []string {
	var lines []string
	for _, event := range after.Events {
		if event.Sequence > before.Sequence {
			lines = append(lines, printEvent(event))
		}
	}
	if lines == nil {
		return []string{"no events"}
	}
	return lines
}

// stockLines writes the SKU that an expectation names, or that the stock does not have it.
func stockLines(snapshot reservation.Snapshot, want string) []string {
	name, _, _ := strings.Cut(strings.TrimPrefix(want, "stock "), ":")
	for _, item := range snapshot.Items {
		if escape(item.SKU) == name {
			return []string{printStock(item)}
		}
	}
	return []string{"stock " + name + ": unknown"}
}

// stamp holds the stamp of a mutation against the journal and the clock.
func (p *problems) stamp(result outcome, after reservation.Snapshot, now time.Time) {
	stamp, stamped := result.stamp()
	if !stamped || (stamp == reservation.Stamp{} && result.Refusal != nil) {
		return
	}
	want := reservation.Stamp{Sequence: after.Sequence, StoreTime: now}
	if difference := diff(want, stamp); difference != "" {
		p.addf("stamp (-want +got):\n%s", difference)
	}
}

// traces holds the state after a refused call against the one before: they are the same, but for
// holds that ran out, which a call may reclaim before it is refused, and for units that were due to
// lines of the reservation that the call is about.
func (p *problems) traces(s step, before, after reservation.Snapshot, now time.Time) {
	verb, rest, _ := strings.Cut(s.text, " ")
	bringsUp := verb == "fulfill" || verb == "reserve" && strings.Contains(rest, " replaces=")
	if !hasDue(before, now) && (!bringsUp || !hasFilling(before)) {
		if difference := diff(before, after); difference != "" {
			p.addf("the refused call left a trace (-before +after):\n%s", difference)
		}
		return
	}
	for _, event := range after.Events {
		if event.Sequence > before.Sequence && !followsReclaim(event.Type) {
			p.addf("the refused call left a trace: %s", printEvent(event))
		}
	}
	if difference := diff(before.Requests, after.Requests); difference != "" {
		p.addf("the refused call left a trace (-before +after):\n%s", difference)
	}
}

func hasDue(snapshot reservation.Snapshot, now time.Time) bool {
	for _, r := range snapshot.Reservations {
		if r.State == reservation.StateHeld && !now.Before(r.ExpireTime) {
			return true
		}
	}
	return false
}

func hasFilling(snapshot reservation.Snapshot) bool {
	return slices.ContainsFunc(snapshot.Items, func(item reservation.ItemSnapshot) bool {
		return item.Filling > 0
	})
}

// followsReclaim says whether an event may come of a reclaim or a fill alone.
func followsReclaim(kind reservation.EventType) bool {
	switch kind {
	case reservation.EventExpired, reservation.EventBackorderFilled,
		reservation.EventLowStock, reservation.EventOutOfStock, reservation.EventBackInStock:
		return true
	case reservation.EventReserved, reservation.EventCommitted, reservation.EventExtended,
		reservation.EventReleased, reservation.EventFulfilled, reservation.EventRestocked,
		reservation.EventAdjusted, reservation.EventBackordered, reservation.EventOversold,
		reservation.EventPolicyChanged, reservation.EventStoreChanged, reservation.EventRepaired:
		return false
	}
	return false
}

// checkReplay holds a replay against the first answer to the same text: it is the same in all.
func (r *storyRunner) checkReplay(t *testing.T, s step, result outcome) {
	t.Helper()
	key := r.stock.String() + " " + s.text
	var asFirst outcome
	switch answer := result.Answer.(type) {
	case reservation.ReserveAnswer:
		if answer.Replayed {
			answer.Replayed, answer.StateNow = false, answer.Reservation.State
			asFirst.Answer = answer
		}
	case reservation.ReleaseAnswer:
		if answer.Replayed {
			answer.Replayed = false
			asFirst.Answer = answer
		}
	case reservation.ChangeAnswer:
		if answer.Replayed {
			answer.Replayed = false
			asFirst.Answer = answer
		}
	case reservation.RestockAnswer:
		if answer.Replayed {
			answer.Replayed = false
			asFirst.Answer = answer
		}
	case reservation.OnHandAnswer:
		if answer.Replayed {
			answer.Replayed = false
			asFirst.Answer = answer
		}
	}
	if asFirst.Answer == nil {
		r.firsts[key] = result
		return
	}
	first, sameText := r.firsts[key]
	if !sameText {
		return // the same content was first written in other words
	}
	if difference := diff(first, asFirst); difference != "" {
		t.Errorf("%s:%d: %s\nthe replay is not the first answer (-first +replay):\n%s",
			r.file, s.line, s.text, difference)
	}
}
