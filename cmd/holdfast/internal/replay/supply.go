package replay

import (
	"crypto/sha256"
	"fmt"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// ampleFactor is how many times the file's demand an ample supply is. Once would do: no order is
// refused as long as all of them together fit.
const ampleFactor = 2

// MostSupply is the largest factor that Options.Supply may be.
const MostSupply = 1000

// supplies returns the restocks that come before the orders: factor times what the file's orders
// ask of each SKU, in whole units and at least one, so that every SKU is known. SKUs that no call
// may name are left out; the server says so when an order names them.
func supplies(history History, factor float64) []Entry {
	demand := map[string]int64{}
	var order []string // of first mention, so that a second run asks the same
	for _, entry := range history.Entries {
		if entry.Kind != Order {
			continue
		}
		for _, line := range entry.Lines {
			if _, known := demand[line.SKU]; !known {
				order = append(order, line.SKU)
			}
			demand[line.SKU] = min(demand[line.SKU]+line.Units, reservation.MaxFigure)
		}
	}
	var lines []Line
	for _, sku := range order {
		if _, err := reservation.ParseSKU(sku); err != nil {
			continue
		}
		left := max(1, int64(float64(demand[sku])*factor))
		for left > 0 {
			units := min(left, reservation.MaxQuantity)
			lines = append(lines, Line{SKU: sku, Units: units})
			left -= units
		}
	}
	return inRequests(Supply, "supply", lines)
}

// inRequests divides lines into entries of a kind, of as many lines as a request may have.
func inRequests(kind Kind, name string, lines []Line) []Entry {
	var entries []Entry
	for len(lines) > 0 {
		size := min(len(lines), reservation.MaxLines)
		entries = append(entries, Entry{
			Kind: kind, Name: fmt.Sprintf("%s-%d", name, len(entries)+1), Lines: lines[:size],
		})
		lines = lines[size:]
	}
	return entries
}

// refills returns the restocks of what is backordered. Their names have a hash of their lines: in a
// second run other units may be waiting after as many orders, and then it is another request.
func refills(number int, items []*holdfastv1.StockItem) []Entry {
	var lines []Line
	content := sha256.New()
	for _, item := range items {
		units := min(item.GetBackorderedQuantity(), reservation.MaxQuantity)
		if units > 0 {
			lines = append(lines, Line{SKU: item.GetSku(), Units: units})
			fmt.Fprintf(content, "%q %d\n", item.GetSku(), units)
		}
	}
	const hashed = 6 // bytes; a run has some hundred refills
	return inRequests(Refill, fmt.Sprintf("refill-%d-%x", number, content.Sum(nil)[:hashed]), lines)
}
