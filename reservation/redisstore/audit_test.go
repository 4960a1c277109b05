package redisstore

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// auditOf audits a stock and returns what it found.
func auditOf(
	t *testing.T, s *Store, stock reservation.StockID,
) ([]reservation.Finding, reservation.AuditSummary) {
	t.Helper()
	var found []reservation.Finding
	last := reservation.AuditReport{}
	summary, err := s.Audit(context.Background(), reservation.AuditRequest{Stock: stock},
		func(report reservation.AuditReport) error {
			if report.Finding.Set {
				found = append(found, report.Finding.Value)
			}
			if report.Walked < last.Walked || report.Walked > report.Total {
				t.Errorf("progress went from %+v to %+v", last, report)
			}
			last = report
			return nil
		})
	if err != nil {
		t.Fatalf("audit: %v", err)
	}
	if last.Walked != last.Total {
		t.Errorf("the audit ended at %d of %d", last.Walked, last.Total)
	}
	return found, summary
}

// told writes findings as the damage table has them: type, subject, what.
func told(found []reservation.Finding) []string {
	lines := make([]string, len(found))
	for i, f := range found {
		subject := f.SKU + f.Request
		if f.Reservation != "" {
			subject = strings.TrimPrefix(subject+" "+f.Reservation, " ")
		}
		if f.Line > 0 {
			subject += fmt.Sprintf("/%d", f.Line)
		}
		lines[i] = fmt.Sprintf("%s %s: %s is %s, should be %s", f.Type, subject, f.What, f.Is,
			f.ShouldBe)
	}
	slices.Sort(lines)
	return lines
}

// damaged is a stock with something of everything, on a clock that stands still at 2026-01-01, and
// a key prefix of its own.
type damaged struct {
	*subject

	t   *testing.T
	ctx context.Context
}

// key returns the full name of one of the stock's keys.
func (d *damaged) key(name string) string { return d.keys.of(mustStock("")).base + name }

func (d *damaged) do(arguments ...any) {
	d.t.Helper()
	if err := d.client.Do(d.ctx, arguments...).Err(); err != nil {
		d.t.Fatalf("%v: %v", arguments, err)
	}
}

// score returns where a member stands in a sorted set.
func (d *damaged) score(key, member string) float64 {
	d.t.Helper()
	score, err := d.client.ZScore(d.ctx, d.key(key), member).Result()
	if err != nil {
		d.t.Fatal(err)
	}
	return score
}

func (d *damaged) reserve(id string, ttl time.Duration, lines reservation.Lines) {
	d.t.Helper()
	request := reservation.ReserveRequest{Stock: mustStock(""), ID: mustID(id), Lines: lines}
	if ttl > 0 {
		request.TTL = must(reservation.NewTTL(ttl))
	}
	if _, err := d.Reserve(d.ctx, request); err != nil {
		d.t.Fatalf("reserve %s: %v", id, err)
	}
}

// newDamaged makes the stock:
//
//	mug   ALLOW, on hand 10: wait1 has 6 covered and 0 waiting, wait2 4+3, wait3 0+2, wait4 0+1
//	tea   DENY, on hand 50: held 2, fed 1 of 3 left, gone (released), late (expired, reacquired)
//	song  not tracked: held has 1
func newDamaged(t *testing.T) *damaged {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	store := openReal(t, Options{clock: testClock, quiet: true, Logger: logger, walkLimit: 4})
	d := &damaged{
		subject: &subject{Store: store, Clock: storetest.NewClock(), t: t}, t: t,
		ctx: context.Background(),
	}
	d.setClock()
	stock := mustStock("")
	restock(t, store, "r1", "mug", 10)
	restock(t, store, "r2", "tea", 50)
	setMode(t, store, "mug", reservation.BackorderAllow)
	untracked := reservation.PolicyChange{
		Policy: reservation.Policy{Tracked: reservation.Some(false)},
		Fields: []reservation.PolicyField{reservation.FieldTracked},
	}
	if _, err := store.SetPolicy(d.ctx, stock, mustSKU("song"), untracked); err != nil {
		t.Fatal(err)
	}
	d.reserve("wait1", 0, linesOf("mug", 6))
	d.reserve("wait2", 0, linesOf("mug", 7))
	d.reserve("wait3", 0, linesOf("mug", 2))
	d.reserve("wait4", time.Hour, linesOf("mug", 1))
	d.reserve("late", time.Second, linesOf("tea", 3))
	d.reserve("held", time.Hour, linesOf("tea", 2, "song", 1))
	d.reserve("fed", 0, linesOf("tea", 3))
	d.reserve("gone", 0, linesOf("tea", 3))
	d.Advance(2 * time.Second)
	_, err := store.Release(d.ctx, reservation.ReleaseRequest{Stock: stock, ID: mustID("gone")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Fulfill(d.ctx, reservation.FulfillRequest{
		Stock: stock, ID: mustID("fed"), Request: mustRequest("f1"), Lines: linesOf("tea", 2),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Commit(d.ctx, reservation.CommitRequest{
		Stock: stock, ID: mustID("late"), Reacquire: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAudit_ASoundStockHasNoFindings(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	found, summary := auditOf(t, d.Store, mustStock(""))
	if len(found) > 0 {
		t.Errorf("found %q", told(found))
	}
	if summary.SKUs != 3 || summary.Reservations != 8 || !summary.Folded {
		t.Errorf("it saw %+v", summary)
	}
}

func TestAudit_AnUnknownStockHasNoFindings(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{})
	if found, summary := auditOf(t, s, mustStock("nowhere")); len(found) > 0 ||
		summary != (reservation.AuditSummary{Folded: true}) {
		t.Errorf("found %v, saw %+v", found, summary)
	}
}

// update writes testdata/damages.txt anew, for reading the difference.
var update = flag.Bool("update", false, "write testdata/damages.txt anew")

// TestAudit_FindsEveryDamageAndRepairMendsFigures writes each damage of the table into a stock. Its
// text says what is found, and for each SKU what Repair says and what is found behind it.
func TestAudit_FindsEveryDamageAndRepairMendsFigures(t *testing.T) {
	t.Parallel()
	const file = "testdata/damages.txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(want), "\n\n")
	stories := []string{strings.TrimSpace(head)}
	for _, one := range damages() {
		d := newDamaged(t)
		one.do(d)
		lines := []string{one.name}
		found, _ := auditOf(t, d.Store, mustStock(""))
		if len(found) == 0 {
			t.Errorf("%s: an audit finds nothing", one.name)
		}
		for _, line := range told(found) {
			lines = append(lines, "  "+line)
		}
		lines = append(lines, d.repairs()...)
		stories = append(stories, strings.Join(lines, "\n"))
	}
	got := strings.Join(stories, "\n\n") + "\n"
	if *update {
		//nolint:gosec // the file's name is fixed
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if difference := cmp.Diff(string(want), got); difference != "" {
		t.Errorf("-want +got, -update writes it anew:\n%s", difference)
	}
}

// repairs mends each SKU as far as Repair does, dry first, and writes down what came of it.
func (d *damaged) repairs() (lines []string) {
	d.t.Helper()
	for _, sku := range []string{"mug", "tea", "song"} {
		before := keysOf(d.t, d.client, d.options.Prefix)
		request := reservation.RepairRequest{Stock: mustStock(""), SKU: mustSKU(sku)}
		dry, err := d.Repair(d.ctx, request)
		if difference := cmp.Diff(before, keysOf(d.t, d.client, d.options.Prefix)); difference != "" {
			d.t.Fatalf("a dry run of %s wrote:\n%s", sku, difference)
		}
		if err != nil {
			lines = append(lines, fmt.Sprintf("  repair %s: %s", sku, reservation.ReasonOf(err)))
			continue
		}
		if dry.Before != dry.After {
			lines = append(lines, d.repair(request, dry)...)
		}
	}
	return lines
}

// repair mends a SKU and writes down what an audit finds behind it.
func (d *damaged) repair(
	request reservation.RepairRequest, dry reservation.RepairAnswer,
) (lines []string) {
	d.t.Helper()
	request.Apply = true
	done, err := d.Repair(d.ctx, request)
	if err != nil || !done.Applied || done.Before != dry.Before || done.After != dry.After {
		d.t.Fatalf("the repair of %s says %+v, %v; its dry run %+v", request.SKU, done, err, dry)
	}
	d.requireMendedJournal(done)
	again, err := d.Repair(d.ctx, request)
	if err != nil || again.Applied || again.Before != done.After {
		d.t.Errorf("a repeat says %+v, %v", again, err)
	}
	lines = append(lines, fmt.Sprintf("  repair %s: %s to %s", request.SKU, figuresText(done.Before),
		figuresText(done.After)))
	left, _ := auditOf(d.t, d.Store, mustStock(""))
	for _, line := range told(left) {
		lines = append(lines, "    left: "+line)
	}
	return lines
}

func figuresText(f reservation.RepairedFigures) string {
	return fmt.Sprintf("%d reserved, %d queued, %d filling", f.Reserved, f.Queued, f.Filling)
}

// requireMendedJournal wants the repair as the last event that is no threshold's.
func (d *damaged) requireMendedJournal(done reservation.RepairAnswer) {
	d.t.Helper()
	events, err := readEntry(d.entry(-1))
	if err != nil {
		d.t.Fatal(err)
	}
	want := reservation.Repaired{Before: done.Before, After: done.After}
	if events[0].Type != reservation.EventRepaired || events[0].Repaired != want {
		d.t.Errorf("the journal says %+v, the repair %+v", events, done)
	}
}

// busy keeps writers at work on a stock until stop is called.
func busy(s *Store, stock reservation.StockID) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for writer := range 4 {
		writers.Go(func() { busyWriter(ctx, s, stock, writer) })
	}
	return func() {
		cancel()
		writers.Wait()
	}
}

// busyWriter drives reservations through their lives: held, firm, split, reacquired, filled.
func busyWriter(ctx context.Context, s *Store, stock reservation.StockID, writer int) {
	skus := []string{"a", "b", "c", "d", "song"}
	for n := 0; ctx.Err() == nil; n++ {
		name := func(kind string) string { return fmt.Sprintf("%s-%d-%d", kind, writer, n) }
		first, second := skus[n%len(skus)], skus[(n*3+writer)%len(skus)]
		request := reservation.ReserveRequest{
			Stock: stock, ID: mustID(name("o")), Lines: linesOf(first, int64(n%5+1), second, 2),
			Mode: reservation.ModePartial,
		}
		if n%2 == 0 {
			request.TTL = must(reservation.NewTTL(time.Second))
		}
		_, _ = s.Reserve(ctx, request) // refusals are part of the game
		old := mustID(fmt.Sprintf("o-%d-%d", writer, max(0, n-40)))
		switch n % 7 {
		case 0:
			_, _ = s.Commit(ctx, reservation.CommitRequest{Stock: stock, ID: request.ID})
		case 1:
			_, _ = s.Commit(ctx, reservation.CommitRequest{Stock: stock, ID: old, Reacquire: true})
		case 2:
			_, _ = s.Release(ctx, reservation.ReleaseRequest{Stock: stock, ID: old})
		case 3:
			_, _ = s.Release(ctx, reservation.ReleaseRequest{
				Stock: stock, ID: request.ID, Request: mustRequest(name("rel")), Lines: linesOf(first, 1),
			})
		case 4:
			_, _ = s.Fulfill(ctx, reservation.FulfillRequest{
				Stock: stock, ID: old, Request: mustRequest(name("ful")), Lines: linesOf(first, 1),
			})
		case 5:
			_, _ = s.Extend(ctx, reservation.ExtendRequest{
				Stock: stock, ID: request.ID, TTL: must(reservation.NewTTL(2 * time.Second)),
			})
		case 6:
			_, _ = s.Restock(ctx, reservation.RestockRequest{
				Stock: stock, Request: mustRequest(name("in")), Lines: linesOf(first, 9),
			})
		}
	}
}

// awaitSequence waits until a stock's journal has come to a sequence.
func awaitSequence(t *testing.T, s *Store, stock reservation.StockID, sequence int64) {
	t.Helper()
	for {
		at, err := s.present(t.Context(), stock)
		if err != nil {
			t.Fatal(err)
		}
		if at.sequence >= sequence {
			return
		}
	}
}

// newBusy opens a store with a stock to be busy on, walked in several passes and rounds.
func newBusy(t *testing.T, limit int) (*Store, reservation.StockID) {
	t.Helper()
	s := openReal(t, Options{walkLimit: limit})
	stock := mustStock("")
	for _, sku := range []string{"a", "b", "c", "d"} {
		restock(t, s, "first-"+sku, sku, 100)
	}
	setMode(t, s, "b", reservation.BackorderAllow)
	setMode(t, s, "c", reservation.BackorderAllowAndNotify)
	_, err := s.SetPolicy(context.Background(), stock, mustSKU("song"), reservation.PolicyChange{
		Policy: reservation.Policy{Tracked: reservation.Some(false)},
		Fields: []reservation.PolicyField{reservation.FieldTracked},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, stock
}

func TestAudit_OfABusyStockHasNoFalseAlarm(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{defaultWalkLimit, 300, 40} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			t.Parallel()
			s, stock := newBusy(t, limit)
			defer busy(s, stock)()
			awaitSequence(t, s, stock, 500)
			var last reservation.AuditSummary
			audits := sized(3, 30)
			if limit < 100 {
				audits = 1 // many passes: few reservations in each
			}
			for range audits {
				var found []reservation.Finding
				if found, last = auditOf(t, s, stock); len(found) > 0 {
					t.Fatalf("a sound stock: %q", told(found))
				}
			}
			t.Logf("the last of %d audits saw %+v", audits, last)
		})
	}
}

func TestRepair_OfABusyStockIsRight(t *testing.T) {
	t.Parallel()
	s, stock := newBusy(t, 200)
	stop := busy(s, stock)
	defer stop()
	awaitSequence(t, s, stock, 500)
	pairs := []struct {
		figure string
		units  int
	}{{"r", 7}, {"q", 3}, {"r", -2}, {"f", 1}}
	for _, off := range pairs {
		moveFigure(t, s, stock, "b", off.figure, off.units)
		answer, err := s.Repair(t.Context(), reservation.RepairRequest{
			Stock: stock, SKU: mustSKU("b"), Apply: true,
		})
		if err != nil {
			t.Fatalf("after %s%+d: %v", off.figure, off.units, err)
		}
		t.Logf("after %s%+d: %+v", off.figure, off.units, answer)
	}
	if found, _ := auditOf(t, s, stock); len(found) > 0 {
		t.Errorf("behind the repairs: %q", told(found))
	}
	stop()
	if found, _ := auditOf(t, s, stock); len(found) > 0 {
		t.Errorf("at rest: %q", told(found))
	}
}

func TestRepair_AnotherOneBetweenCountingAndMendingIsRefused(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	moveFigure(t, d.Store, mustStock(""), "tea", "r", 5)
	request := reservation.RepairRequest{Stock: mustStock(""), SKU: mustSKU("tea"), Apply: true}
	_, _, at, err := d.count(d.ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Repair(d.ctx, request); err != nil {
		t.Fatal(err)
	}
	before := keysOf(t, d.client, d.options.Prefix)
	_, err = d.mend(d.ctx, request, only(d.Store).scripts.present().process, at,
		reservation.RepairedFigures{Reserved: 5})
	if reservation.ReasonOf(err) != reservation.ReasonRepairConflict {
		t.Errorf("the second is told %v", err)
	}
	if difference := cmp.Diff(before, keysOf(t, d.client, d.options.Prefix)); difference != "" {
		t.Errorf("and wrote:\n%s", difference)
	}
}

// zadd puts a member into one of the stock's sorted sets.
func (d *damaged) zadd(key string, score float64, member string) {
	d.t.Helper()
	entry := redis.Z{Score: score, Member: member}
	if err := d.client.ZAdd(d.ctx, d.key(key), entry).Err(); err != nil {
		d.t.Fatal(err)
	}
}
