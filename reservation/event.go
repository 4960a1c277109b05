package reservation

import "time"

// EventType is what happened to a stock. The names are the contract's, section 6.
type EventType uint8

// The events. Each call writes its own event first, then what follows from it: BACKORDERED, the
// BACKORDER_FILLED in queue order, and last, per SKU in the order of first mention, LOW_STOCK,
// OUT_OF_STOCK or BACK_IN_STOCK, which compare before and after the whole request.
const (
	// EventReserved has the reservation, its state, expiry and every line (index, SKU, covered,
	// backordered, requested).
	EventReserved EventType = iota + 1
	// EventCommitted has the reservation, its state and term, and after a reacquire every line
	// (index, SKU, covered, backordered).
	EventCommitted
	// EventExtended has the reservation, its state and expiry.
	EventExtended
	// EventReleased has the reservation, the request id if any, its state afterwards, and what each
	// line gave back (index, SKU, covered, backordered).
	EventReleased
	// EventExpired has the reservation and what each line gave back.
	EventExpired
	// EventFulfilled has the reservation, the request id if any, its state afterwards, and what
	// left of each line (index, SKU, units in Quantity).
	EventFulfilled
	// EventRestocked has the request id and each line (index, SKU, units in Quantity).
	EventRestocked
	// EventAdjusted has the request id and each line (index, SKU, units in Quantity, reason); of a
	// count the reason is "count".
	EventAdjusted
	// EventBackordered has the reservation and its lines with backordered units.
	EventBackordered
	// EventBackorderFilled has the reservation and one line (index, SKU, units in Covered).
	EventBackorderFilled
	// EventLowStock has one line (SKU, available in Available): it dropped below the threshold.
	EventLowStock
	// EventOutOfStock and EventBackInStock have one line (SKU, Available): available less the
	// safety stock (under DENY) is no longer, or is again, above 0.
	EventOutOfStock
	EventBackInStock
	// EventOversold has one line (SKU, Shortfall): a shortfall appeared or grew in this request. It
	// stands before the SKU's other threshold events.
	EventOversold
	// EventPolicyChanged has one line with the SKU, none for the stock's default; it stands also
	// for a SKU's creation without units and, with Deleted, for its deletion.
	EventPolicyChanged
	// EventStoreChanged says that another store process answers: what the old one had not kept is
	// lost.
	EventStoreChanged
	// EventRepaired has one line with the SKU, and in Repaired its figures before and after. It moves
	// no units: it says that the figures are again what the events before it had made of them.
	EventRepaired
)

// String returns the event's name as it stands in the contract.
func (t EventType) String() string {
	names := [...]string{
		"UNKNOWN", "RESERVED", "COMMITTED", "EXTENDED", "RELEASED", "EXPIRED", "FULFILLED", "RESTOCKED",
		"ADJUSTED", "BACKORDERED", "BACKORDER_FILLED", "LOW_STOCK", "OUT_OF_STOCK", "BACK_IN_STOCK",
		"OVERSOLD", "POLICY_CHANGED", "STORE_CHANGED", "REPAIRED",
	}
	if int(t) >= len(names) {
		return names[0]
	}
	return names[t]
}

// Event is one change of a stock, as its journal has it.
type Event struct {
	Sequence    int64 // gap-free within a stock, from 1
	Time        time.Time
	Type        EventType
	Reservation ReservationID
	Request     RequestID
	State       State     // of the reservation after the event
	Term        int64     // EventCommitted
	ExpireTime  time.Time // of a hold
	Lines       []EventLine
	Policy      Policy // EventPolicyChanged: the own policy afterwards
	Deleted     bool   // EventPolicyChanged: the SKU is gone
	Epoch       int64  // EventStoreChanged: the one that begins
	Repaired    Repaired
}

// Repaired is what an [EventRepaired] did to a SKU's figures.
type Repaired struct {
	Before RepairedFigures
	After  RepairedFigures
}

// EventLine is one line or SKU of an event; what the figures mean depends on the event's type.
type EventLine struct {
	Index       int
	SKU         SKU
	Requested   int64
	Covered     int64
	Backordered int64
	Quantity    int64
	Available   int64
	Shortfall   int64
	Reason      AdjustReason // EventAdjusted
	Counted     bool         // EventReserved: the SKU was tracked
	// Refusal is, of EventReserved, why the line got less than it asked for; 0 where it did not.
	Refusal LineReason
	// Orderable is how much the line could have taken where Refusal is set; unset: unlimited.
	Orderable Optional[int64]
}

// Snapshot is everything that a stock holds, in a fixed order, for comparing and for the record.
type Snapshot struct {
	Sequence     int64
	Default      Policy
	Items        []ItemSnapshot // by SKU bytes
	Reservations []Reservation  // by id; lines with RestockTime and Substitutes as they were granted
	Requests     []RequestID    // by id
	Events       []Event        // by sequence
}

// ItemSnapshot is one SKU with its own policy and its queue.
type ItemSnapshot struct {
	SKU      SKU
	OnHand   int64
	Reserved int64
	Queued   int64
	Filling  int64
	Own      Policy
	Queue    []QueueEntry // first in, first out
}

// QueueEntry is a line that waits.
type QueueEntry struct {
	ID    ReservationID
	Index int // of the line
	Units int64
}
