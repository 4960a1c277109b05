package ledger

import "github.com/holdfast-dev/holdfast/reservation"

// Change is what an event does to one line of its reservation, in units; each may be negative.
type Change struct {
	Index       int // of the line
	SKU         reservation.SKU
	Covered     int64
	Backordered int64
	Fulfilled   int64
}

// Open returns by how many units the line's open quantity moves.
func (c Change) Open() int64 { return c.Covered + c.Backordered }

// Changes returns what an event does to the lines of its reservation. Whether a line is counted, so
// that it stands in its SKU's figures, only the reservation's grant says.
func Changes(event *reservation.Event) []Change {
	var sign int64
	switch event.Type {
	case reservation.EventReserved, reservation.EventCommitted:
		sign = 1
	case reservation.EventReleased, reservation.EventExpired:
		sign = -1
	case reservation.EventFulfilled, reservation.EventBackorderFilled:
	case reservation.EventExtended, reservation.EventRestocked, reservation.EventAdjusted,
		reservation.EventBackordered, reservation.EventLowStock, reservation.EventOutOfStock,
		reservation.EventBackInStock, reservation.EventOversold, reservation.EventPolicyChanged,
		reservation.EventStoreChanged, reservation.EventRepaired:
		return nil
	}
	changes := make([]Change, len(event.Lines))
	for i := range event.Lines {
		told, c := &event.Lines[i], &changes[i]
		c.Index, c.SKU = told.Index, told.SKU
		c.Covered, c.Backordered = sign*told.Covered, sign*told.Backordered
		if event.Type == reservation.EventFulfilled {
			c.Covered, c.Fulfilled = -told.Quantity, told.Quantity
		}
		if event.Type == reservation.EventBackorderFilled {
			c.Covered, c.Backordered = told.Covered, -told.Covered
		}
	}
	return changes
}
