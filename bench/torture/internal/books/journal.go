package books

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// journal is a stock folded from its events.
type journal struct {
	sequence int64
	epochs   int64
	grants   map[string]int64 // RESERVED events by reservation
	ends     map[string]int64 // events after which a reservation is over
	sums     map[string]sum
	faults   []string
}

// compareJournal folds a stock's journal and notes where it does not say what the stock says: gaps,
// a reservation that was granted or ended twice (contract, I3), other figures (I7).
func (b *Books) compareJournal(ctx context.Context, stock string, s standing) error {
	j, err := b.foldPatiently(ctx, stock)
	if err != nil {
		return fmt.Errorf("read the journal of %s: %w", stock, err)
	}
	for _, fault := range j.faults {
		b.Findf("the journal of %s: %s", stock, fault)
	}
	for id, n := range j.grants {
		if n > 1 {
			b.double(n-1, "the journal of %s grants %s %d times", stock, id, n)
		}
		if _, there := s.orders[id]; !there {
			b.Findf("the journal of %s grants %s, which is not there", stock, id)
		}
	}
	for id, n := range j.ends {
		if n > 1 {
			b.double(n-1, "the journal of %s ends %s %d times", stock, id, n)
		}
	}
	for sku, item := range s.items {
		got := sum{onHand: item.GetOnHandQuantity(), reserved: item.GetReservedQuantity()}
		if got != j.sums[sku] {
			b.Findf("%s/%s has on hand %d and reserved %d, its journal comes to %d and %d", stock,
				sku, got.onHand, got.reserved, j.sums[sku].onHand, j.sums[sku].reserved)
		}
	}
	return nil
}

// foldPatiently waits while a server follows as many journals as it may.
func (b *Books) foldPatiently(ctx context.Context, stock string) (*journal, error) {
	for {
		j, err := b.fold(ctx, stock)
		if answer.Of(err).Reason != "OVERLOADED" || ctx.Err() != nil {
			return j, err
		}
		pause(ctx, glance)
	}
}

// fold reads a journal from its first event up to the present one.
func (b *Books) fold(ctx context.Context, stock string) (*journal, error) {
	last, err := b.present(ctx, stock)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch, err := b.client(0).Events.Watch(ctx,
		&holdfastv1.WatchRequest{StockId: stock, After: &holdfastv1.Position{}})
	if err != nil {
		return nil, err
	}
	j := &journal{grants: map[string]int64{}, ends: map[string]int64{}, sums: map[string]sum{}}
	for j.sequence < last {
		some, err := watch.Recv()
		if err != nil {
			return nil, err
		}
		for _, event := range some.GetEvents() {
			j.take(event)
		}
	}
	return j, nil
}

// present returns the sequence that a stock's journal is at.
func (b *Books) present(ctx context.Context, stock string) (int64, error) {
	position, err := Present(ctx, b.client(0), stock)
	return position.GetSequence(), err
}

func (j *journal) take(event *holdfastv1.Event) {
	if event.GetSequence() != j.sequence+1 {
		j.faults = append(j.faults, fmt.Sprintf("event %d follows event %d", event.GetSequence(),
			j.sequence))
	}
	j.sequence = event.GetSequence()
	id := event.GetReservationId()
	if event.GetType() == holdfastv1.EventType_EVENT_TYPE_RESERVED {
		j.grants[id]++
	}
	if event.GetType() == holdfastv1.EventType_EVENT_TYPE_STORE_CHANGED {
		j.epochs++
	}
	if isOver(event) {
		j.ends[id]++
	}
	for _, l := range event.GetLines() {
		total, moved := j.sums[l.GetSku()], movement(event, l)
		j.sums[l.GetSku()] = sum{
			onHand: total.onHand + moved.onHand, reserved: total.reserved + moved.reserved,
		}
	}
}

// isOver says whether the event ends its reservation.
func isOver(event *holdfastv1.Event) bool {
	state := event.GetState()
	return event.GetReservationId() != "" &&
		(state == fulfilled || state == released || state == expired)
}

// movement returns by what a line of an event moves its SKU's figures.
func movement(event *holdfastv1.Event, l *holdfastv1.EventLine) sum {
	switch promised := l.GetCoveredQuantity() + l.GetBackorderedQuantity(); event.GetType() {
	case holdfastv1.EventType_EVENT_TYPE_RESERVED:
		return sum{reserved: promised}
	case holdfastv1.EventType_EVENT_TYPE_RELEASED, holdfastv1.EventType_EVENT_TYPE_EXPIRED:
		return sum{reserved: -promised}
	case holdfastv1.EventType_EVENT_TYPE_FULFILLED:
		return sum{reserved: -l.GetQuantity(), onHand: -l.GetQuantity()}
	case holdfastv1.EventType_EVENT_TYPE_RESTOCKED, holdfastv1.EventType_EVENT_TYPE_ADJUSTED:
		return sum{onHand: l.GetQuantity()}
	case holdfastv1.EventType_EVENT_TYPE_UNSPECIFIED, holdfastv1.EventType_EVENT_TYPE_COMMITTED,
		holdfastv1.EventType_EVENT_TYPE_EXTENDED, holdfastv1.EventType_EVENT_TYPE_BACKORDERED,
		holdfastv1.EventType_EVENT_TYPE_BACKORDER_FILLED, holdfastv1.EventType_EVENT_TYPE_LOW_STOCK,
		holdfastv1.EventType_EVENT_TYPE_OUT_OF_STOCK, holdfastv1.EventType_EVENT_TYPE_BACK_IN_STOCK,
		holdfastv1.EventType_EVENT_TYPE_OVERSOLD, holdfastv1.EventType_EVENT_TYPE_POLICY_CHANGED,
		holdfastv1.EventType_EVENT_TYPE_STORE_CHANGED, holdfastv1.EventType_EVENT_TYPE_REPAIRED:
		// A repair makes the figures what the other events say.
	}
	return sum{}
}
