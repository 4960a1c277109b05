package books

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

func committing(o *order) *change {
	after := o.known
	after.state = committed
	request := &holdfastv1.CommitRequest{StockId: o.stock, ReservationId: o.id}
	return &change{name: "Commit", after: after, send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.Commit(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
}

func extending(o *order) *change {
	request := &holdfastv1.ExtendRequest{
		StockId: o.stock, ReservationId: o.id, Ttl: durationpb.New(longHold),
	}
	return &change{name: "Extend", after: o.known, send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.Extend(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
}

// linesOf writes units in the order of the order's lines, so that every try says the same.
func linesOf(o *order, some units) []*holdfastv1.LineQuantity {
	var lines []*holdfastv1.LineQuantity
	for _, l := range o.known.lines {
		if n := some[l.sku]; n > 0 {
			lines = append(lines, &holdfastv1.LineQuantity{Sku: l.sku, Quantity: n})
		}
	}
	return lines
}

// releasing gives units back under a request id; nil: everything, which has none.
func releasing(o *order, some units, id string) *change {
	request := &holdfastv1.ReleaseRequest{
		StockId: o.stock, ReservationId: o.id, RequestId: id, Lines: linesOf(o, some),
	}
	return &change{name: "Release", after: o.known.giveBack(some), send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.Release(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
}

// abandoning is a release by a caller who does not know whether the reservation is there.
func abandoning(o *order) *change {
	request := &holdfastv1.ReleaseRequest{
		StockId: o.stock, ReservationId: o.id, AllowMissing: true,
	}
	return &change{name: "Release with allow_missing", send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.Release(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
}

// fulfilling ships units under a request id; nil: everything, which has none.
func fulfilling(o *order, some units, id string) *change {
	request := &holdfastv1.FulfillRequest{
		StockId: o.stock, ReservationId: o.id, RequestId: id, Lines: linesOf(o, some),
	}
	return &change{name: "Fulfill", after: o.known.ship(some), send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.Fulfill(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
}

// supply has units arrive, or says that some are missing, and says whether that is done.
func (c *caller) supply(ctx context.Context, stock, sku, id string, n int64) bool {
	s := &supply{stock: stock, sku: sku, units: n}
	c.books.enterSupply(s)
	ch := arriving(stock, sku, id, n)
	outcome, _, _ := c.attempt(ctx, ch)
	switch outcome {
	case isDone:
		s.isDone = true
	case isNot:
	case isOpen:
		s.open = ch
	}
	return s.isDone
}

func arriving(stock, sku, id string, n int64) *change {
	if n > 0 {
		request := &holdfastv1.RestockRequest{
			StockId: stock, RequestId: id,
			Lines: []*holdfastv1.LineQuantity{{Sku: sku, Quantity: n}},
		}
		return &change{name: fmt.Sprintf("Restock %s", id), send: func(
			ctx context.Context, client *rig.Client,
		) (*holdfastv1.Reservation, time.Time, error) {
			answered, err := client.Stock.Restock(ctx, request)
			return nil, answered.GetStoreTime().AsTime(), err
		}}
	}
	request := &holdfastv1.AdjustStockRequest{
		StockId: stock, RequestId: id,
		Lines: []*holdfastv1.StockAdjustment{{Sku: sku, Delta: n, Reason: "damaged"}},
	}
	return &change{name: fmt.Sprintf("AdjustStock %s", id), send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Stock.AdjustStock(ctx, request)
		return nil, answered.GetStoreTime().AsTime(), err
	}}
}
