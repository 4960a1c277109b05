package replay

import (
	"maps"
	"slices"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// figures are a SKU's, as a fold knows them.
type figures struct{ onHand, reserved int64 }

// fold adds up what a stock must hold: what it held before the run, and what every answer of the
// run granted. It knows the file, the answers and the contract, and no code of the server.
type fold struct {
	began int64 // the journal's sequence before the first call
	skus  map[string]figures
}

func newFold(before []*holdfastv1.StockItem, began int64) *fold {
	f := &fold{began: began, skus: make(map[string]figures, len(before))}
	for _, item := range before {
		f.skus[item.GetSku()] = figures{item.GetOnHandQuantity(), item.GetReservedQuantity()}
	}
	return f
}

// add adds an answer. One from before the run began, replayed, is in the figures already.
func (f *fold) add(a *Answer) {
	if a.Err != nil || a.sequence() <= f.began {
		return
	}
	for _, line := range a.Entry.Lines {
		sku := f.skus[line.SKU]
		switch a.Entry.Kind {
		case Order:
			sku.reserved += line.Units
		case Cancellation, Supply:
			sku.onHand += line.Units
		}
		f.skus[line.SKU] = sku
	}
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
