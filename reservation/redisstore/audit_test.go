package redisstore

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
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

// zadd puts a member into one of the stock's sorted sets.
func (d *damaged) zadd(key string, score float64, member string) {
	d.t.Helper()
	entry := redis.Z{Score: score, Member: member}
	if err := d.client.ZAdd(d.ctx, d.key(key), entry).Err(); err != nil {
		d.t.Fatal(err)
	}
}
