package redisstore

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// TestBatch_AnOrderThatWaitsIsFilledWithinItsOwnBatch has one script grant an order that waits and
// end a cart whose unit is due to it: what is not written yet must be found.
func TestBatch_AnOrderThatWaitsIsFilledWithinItsOwnBatch(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openReal(t, Options{quiet: true})
	setMode(t, s, "mug", reservation.BackorderAllow)
	restock(t, s, "r1", "mug", 1)
	restock(t, s, "r2", "cup", 1)
	cart := reserveOf("cart", "mug")
	cart.TTL = must(reservation.NewTTL(time.Hour))
	if _, err := s.Reserve(ctx, cart); err != nil {
		t.Fatal(err)
	}
	edited := reserveOf("edited", "cup")
	edited.TTL, edited.Replaces = cart.TTL, cart.ID
	b := s.stocks.acquire(mustStock(""))
	defer s.stocks.release(b)
	batch := []*operation{reserveOperation(reserveOf("waits", "mug")), reserveOperation(edited)}
	for _, op := range batch {
		op.done, op.entered = make(chan struct{}), time.Now()
		op.life.Store(opTaken)
	}
	if again := s.sendBatch(b, batch); len(again) > 0 {
		t.Fatalf("%d are to be sent again", len(again))
	}
	for _, op := range batch {
		if <-op.done; op.err != nil {
			t.Fatal(op.err)
		}
	}
	answer, err := s.Get(ctx, mustStock(""), mustID("waits"))
	if err != nil {
		t.Fatal(err)
	}
	if line := answer.Reservation.Lines[0]; line.Covered != 1 || line.Backordered != 0 {
		t.Errorf("it has %d covered and %d backordered units", line.Covered, line.Backordered)
	}
	item := figuresOf(ctx, t, s, "mug")
	if item.Reserved != 1 || item.Queued != 0 || item.Filling != 0 {
		t.Errorf("the figures are %+v", item)
	}
}
