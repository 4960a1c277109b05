package redisstore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/reservation"
)

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
