package ledger

import (
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Stock is a stock as its journal tells it. The zero value is not ready: see [NewStock].
type Stock struct {
	Sequence     int64 // of the last event applied
	Default      reservation.Policy
	Items        map[reservation.SKU]*Item
	Reservations map[reservation.ReservationID]*Reservation
	// Lines counts the lines of all reservations kept, the larger part of the memory it takes.
	Lines int
}

// Item is a SKU as the journal tells it. What is reserved and queued follows from the reservations.
type Item struct {
	OnHand int64
	Own    reservation.Policy
	// Seen is for whoever holds the ledger against a stock.
	Seen bool
}

// Reservation is a reservation as the journal tells it.
type Reservation struct {
	State      reservation.State
	CreateTime time.Time
	ExpireTime time.Time
	FinishTime time.Time // zero while it is not finished
	TermTime   time.Time // of the present term's grant, after a reacquire
	Term       int64     // 0: released before it was reserved
	Lines      []Line
	// Seen is for whoever holds the ledger against a stock.
	Seen bool
}

// Line is a line as the journal tells it, in units.
type Line struct {
	SKU         reservation.SKU
	Requested   int64
	Granted     int64
	Covered     int64
	Backordered int64
	Fulfilled   int64
	Counted     bool
	Reason      reservation.LineReason // why less was granted than requested; 0: it was not
	// Joined is the sequence of the event that put the line into its SKU's queue; 0: none did.
	Joined int64
}

// NewStock returns a stock before its first event.
func NewStock() *Stock {
	return &Stock{
		Items:        make(map[reservation.SKU]*Item),
		Reservations: make(map[reservation.ReservationID]*Reservation),
	}
}

// Apply takes the next event. It returns an error where the event cannot follow on those before it;
// the stock means nothing after that.
func (s *Stock) Apply(event *reservation.Event) error {
	if event.Sequence != s.Sequence+1 {
		return fmt.Errorf("event %d follows event %d", event.Sequence, s.Sequence)
	}
	s.Sequence = event.Sequence
	switch event.Type {
	case reservation.EventReserved:
		return s.reserved(event)
	case reservation.EventCommitted, reservation.EventExtended, reservation.EventReleased,
		reservation.EventExpired, reservation.EventFulfilled, reservation.EventBackorderFilled:
		return s.changed(event)
	case reservation.EventRestocked, reservation.EventAdjusted:
		for _, line := range event.Lines {
			s.item(line.SKU).OnHand += line.Quantity
		}
	case reservation.EventPolicyChanged:
		s.policyChanged(event)
	case reservation.EventBackordered, reservation.EventLowStock, reservation.EventOutOfStock,
		reservation.EventBackInStock, reservation.EventOversold, reservation.EventStoreChanged,
		reservation.EventRepaired:
		// They tell of figures and move no units.
	}
	return nil
}

// item returns a SKU, made on first mention: units that arrive create it without saying so.
func (s *Stock) item(sku reservation.SKU) *Item {
	it, known := s.Items[sku]
	if !known {
		it = &Item{}
		s.Items[sku] = it
	}
	return it
}

func (s *Stock) policyChanged(event *reservation.Event) {
	switch {
	case len(event.Lines) == 0:
		s.Default = event.Policy
	case event.Deleted:
		delete(s.Items, event.Lines[0].SKU)
	default:
		s.item(event.Lines[0].SKU).Own = event.Policy
	}
}

// reserved makes a reservation. One of the same id that is finished was forgotten before.
func (s *Stock) reserved(event *reservation.Event) error {
	if old, known := s.Reservations[event.Reservation]; known {
		if !old.State.IsFinished() {
			return fmt.Errorf("event %d grants %s a second time", event.Sequence, event.Reservation)
		}
		s.Lines -= len(old.Lines)
	}
	s.Reservations[event.Reservation] = Granted(event)
	s.Lines += len(event.Lines)
	return nil
}

// Granted returns the reservation that an event RESERVED makes.
func Granted(event *reservation.Event) *Reservation {
	r := &Reservation{
		State: event.State, CreateTime: event.Time, ExpireTime: event.ExpireTime, Term: 1,
		Lines: make([]Line, len(event.Lines)),
	}
	for i, told := range event.Lines {
		r.Lines[i] = Line{
			SKU: told.SKU, Requested: told.Requested, Granted: told.Covered + told.Backordered,
			Covered: told.Covered, Backordered: told.Backordered, Counted: told.Counted,
			Reason: told.Refusal,
		}
		if told.Backordered > 0 {
			r.Lines[i].Joined = event.Sequence
		}
	}
	return r
}

func (s *Stock) changed(event *reservation.Event) error {
	r, known := s.Reservations[event.Reservation]
	if event.Type == reservation.EventReleased && len(event.Lines) == 0 {
		// Released before it was reserved. A finished one of the same id was forgotten before.
		if known {
			s.Lines -= len(r.Lines)
		}
		r, known = &Reservation{}, true
		s.Reservations[event.Reservation] = r
	}
	if !known {
		return fmt.Errorf("event %d (%s) is about %s, which nothing granted", event.Sequence,
			event.Type, event.Reservation)
	}
	return r.Apply(event, s.shipped)
}

// shipped takes units that left the building off a SKU.
func (s *Stock) shipped(sku reservation.SKU, units int64) { s.item(sku).OnHand -= units }

// Apply takes the next event of the reservation and tells shipped what of it left the building.
func (r *Reservation) Apply(
	event *reservation.Event, shipped func(sku reservation.SKU, units int64),
) error {
	isRegrant := event.Type == reservation.EventCommitted && len(event.Lines) > 0
	for _, c := range Changes(event) {
		if c.Index < 0 || c.Index >= len(r.Lines) || r.Lines[c.Index].SKU != c.SKU {
			return fmt.Errorf("event %d names line %d of %s, which is another", event.Sequence,
				c.Index+1, event.Reservation)
		}
		line := &r.Lines[c.Index]
		line.Covered += c.Covered
		line.Backordered += c.Backordered
		line.Fulfilled += c.Fulfilled
		if line.Covered < 0 || line.Backordered < 0 {
			return fmt.Errorf("event %d takes more from line %d of %s than it has", event.Sequence,
				c.Index+1, event.Reservation)
		}
		if isRegrant && c.Backordered > 0 {
			line.Joined = event.Sequence
		}
		if line.Counted && c.Fulfilled > 0 {
			shipped(c.SKU, c.Fulfilled)
		}
	}
	r.settle(event, isRegrant)
	return nil
}

// settle takes over what an event says of the reservation as a whole.
func (r *Reservation) settle(event *reservation.Event, isRegrant bool) {
	switch {
	case event.Type == reservation.EventBackorderFilled:
		return
	case event.Type == reservation.EventExtended:
		r.ExpireTime = event.ExpireTime
		return
	case isRegrant:
		r.Term, r.TermTime, r.FinishTime = event.Term, event.Time, time.Time{}
	}
	r.State = event.State
	if r.State.IsFinished() {
		r.FinishTime = event.Time
	}
}
