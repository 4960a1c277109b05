package replay

import (
	"fmt"
	"maps"
	"slices"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// journal adds up what a stock's events say from the first on. It knows the events' description in
// the proto and nothing else.
type journal struct {
	sequence int64
	skus     map[string]journalSKU
	counted  map[string][]bool // of each reservation, whether its lines count
	expired  int64             // reservations
	faults   []string
}

// journalSKU is a SKU's figures by the journal.
type journalSKU struct{ onHand, reserved, waiting int64 }

func newJournal() *journal {
	return &journal{skus: map[string]journalSKU{}, counted: map[string][]bool{}}
}

// add adds the next event.
func (j *journal) add(e *holdfastv1.Event) {
	if e.GetSequence() != j.sequence+1 {
		j.faultf("event %d follows event %d", e.GetSequence(), j.sequence)
	}
	j.sequence = e.GetSequence()
	switch e.GetType() {
	case holdfastv1.EventType_EVENT_TYPE_RESERVED:
		lines := make([]bool, len(e.GetLines()))
		for i, line := range e.GetLines() {
			lines[i] = line.GetCounted()
		}
		j.counted[e.GetReservationId()] = lines
		j.grant(e, 1)
	case holdfastv1.EventType_EVENT_TYPE_COMMITTED: // with lines: granted again
		j.grant(e, 1)
	case holdfastv1.EventType_EVENT_TYPE_EXPIRED:
		j.expired++
		j.grant(e, -1)
	case holdfastv1.EventType_EVENT_TYPE_RELEASED:
		j.grant(e, -1)
	case holdfastv1.EventType_EVENT_TYPE_BACKORDER_FILLED:
		j.each(e, func(sku *journalSKU, line *holdfastv1.EventLine) {
			sku.waiting -= line.GetCoveredQuantity()
		})
	case holdfastv1.EventType_EVENT_TYPE_FULFILLED:
		j.each(e, func(sku *journalSKU, line *holdfastv1.EventLine) {
			sku.reserved -= line.GetQuantity()
			sku.onHand -= line.GetQuantity()
		})
	case holdfastv1.EventType_EVENT_TYPE_RESTOCKED, holdfastv1.EventType_EVENT_TYPE_ADJUSTED:
		j.each(e, func(sku *journalSKU, line *holdfastv1.EventLine) {
			sku.onHand += line.GetQuantity()
		})
	case holdfastv1.EventType_EVENT_TYPE_POLICY_CHANGED:
		j.each(e, func(*journalSKU, *holdfastv1.EventLine) {})
		if e.GetDeleted() {
			delete(j.skus, e.GetLines()[0].GetSku())
		}
	case holdfastv1.EventType_EVENT_TYPE_EXTENDED, holdfastv1.EventType_EVENT_TYPE_BACKORDERED,
		holdfastv1.EventType_EVENT_TYPE_LOW_STOCK, holdfastv1.EventType_EVENT_TYPE_OUT_OF_STOCK,
		holdfastv1.EventType_EVENT_TYPE_BACK_IN_STOCK, holdfastv1.EventType_EVENT_TYPE_OVERSOLD,
		holdfastv1.EventType_EVENT_TYPE_STORE_CHANGED, holdfastv1.EventType_EVENT_TYPE_REPAIRED:
		// They tell of figures and change none.
	case holdfastv1.EventType_EVENT_TYPE_UNSPECIFIED:
		j.faultf("event %d has no type", e.GetSequence())
	}
}

// grant adds (sign 1) or takes (sign -1) the units of an event's lines.
func (j *journal) grant(e *holdfastv1.Event, sign int64) {
	j.each(e, func(sku *journalSKU, line *holdfastv1.EventLine) {
		sku.reserved += sign * (line.GetCoveredQuantity() + line.GetBackorderedQuantity())
		sku.waiting += sign * line.GetBackorderedQuantity()
	})
}

// each lets by change the SKU of each line that counts.
func (j *journal) each(e *holdfastv1.Event, by func(*journalSKU, *holdfastv1.EventLine)) {
	for _, line := range e.GetLines() {
		if !j.counts(e, line) {
			continue
		}
		sku := j.skus[line.GetSku()]
		by(&sku, line)
		j.skus[line.GetSku()] = sku
	}
}

// counts says whether a line stands in its SKU's figures: of a reservation, what RESERVED said.
func (j *journal) counts(e *holdfastv1.Event, line *holdfastv1.EventLine) bool {
	if e.GetReservationId() == "" {
		return true
	}
	lines := j.counted[e.GetReservationId()]
	if at := int(line.GetLineIndex()); at < len(lines) {
		return lines[at]
	}
	j.faultf("event %d tells of line %d of %s, which nothing granted",
		e.GetSequence(), line.GetLineIndex()+1, e.GetReservationId())
	return false
}

func (j *journal) faultf(format string, arguments ...any) {
	const most = 5
	if len(j.faults) < most {
		j.faults = append(j.faults, fmt.Sprintf(format, arguments...))
	}
}

// compare holds the stock against the journal.
func (j *journal) compare(items []*holdfastv1.StockItem) []Difference {
	var differences []Difference
	found := make(map[string]bool, len(items))
	for _, item := range items {
		found[item.GetSku()] = true
		expected, known := j.skus[item.GetSku()]
		if !known {
			differences = append(differences,
				Difference{item.GetSku(), "SKUs of this name", 0, 1})
			continue
		}
		for _, d := range []Difference{
			{"", "on hand", expected.onHand, item.GetOnHandQuantity()},
			{"", "reserved", expected.reserved, item.GetReservedQuantity()},
			{
				"", "backordered + filling", expected.waiting,
				item.GetBackorderedQuantity() + item.GetFillingQuantity(),
			},
		} {
			if d.Expected != d.Found {
				d.SKU = item.GetSku()
				differences = append(differences, d)
			}
		}
	}
	for _, sku := range slices.Sorted(maps.Keys(j.skus)) {
		if !found[sku] {
			differences = append(differences, Difference{sku, "SKUs of this name", 1, 0})
		}
	}
	return differences
}
