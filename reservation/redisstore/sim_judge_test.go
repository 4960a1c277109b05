package redisstore

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// simNever is a last moment that never comes, of reads.
const simNever = int64(1) << 60

// simOutcome is what a caller was told.
type simOutcome uint8

const (
	toldDecided simOutcome = iota + 1 // the store decided: done, or refused
	toldNothing                       // nothing was done, and nothing will be
	toldUnknown                       // it may have been done, or be until it settles
)

// simAttempt is one call to a store.
type simAttempt struct {
	key        string
	who        string
	start, end int64 // ms of store time
	deadline   int64 // the caller's, ms of the bubble's time: the store's clock may be stepped
	outcome    simOutcome
	answer     string
	cause      error
	settles    int64 // of toldUnknown
	extends    bool
	once       bool // it may not be sent twice
}

// simApplication is one request that the model carried out, or refused.
type simApplication struct {
	at        int64 // ms of store time
	skew      int64 // ms by which that is ahead of the bubble's
	key       string
	answer    string
	print     string
	notAfter  int64
	effective bool // it changed what it is for, which a replay does not
	copied    bool // by the network, not sent by a store
}

// simJudge keeps what happened and says what must not have.
type simJudge struct {
	calm     bool // no harm is done any more
	tells    bool // every command stands in the trace
	attempts map[string][]*simAttempt
	order    []*simAttempt
	applied  map[string][]simApplication
	prints   map[string]string // fingerprint by key
	sent     map[string]int    // how often what is not safe to repeat came, by key
	harmed   [harmKinds]int
	counts   [toldUnknown + 1]int
	trace    []string
	arrivals []simArrival
	breaches []string
}

func (j *simJudge) init() {
	j.attempts = map[string][]*simAttempt{}
	j.applied = map[string][]simApplication{}
	j.prints = map[string]string{}
	j.sent = map[string]int{}
}

// maxBreaches bounds what one seed tells.
const maxBreaches = 10

func (j *simJudge) breach(format string, args ...any) {
	if len(j.breaches) < maxBreaches {
		j.breaches = append(j.breaches, fmt.Sprintf(format, args...))
	}
}

// simKey is what a request asks for, in full: that of a caller's request and of the one that came
// over the wire are the same.
func simKey(ask any) string { return fmt.Sprintf("%T%+v", ask, ask) }

// simAnswer is an answer in full.
func simAnswer(answer any, err error) string {
	if err == nil {
		return fmt.Sprintf("%T%+v", answer, answer)
	}
	var refused *reservation.Error
	if !errors.As(err, &refused) {
		return "not an error of a store: " + err.Error()
	}
	return fmt.Sprintf("%s %+v %+v %v %v", refused.Reason, refused.Stamp, refused.Refusals,
		refused.SKUs, refused.State)
}

// begin notes an attempt.
func (j *simJudge) begin(a *simAttempt) {
	j.attempts[a.key] = append(j.attempts[a.key], a)
	j.order = append(j.order, a)
}

// end notes what an attempt was told.
func (j *simJudge) end(a *simAttempt, now int64, answer any, err error) {
	a.end, a.answer, a.outcome = now, simAnswer(answer, err), toldDecided
	if err != nil {
		var refused *reservation.Error
		if errors.As(err, &refused) && refused.Reason == reservation.ReasonOutcomeUnknown {
			a.settles = refused.SettlesAt.UnixMilli()
		}
		a.outcome, a.cause = j.outcomeOf(a, err), err
	}
	j.counts[a.outcome]++
	j.tracef("%d %s %s: %s %d", now, a.who, a.key, a.answer, a.settles)
}

func (j *simJudge) outcomeOf(a *simAttempt, err error) simOutcome {
	switch reason := reservation.ReasonOf(err); reason {
	case reservation.ReasonOutcomeUnknown:
		return toldUnknown
	case reservation.ReasonStoreUnavailable, reservation.ReasonTooLate, reservation.ReasonOverloaded,
		reservation.ReasonCallerGaveUp:
		return toldNothing
	case reservation.ReasonReservationIDReused, reservation.ReasonRequestIDReused,
		reservation.ReasonUnknownSKU, reservation.ReasonUnknownReservation,
		reservation.ReasonReleasedBeforeReserved, reservation.ReasonWrongState,
		reservation.ReasonMoreThanOpen, reservation.ReasonLinesRefused,
		reservation.ReasonStockItemInUse, reservation.ReasonMoreThanCovered,
		reservation.ReasonBackorderedUnits, reservation.ReasonNotOnHand,
		reservation.ReasonOnHandBelowZero, reservation.ReasonOnHandDiffers,
		reservation.ReasonFigureOutOfRange:
		return toldDecided
	case reservation.ReasonInvalidRequest, reservation.ReasonEventsTrimmed,
		reservation.ReasonPositionUnknown, reservation.ReasonRepairConflict,
		reservation.ReasonRecordUnreadable, reservation.ReasonStockNotEmpty,
		reservation.ReasonStockRestoring, reservation.ReasonStoreNotDurable,
		reservation.ReasonStockFenced, reservation.ReasonFenceDiffers, reservation.ReasonInternal:
		j.breach("%s was told %v (%T) to %s", a.who, err, err, a.key)
	}
	return toldNothing
}

// apply notes an application and holds it against those who asked for it.
func (j *simJudge) apply(done simApplication) {
	attempts := j.attempts[done.key]
	j.applied[done.key] = append(j.applied[done.key], done)
	j.tracef("%d applied %s: %s", done.at, done.key, done.answer)
	if len(attempts) == 0 {
		j.breach("nobody asked for %s", done.key)
		return
	}
	if done.print != "" {
		if known, ok := j.prints[done.key]; ok && known != done.print {
			j.breach("%s has two fingerprints: %s and %s", done.key, known, done.print)
		}
		j.prints[done.key] = done.print
	}
	latest := int64(0)
	for _, a := range attempts {
		latest = max(latest, a.deadline)
	}
	until := done.notAfter - done.skew
	latest = min(latest, done.at-done.skew+simCallTimeout.Milliseconds())
	if done.notAfter != simNever && until > latest {
		j.breach("%s may take effect until %d: its callers wait, or a call may take, until %d",
			done.key, until, latest)
	}
	if attempts[0].once && !done.copied {
		j.sent[done.key]++
		if j.sent[done.key] > len(attempts) {
			j.breach("%s is not safe to repeat: it was called %d times and sent %d times", done.key,
				len(attempts), j.sent[done.key])
		}
	}
}

func (j *simJudge) tracef(format string, args ...any) {
	j.trace = append(j.trace, fmt.Sprintf(format, args...))
}

// simArrival is a command that came to the server.
type simArrival struct {
	at    int64 // ns
	bytes uint64
	kind  simHarmKind
}

func (j *simJudge) comes(command []string, harm simHarm) {
	at := time.Now().UnixNano()
	j.arrivals = append(j.arrivals, simArrival{at, harm.bytes, harm.kind})
	if j.tells {
		j.tracef("%d comes %.300q: %s", at, command, harm.kind)
	}
}

// digest is a number for all that happened: the same for two runs alike. What happens at the same
// moment has no order.
func (j *simJudge) digest() uint64 {
	slices.Sort(j.trace)
	slices.SortFunc(j.arrivals, func(a, b simArrival) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.bytes, b.bytes), cmp.Compare(a.kind, b.kind))
	})
	sum := fnv.New64a()
	for _, a := range j.arrivals {
		_ = binary.Write(sum, binary.LittleEndian, a)
	}
	for _, line := range j.trace {
		_, _ = sum.Write([]byte(line + "\n"))
	}
	return sum.Sum64()
}

// covers says whether an effect at a moment is one that the caller of an attempt was told of, or
// told to reckon with.
func (a *simAttempt) covers(at int64) bool {
	if at < a.start {
		return false
	}
	switch a.outcome {
	case toldDecided:
		end := a.end
		if a.extends { // a copy that comes late extends anew: it carries no id
			end += simCallTimeout.Milliseconds()
		}
		return at <= end
	case toldUnknown:
		return at < a.settles
	case toldNothing:
	}
	return false
}

// close judges every attempt and every effect, once all is over.
func (j *simJudge) close() {
	for _, a := range j.order {
		if a.outcome == toldDecided && !j.wasDecided(a) {
			j.breach("%s was told of %s\n  %s\nand the store decided\n%s", a.who, a.key, a.answer,
				j.decisions(a.key))
		}
	}
	for key, list := range j.applied {
		effects := 0
		for _, done := range list {
			if !done.effective {
				continue
			}
			effects++
			covers := func(a *simAttempt) bool { return a.covers(done.at) }
			if !slices.ContainsFunc(j.attempts[key], covers) {
				j.breach("%s took effect at %d, and nobody was told that it might\n%s", key, done.at,
					j.tellings(key))
			}
		}
		if effects > 1 && j.hasID(key) {
			j.breach("%s took effect %d times\n%s", key, effects, j.decisions(key))
		}
	}
}

// hasID says whether a request carries an id by which a repeat is known.
func (j *simJudge) hasID(key string) bool {
	for _, kind := range []string{"ReserveRequest", "RestockRequest", "AdjustRequest"} {
		if strings.HasPrefix(key, "reservation."+kind) {
			return true
		}
	}
	return false
}

// wasDecided says whether the store decided, while a caller waited, what the caller was told.
func (j *simJudge) wasDecided(a *simAttempt) bool {
	return slices.ContainsFunc(j.applied[a.key], func(done simApplication) bool {
		return done.answer == a.answer && done.at >= a.start && done.at <= a.end
	})
}

func (j *simJudge) decisions(key string) string {
	var list strings.Builder
	for _, done := range j.applied[key] {
		fmt.Fprintf(&list, "  at %d (not after %d): %s\n", done.at, done.notAfter, done.answer)
	}
	return list.String()
}

func (j *simJudge) tellings(key string) string {
	var list strings.Builder
	for _, a := range j.attempts[key] {
		fmt.Fprintf(&list, "  %s, from %d to %d, settles %d: %s (%v)\n", a.who, a.start, a.end,
			a.settles, a.answer, a.cause)
	}
	return list.String()
}

// isEffectOf says whether events are what a request is for, not what was reclaimed on the way.
func isEffectOf(ask any, events []reservation.Event) bool {
	return slices.ContainsFunc(events, func(e reservation.Event) bool {
		switch ask := ask.(type) {
		case reservation.ReserveRequest:
			return e.Type == reservation.EventReserved && e.Reservation == ask.ID
		case reservation.CommitRequest:
			return e.Type == reservation.EventCommitted && e.Reservation == ask.ID
		case reservation.ExtendRequest:
			return e.Type == reservation.EventExtended && e.Reservation == ask.ID
		case reservation.ReleaseRequest:
			return e.Type == reservation.EventReleased && e.Reservation == ask.ID
		case reservation.FulfillRequest:
			return e.Type == reservation.EventFulfilled && e.Reservation == ask.ID
		case reservation.RestockRequest:
			return e.Type == reservation.EventRestocked && e.Request == ask.Request
		case reservation.AdjustRequest:
			return e.Type == reservation.EventAdjusted && e.Request == ask.Request
		case simDelete:
			return e.Type == reservation.EventPolicyChanged && e.Deleted
		}
		return false
	})
}

// simDeadline is a caller's deadline, ms; of one that has none it never comes.
func simDeadline(left time.Duration) int64 {
	if left == 0 {
		return simNever
	}
	return time.Now().Add(left).Add(time.Millisecond).UnixMilli() // the parts of clock and skew
}
