package books

import (
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// compare notes what a stock and the books do not agree on.
func (b *Books) compare(stock string, s standing) {
	orders, sums := b.wanted(stock, s.now)
	for id, o := range orders {
		want, got := o.known.at(s.now, o.expires), s.orders[id]
		switch {
		case got.equal(want):
		case !want.isThere():
			b.double(1, "%s/%s is %s; it was told %s", stock, id, got, o.told)
		case progress(got) < progress(want) || b.options.MayLose:
			b.lose(1, "%s/%s is %s, must be %s; it was told %s", stock, id, got, want, o.told)
		default:
			b.double(1, "%s/%s is %s, must be %s; it was told %s", stock, id, got, want, o.told)
		}
	}
	for id, got := range s.orders {
		if orders[id] == nil {
			b.double(1, "%s/%s is %s, and nobody made it", stock, id, got)
		}
	}
	if !b.options.MayLose {
		for _, sku := range b.skus {
			b.compareItem(stock, sku, s.items[sku], sums[sku])
		}
	}
	for _, item := range s.items {
		b.checkItem(stock, item)
	}
}

// progress tells how much has become of an order: what is lost has less.
func progress(f figures) int64 {
	stages := map[holdfastv1.ReservationState]int64{
		holdfastv1.ReservationState_RESERVATION_STATE_UNSPECIFIED: 0,

		held: 1, committed: 2, fulfilled: 3, released: 3, expired: 3,
	}
	n := stages[f.state]
	for _, l := range f.lines {
		n += 10 * (l.fulfilled + l.released)
	}
	return n
}

// compareItem notes units that are missing or too many.
func (b *Books) compareItem(stock, sku string, item *holdfastv1.StockItem, want sum) {
	for _, figure := range []struct {
		name      string
		got, want int64
	}{
		{"on hand", item.GetOnHandQuantity(), want.onHand},
		{"reserved", item.GetReservedQuantity(), want.reserved},
	} {
		switch difference := figure.got - figure.want; {
		case difference < 0:
			b.lose(-difference, "%s of %s/%s is %d, must be %d", figure.name, stock, sku,
				figure.got, figure.want)
		case difference > 0:
			b.double(difference, "%s of %s/%s is %d, must be %d", figure.name, stock, sku,
				figure.got, figure.want)
		}
	}
}

// checkItem holds a SKU's figures against each other (contract, I1 and I2).
func (b *Books) checkItem(stock string, item *holdfastv1.StockItem) {
	available := item.GetOnHandQuantity() - item.GetReservedQuantity()
	missing := max(0, -available)
	if item.GetOnHandQuantity() < 0 || item.GetReservedQuantity() < 0 ||
		item.GetAvailableQuantity() != available ||
		item.GetBackorderedQuantity()+item.GetShortfallQuantity() != missing ||
		item.GetFillingQuantity() != 0 {
		b.Findf("the figures of %s/%s do not add up: %v", stock, item.GetSku(), item)
	}
}
