package storetest

import (
	"github.com/holdfast-dev/holdfast/reservation"
)

// moved takes an arrival, a correction or a count over.
func (f *folded) moved(event reservation.Event) {
	for _, line := range event.Lines {
		it := f.item(line.SKU)
		it.onHand += line.Quantity
		if it.onHand < 0 {
			f.problems.addf("I1: event %d leaves %d %s on hand", event.Sequence, it.onHand, line.SKU)
		}
	}
}

// oversold holds what the event says is short against the figures.
func (f *folded) oversold(event reservation.Event) {
	for _, line := range event.Lines {
		it := f.item(line.SKU)
		short := it.reserved - it.onHand
		for _, entry := range it.queue {
			short -= entry.Units
		}
		if short <= 0 || line.Shortfall != short {
			f.problems.addf("event %d says that %s is short by %d, it is by %d", event.Sequence,
				line.SKU, line.Shortfall, short)
		}
	}
}

func (f *folded) policyChanged(event reservation.Event) {
	if len(event.Lines) == 0 {
		f.byDefault = event.Policy
		return
	}
	sku := event.Lines[0].SKU
	if event.Deleted {
		delete(f.items, sku)
		return
	}
	f.item(sku).own = event.Policy
}

// threshold holds what the event says is available against the figures: it stands after all that
// its request changed.
func (f *folded) threshold(event reservation.Event) {
	for _, line := range event.Lines {
		it := f.item(line.SKU)
		if available := it.onHand - it.reserved; line.Available != available {
			f.problems.addf("event %d (%s) says that %d %s are available, they are %d",
				event.Sequence, event.Type, line.Available, line.SKU, available)
		}
	}
}

// repaired holds what a repair made of a SKU's figures against the fold, which no damage reached.
func (f *folded) repaired(event reservation.Event) {
	for _, line := range event.Lines {
		it := f.item(line.SKU)
		want := reservation.RepairedFigures{Reserved: it.reserved}
		for _, entry := range it.queue {
			want.Queued += entry.Units
		}
		want.Filling = min(max(it.onHand-want.Reserved+want.Queued, 0), want.Queued)
		if event.Repaired.After != want {
			f.problems.addf("event %d repairs %s to %+v, must be %+v", event.Sequence, line.SKU,
				event.Repaired.After, want)
		}
	}
}
