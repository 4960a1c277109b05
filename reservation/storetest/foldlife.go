package storetest

import (
	"github.com/holdfast-dev/holdfast/reservation"
)

// committed makes a hold firm, or opens the next term of an expired reservation.
func (f *folded) committed(event reservation.Event) {
	r := f.reservations[event.Reservation]
	if r == nil {
		f.problems.addf("event %d commits the unknown %s", event.Sequence, event.Reservation)
		return
	}
	isHold := r.state == reservation.StateHeld && event.Time.Before(r.expireTime)
	switch {
	case isHold && len(event.Lines) == 0:
	case r.state == reservation.StateExpired && len(event.Lines) == len(r.lines):
		f.reacquired(event, r)
	default:
		f.problems.addf("I3: event %d commits %s with %d lines, which is %s", event.Sequence,
			event.Reservation, len(event.Lines), r.state)
	}
	if event.State != reservation.StateCommitted || event.Term != r.term {
		f.problems.addf("event %d leaves %s %s in term %d, must be COMMITTED in term %d",
			event.Sequence, event.Reservation, event.State, event.Term, r.term)
	}
	r.state = event.State
}

// reacquired grants again what every line had, no more and no less.
func (f *folded) reacquired(event reservation.Event, r *foldedReservation) {
	r.term++
	for index, told := range event.Lines {
		line := f.line(event, r, told)
		if line == nil || told.Index != index {
			f.problems.addf("event %d lists line %d at %d", event.Sequence, told.Index, index)
			continue
		}
		if line.released != told.Covered+told.Backordered {
			f.problems.addf("event %d grants line %d of %s %d+%d again, it had %d", event.Sequence,
				index, event.Reservation, told.Covered, told.Backordered, line.released)
		}
		line.covered, line.backordered = told.Covered, told.Backordered
		line.released = 0
	}
	f.count(event.Reservation, r)
}

// extended counts the expiry of a hold anew.
func (f *folded) extended(event reservation.Event) {
	r := f.reservations[event.Reservation]
	if r == nil || r.state != reservation.StateHeld || !event.Time.Before(r.expireTime) {
		f.problems.addf("event %d extends %s, which is no hold", event.Sequence, event.Reservation)
		return
	}
	if event.State != reservation.StateHeld || !event.Time.Before(event.ExpireTime) {
		f.problems.addf("event %d leaves %s %s until %v", event.Sequence, event.Reservation,
			event.State, event.ExpireTime)
	}
	r.expireTime = event.ExpireTime
}

// fulfilled lets units leave the building; they were covered and there.
func (f *folded) fulfilled(event reservation.Event) {
	r := f.reservations[event.Reservation]
	if r == nil || r.state != reservation.StateCommitted {
		f.problems.addf("I3: event %d fulfils %s, which is not committed", event.Sequence,
			event.Reservation)
		return
	}
	for _, left := range event.Lines {
		line := f.line(event, r, left)
		if line == nil {
			continue
		}
		if left.Quantity < 1 || left.Quantity > line.covered {
			f.problems.addf("event %d ships %d of line %d of %s, %d are covered", event.Sequence,
				left.Quantity, left.Index, event.Reservation, line.covered)
		}
		line.covered -= left.Quantity
		line.fulfilled += left.Quantity
		if !line.counted {
			continue
		}
		it := f.item(left.SKU)
		it.onHand -= left.Quantity
		it.reserved -= left.Quantity
		if it.onHand < 0 {
			f.problems.addf("I1: event %d ships %d %s that are not there", event.Sequence,
				-it.onHand, left.SKU)
		}
	}
	f.end(event, r)
}
