package replay

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// numbered gives events the sequences from 1 on.
func numbered(events ...*holdfastv1.Event) []*holdfastv1.Event {
	for i, event := range events {
		event.Sequence = int64(i + 1)
	}
	return events
}

func lineOf(line *holdfastv1.EventLine) []*holdfastv1.EventLine {
	line.Sku = "A"
	return []*holdfastv1.EventLine{line}
}

// life is an order that waits, is served, expires, is had again, and ships; beside it one of an
// untracked SKU, which stands in no figure.
func life() []*holdfastv1.Event {
	type line = holdfastv1.EventLine
	event := func(kind holdfastv1.EventType, id string, l *line) *holdfastv1.Event {
		return &holdfastv1.Event{Type: kind, ReservationId: id, Lines: lineOf(l)}
	}
	return numbered(
		event(holdfastv1.EventType_EVENT_TYPE_RESTOCKED, "", &line{Quantity: 3}),
		event(holdfastv1.EventType_EVENT_TYPE_RESERVED, "o",
			&line{CoveredQuantity: 3, BackorderedQuantity: 2, Counted: true}),
		event(holdfastv1.EventType_EVENT_TYPE_RESERVED, "u", &line{CoveredQuantity: 9}),
		event(holdfastv1.EventType_EVENT_TYPE_ADJUSTED, "", &line{Quantity: 1}),
		event(holdfastv1.EventType_EVENT_TYPE_BACKORDER_FILLED, "o", &line{CoveredQuantity: 1}),
		event(holdfastv1.EventType_EVENT_TYPE_EXPIRED, "o",
			&line{CoveredQuantity: 4, BackorderedQuantity: 1}),
		event(holdfastv1.EventType_EVENT_TYPE_COMMITTED, "o",
			&line{CoveredQuantity: 4, BackorderedQuantity: 1}),
		event(holdfastv1.EventType_EVENT_TYPE_FULFILLED, "o", &line{Quantity: 2}),
		event(holdfastv1.EventType_EVENT_TYPE_FULFILLED, "u", &line{Quantity: 9}),
	)
}

func fold1(events []*holdfastv1.Event) *journal {
	j := newJournal()
	for _, event := range events {
		j.add(event)
	}
	return j
}

func TestJournal_FoldsALifeToTheStock(t *testing.T) {
	j := fold1(life())
	item := &holdfastv1.StockItem{
		Sku: "A", OnHandQuantity: 2, ReservedQuantity: 3, BackorderedQuantity: 1,
	}
	if got := j.compare([]*holdfastv1.StockItem{item}); len(got)+len(j.faults) > 0 || j.expired != 1 {
		t.Errorf("differences %v, faults %v, %d expired", got, j.faults, j.expired)
	}
	item.ReservedQuantity++
	want := []Difference{{"A", "reserved", 3, 4}, {"C", "SKUs of this name", 0, 1}}
	got := j.compare([]*holdfastv1.StockItem{item, {Sku: "C"}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestJournal_TellsItsOwnFaults(t *testing.T) {
	gap := life()
	if faults := fold1(append(gap[:3:3], gap[4:]...)).faults; len(faults) != 1 ||
		!strings.Contains(faults[0], "event 5 follows event 3") {
		t.Errorf("a gap: %v", faults)
	}
	orphan := numbered(life()[5])
	if faults := fold1(orphan).faults; len(faults) != 1 ||
		!strings.Contains(faults[0], "which nothing granted") {
		t.Errorf("an end without a grant: %v", faults)
	}
}
