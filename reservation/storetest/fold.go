package storetest

import (
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// folded is a stock as its journal tells it. It shares no code with any store, so that the journal
// is proved to be enough to rebuild one from (contract, I7).
type folded struct {
	sequence     int64
	byDefault    reservation.Policy
	items        map[reservation.SKU]*foldedItem
	reservations map[reservation.ReservationID]*foldedReservation
	problems     problems
}

type foldedItem struct {
	onHand   int64
	reserved int64
	own      reservation.Policy
	queue    []reservation.QueueEntry
}

type foldedReservation struct {
	state      reservation.State
	createTime time.Time
	expireTime time.Time
	finishTime time.Time
	term       int64
	lines      []foldedLine
}

type foldedLine struct {
	sku         reservation.SKU
	requested   int64
	covered     int64
	backordered int64
	fulfilled   int64
	released    int64
	counted     bool
	refusal     reservation.LineReason
	orderable   reservation.Optional[int64]
}

func (l foldedLine) open() int64 { return l.covered + l.backordered }

// fold applies a journal, event by event, to an empty stock.
func fold(events []reservation.Event) *folded {
	f := &folded{
		items:        map[reservation.SKU]*foldedItem{},
		reservations: map[reservation.ReservationID]*foldedReservation{},
	}
	for _, event := range events {
		f.sequence++
		if event.Sequence != f.sequence {
			f.problems.addf("I7: event %d stands at place %d", event.Sequence, f.sequence)
		}
		f.apply(event)
	}
	return f
}

func (f *folded) apply(event reservation.Event) {
	switch event.Type {
	case reservation.EventReserved:
		f.reserved(event)
	case reservation.EventBackordered:
		f.backordered(event)
	case reservation.EventReleased, reservation.EventExpired:
		f.gaveBack(event)
	case reservation.EventBackorderFilled:
		f.filled(event)
	case reservation.EventCommitted:
		f.committed(event)
	case reservation.EventExtended:
		f.extended(event)
	case reservation.EventFulfilled:
		f.fulfilled(event)
	case reservation.EventRestocked, reservation.EventAdjusted:
		f.moved(event)
	case reservation.EventOversold:
		f.oversold(event)
	case reservation.EventPolicyChanged:
		f.policyChanged(event)
	case reservation.EventLowStock, reservation.EventOutOfStock, reservation.EventBackInStock:
		f.threshold(event)
	case reservation.EventRepaired:
		f.repaired(event)
	case reservation.EventStoreChanged:
		// It says something about the store, nothing about the stock.
	}
}

// item returns a SKU, made on first mention: a Restock creates without saying so.
func (f *folded) item(sku reservation.SKU) *foldedItem {
	it, known := f.items[sku]
	if !known {
		it = &foldedItem{}
		f.items[sku] = it
	}
	return it
}

func (f *folded) reserved(event reservation.Event) {
	if old, known := f.reservations[event.Reservation]; known {
		end := old.finishTime.Add(reservation.DefaultRetention)
		if !old.state.IsFinished() || event.Time.Before(end) {
			f.problems.addf("I3: event %d grants %s a second time",
				event.Sequence, event.Reservation)
		}
	}
	r := &foldedReservation{
		state:      event.State,
		createTime: event.Time,
		expireTime: event.ExpireTime,
		term:       1,
	}
	for index, line := range event.Lines {
		if line.Index != index {
			f.problems.addf("event %d lists line %d at %d", event.Sequence, line.Index, index)
		}
		r.lines = append(r.lines, foldedLine{
			sku: line.SKU, requested: line.Requested, counted: line.Counted,
			covered: line.Covered, backordered: line.Backordered,
			refusal: line.Refusal, orderable: line.Orderable,
		})
	}
	f.reservations[event.Reservation] = r
	f.count(event.Reservation, r)
}

// count adds a grant to the figures and puts what waits at the tails of the queues.
func (f *folded) count(id reservation.ReservationID, r *foldedReservation) {
	for index, line := range r.lines {
		if !line.counted || line.open() == 0 {
			continue // its SKU may be gone
		}
		it := f.item(line.sku)
		it.reserved += line.open()
		if line.backordered > 0 {
			it.queue = append(it.queue, reservation.QueueEntry{
				ID: id, Index: index, Units: line.backordered,
			})
		}
	}
}

// backordered repeats what RESERVED or COMMITTED said of the lines that wait; it must follow it and
// agree.
func (f *folded) backordered(event reservation.Event) {
	r := f.reservations[event.Reservation]
	if r == nil {
		f.problems.addf("event %d backorders the unknown %s", event.Sequence, event.Reservation)
		return
	}
	var waiting []reservation.EventLine
	for index, line := range r.lines {
		if line.backordered > 0 {
			waiting = append(waiting, reservation.EventLine{
				Index: index, SKU: line.sku, Backordered: line.backordered,
			})
		}
	}
	if difference := diff(waiting, event.Lines); difference != "" {
		f.problems.addf("event %d does not agree with its reservation (-reservation +event):\n%s",
			event.Sequence, difference)
	}
}

func (f *folded) gaveBack(event reservation.Event) {
	r := f.reservations[event.Reservation]
	if r == nil || r.state.IsFinished() {
		if event.Type == reservation.EventReleased && len(event.Lines) == 0 {
			// Released before it was reserved: a tombstone.
			f.reservations[event.Reservation] = &foldedReservation{
				state: event.State, finishTime: event.Time,
			}
			return
		}
		f.problems.addf("I3: event %d (%s) ends %s, which is not open",
			event.Sequence, event.Type, event.Reservation)
		return
	}
	if event.Type == reservation.EventExpired && event.Time.Before(r.expireTime) {
		f.problems.addf("I6: event %d expires %s early", event.Sequence, event.Reservation)
	}
	for _, given := range event.Lines {
		line := f.line(event, r, given)
		if line == nil {
			continue
		}
		line.covered -= given.Covered
		line.backordered -= given.Backordered
		line.released += given.Covered + given.Backordered
		if line.counted {
			it := f.item(given.SKU)
			it.reserved -= given.Covered + given.Backordered
			it.shorten(event.Reservation, given.Index, given.Backordered)
		}
	}
	f.end(event, r)
}

// line finds the line of a reservation that an event speaks of.
func (f *folded) line(
	event reservation.Event, r *foldedReservation, told reservation.EventLine,
) *foldedLine {
	if told.Index < 0 || told.Index >= len(r.lines) || r.lines[told.Index].sku != told.SKU {
		f.problems.addf("event %d names line %d of %s", event.Sequence, told.Index,
			event.Reservation)
		return nil
	}
	return &r.lines[told.Index]
}

// end takes the state over that an event says its reservation is in after units left it. With the
// last unit it ends: FULFILLED if any was, else RELEASED or EXPIRED.
func (f *folded) end(event reservation.Event, r *foldedReservation) {
	var open, fulfilled int64
	for _, line := range r.lines {
		open += line.open()
		fulfilled += line.fulfilled
	}
	want := r.state
	switch {
	case open > 0:
	case event.Type == reservation.EventExpired:
		want = reservation.StateExpired
	case fulfilled > 0:
		want = reservation.StateFulfilled
	default:
		want = reservation.StateReleased
	}
	if event.State != want {
		f.problems.addf("event %d leaves %s %s, must be %s", event.Sequence,
			event.Reservation, event.State, want)
	}
	r.state = event.State
	if r.state.IsFinished() {
		r.finishTime = event.Time
	}
}

// shorten takes units off a place in the queue; a place without units is gone.
func (it *foldedItem) shorten(id reservation.ReservationID, index int, units int64) {
	for at := range it.queue {
		if entry := &it.queue[at]; entry.ID == id && entry.Index == index {
			entry.Units -= units
		}
	}
	it.queue = slices.DeleteFunc(it.queue, func(entry reservation.QueueEntry) bool {
		return entry.Units == 0
	})
}

func (f *folded) filled(event reservation.Event) {
	if len(event.Lines) != 1 {
		f.problems.addf("event %d fills %d lines at once", event.Sequence, len(event.Lines))
		return
	}
	given := event.Lines[0]
	it := f.item(given.SKU)
	if len(it.queue) == 0 || it.queue[0].ID != event.Reservation ||
		it.queue[0].Index != given.Index || it.queue[0].Units < given.Covered {
		f.problems.addf("I5: event %d fills %s/%d with %d %s, but first in line is %v",
			event.Sequence, event.Reservation, given.Index, given.Covered, given.SKU, it.queue)
		return
	}
	r := f.reservations[event.Reservation]
	if r.state == reservation.StateHeld && !event.Time.Before(r.expireTime) {
		f.problems.addf("event %d fills %s, whose hold has run out", event.Sequence,
			event.Reservation)
	}
	line := &r.lines[given.Index]
	line.covered += given.Covered
	line.backordered -= given.Covered
	it.shorten(event.Reservation, given.Index, given.Covered)
}
