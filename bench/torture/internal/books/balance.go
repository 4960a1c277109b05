package books

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

const (
	pageSize = 1_000
	// sweepWait is how long holds that have run out may take to be reclaimed: idle, the contract
	// gives a second; this machine may be busy.
	sweepWait = 15 * time.Second
	glance    = 100 * time.Millisecond
)

// standing is a stock as it is.
type standing struct {
	orders map[string]figures
	items  map[string]*holdfastv1.StockItem
	now    time.Time
}

// Balance holds the stocks against the books: every order, every figure, and the journal folded
// from its first event. Differences are waited out for a while, for holds that run out are
// reclaimed in the background; what stays is noted.
func (b *Books) Balance(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience+sweepWait)
	defer cancel()
	for _, stock := range b.stocks {
		s, err := b.awaitBalance(ctx, stock)
		if err != nil {
			return err
		}
		b.compare(stock, s)
		if err := b.compareJournal(ctx, stock, s); err != nil {
			return err
		}
	}
	if counts := b.snapshot(); counts.Resolved != counts.Unknown {
		b.Findf("%d tries had no known outcome, %d were resolved", counts.Unknown, counts.Resolved)
	}
	return nil
}

// awaitBalance reads a stock until it is as the books say, or that takes too long.
func (b *Books) awaitBalance(ctx context.Context, stock string) (standing, error) {
	for deadline := time.Now().Add(sweepWait); ; {
		s, err := b.read(ctx, stock)
		switch {
		case ctx.Err() != nil:
			return standing{}, fmt.Errorf("balance the books: %w", errors.Join(err, ctx.Err()))
		case err == nil && (b.isBalanced(stock, s) || time.Now().After(deadline)):
			return s, nil
		}
		pause(ctx, glance)
	}
}

// read reads a stock's reservations and figures. Only what runs out by itself changes them by now.
func (b *Books) read(ctx context.Context, stock string) (standing, error) {
	s := standing{orders: map[string]figures{}, items: map[string]*holdfastv1.StockItem{}}
	for _, state := range []holdfastv1.ReservationState{
		held, committed, fulfilled, released, expired,
	} {
		if err := b.list(ctx, stock, state, s.orders); err != nil {
			return standing{}, err
		}
	}
	answered, err := b.client(0).Stock.BatchGetStock(ctx,
		&holdfastv1.BatchGetStockRequest{StockId: stock, Skus: b.skus})
	if a := answer.Of(err); a.Reason == "UNKNOWN_SKU" {
		s.now = a.StoreTime
		return s, nil // they are gone, and with them all units
	}
	if err != nil {
		return standing{}, err
	}
	for _, item := range answered.GetItems() {
		s.items[item.GetSku()] = item
	}
	s.now = answered.GetStoreTime().AsTime()
	return s, nil
}

func (b *Books) list(
	ctx context.Context, stock string, state holdfastv1.ReservationState, into map[string]figures,
) error {
	request := &holdfastv1.ListReservationsRequest{
		StockId: stock, State: state, PageSize: pageSize,
	}
	for {
		page, err := b.client(0).Reservations.ListReservations(ctx, request)
		if err != nil {
			return err
		}
		for _, r := range page.GetReservations() {
			into[r.GetReservationId()] = figuresOf(r)
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return nil
		}
	}
}

// wanted is what the books say of a stock at a store time.
func (b *Books) wanted(
	stock string, now time.Time,
) (orders map[string]*order, sums map[string]sum) {
	orders, sums = map[string]*order{}, map[string]sum{}
	for _, s := range b.supplies {
		if s.stock == stock && s.isDone {
			total := sums[s.sku]
			total.onHand += s.units
			sums[s.sku] = total
		}
	}
	for _, o := range b.orders {
		if o.stock != stock {
			continue
		}
		orders[o.id] = o
		for _, l := range o.known.at(now, o.expires).lines {
			total := sums[l.sku]
			total.reserved += l.open
			total.onHand -= l.fulfilled
			sums[l.sku] = total
		}
	}
	return orders, sums
}

// sum is what must be on hand and reserved of a SKU, in units.
type sum struct{ onHand, reserved int64 }

func (b *Books) isBalanced(stock string, s standing) bool {
	if b.options.MayLose {
		return b.areHoldsOver(s.now)
	}
	orders, sums := b.wanted(stock, s.now)
	for _, sku := range b.skus {
		item := s.items[sku]
		if item.GetOnHandQuantity() != sums[sku].onHand ||
			item.GetReservedQuantity() != sums[sku].reserved || item.GetFillingQuantity() != 0 {
			return false
		}
	}
	for id, o := range orders {
		want := o.known.at(s.now, o.expires)
		if !s.orders[id].equal(want) {
			return false
		}
		// What is about to run out would do so in the midst of the reading.
		if want.state == held && o.expires.Sub(s.now) < longHold/2 {
			return false
		}
	}
	return true
}

// areHoldsOver says whether every short hold has run out and had the second in which it is
// reclaimed. Nothing else tells that a stock has come to rest where the books need not be right.
func (b *Books) areHoldsOver(now time.Time) bool {
	for _, o := range b.orders {
		if left := o.expires.Add(time.Second).Sub(now); left > 0 && left < longHold/2 {
			return false
		}
	}
	return true
}
