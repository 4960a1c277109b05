package replay

import (
	"maps"
	"slices"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// figures are a SKU's, as a fold knows them.
type figures struct{ onHand, reserved int64 }

// fold adds up what a stock must hold: what it held before the run, and what every answer of the
// run granted. It knows the file, the answers and the contract, and no code of the server.
type fold struct {
	began  int64 // the journal's sequence before the first call
	skus   map[string]figures
	orders map[string]*foldedOrder
	seen   time.Time // the latest store time of an answer
}

// foldedOrder is an order that was granted.
type foldedOrder struct {
	lines []Line
	// expires is when a hold of this run gives its units back; zero: it does not.
	expires time.Time
	ended   bool // its units went back, or had before the run
}

func newFold(before []*holdfastv1.StockItem, began int64) *fold {
	f := &fold{
		began: began, skus: make(map[string]figures, len(before)),
		orders: map[string]*foldedOrder{},
	}
	for _, item := range before {
		f.skus[item.GetSku()] = figures{item.GetOnHandQuantity(), item.GetReservedQuantity()}
	}
	return f
}

// add adds an answer. What an answer from before the run granted is in the figures already.
func (f *fold) add(a *Answer) {
	if a.Err != nil {
		return
	}
	if now := a.Response.GetStoreTime().AsTime(); now.After(f.seen) {
		f.seen = now
	}
	isNew := a.Response.GetSequence() > f.began
	switch a.Entry.Kind {
	case Order:
		f.addOrder(a, isNew)
	case Cancellation, Supply, Refill, Correction:
		if isNew {
			f.move(a.Entry.Lines, func(sku *figures, units int64) { sku.onHand += units })
		}
	case Placing:
		f.order(a.ID).expires = time.Time{}
	case Abandoning:
		released := holdfastv1.ReservationState_RESERVATION_STATE_RELEASED
		if order := f.order(a.ID); a.reservation().GetState() == released {
			f.end(order)
		}
	}
}

func (f *fold) addOrder(a *Answer, isNew bool) {
	order := &foldedOrder{lines: a.Entry.Lines}
	f.orders[a.ID] = order
	switch {
	case isNew:
		f.move(order.lines, func(sku *figures, units int64) { sku.reserved += units })
		if expires := a.reservation().GetExpireTime(); expires != nil {
			order.expires = expires.AsTime()
		}
	case a.StateNow != "HELD" && a.StateNow != "COMMITTED":
		order.ended = true
	}
}

// order returns an order that was granted. Nothing follows one that was not.
func (f *fold) order(id string) *foldedOrder { return f.orders[id] }

// end takes an order's units out of the figures, once.
func (f *fold) end(order *foldedOrder) {
	if !order.ended {
		order.ended, order.expires = true, time.Time{}
		f.move(order.lines, func(sku *figures, units int64) { sku.reserved -= units })
	}
}

func (f *fold) move(lines []Line, by func(*figures, int64)) {
	for _, line := range lines {
		sku := f.skus[line.SKU]
		by(&sku, line.Units)
		f.skus[line.SKU] = sku
	}
}

// expire ends the holds that have run out by a store time and returns them.
func (f *fold) expire(now time.Time) []*foldedOrder {
	var due []*foldedOrder
	for _, order := range f.orders {
		if !order.expires.IsZero() && !now.Before(order.expires) {
			f.end(order)
			due = append(due, order)
		}
	}
	return due
}

// held returns the holds that have not run out.
func (f *fold) held() []*foldedOrder {
	var held []*foldedOrder
	for _, order := range f.orders {
		if !order.expires.IsZero() {
			held = append(held, order)
		}
	}
	return held
}

// Difference is a figure that is not what it must be.
type Difference struct {
	SKU      string `json:"sku"`
	Figure   string `json:"figure"`
	Expected int64  `json:"expected"`
	Found    int64  `json:"found"`
}

// compare holds the stock as it is now against the fold and against what always holds of a SKU:
// on hand is never negative, available = on hand - reserved, and backordered + shortfall is what
// available lies below zero (contract, I1 and I2).
func (f *fold) compare(items []*holdfastv1.StockItem) []Difference {
	var differences []Difference
	found := make(map[string]bool, len(items))
	for _, item := range items {
		found[item.GetSku()] = true
		expected := f.skus[item.GetSku()]
		available := expected.onHand - expected.reserved
		for _, d := range []Difference{
			{"", "on hand", expected.onHand, item.GetOnHandQuantity()},
			{"", "reserved", expected.reserved, item.GetReservedQuantity()},
			{"", "available", available, item.GetAvailableQuantity()},
			{
				"", "backordered + shortfall", max(0, -available),
				item.GetBackorderedQuantity() + item.GetShortfallQuantity(),
			},
		} {
			if d.Expected != d.Found {
				d.SKU = item.GetSku()
				differences = append(differences, d)
			}
		}
	}
	for _, sku := range slices.Sorted(maps.Keys(f.skus)) {
		if !found[sku] {
			differences = append(differences, Difference{sku, "SKUs of this name", 1, 0})
		}
	}
	return differences
}
