package model

import (
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// reacquire opens the next term of an expired reservation: the quantities that were granted, all or
// nothing, against the floor alone. With neither a reservation nor a refusal the call has to start
// anew.
func (c *change) reacquire(r *record) (*record, *reservation.Error) {
	var skus []reservation.SKU
	for _, l := range r.lines {
		if l.counted && l.granted() > 0 {
			skus = append(skus, l.SKU)
		}
	}
	if unknown := c.unknown(skus); unknown != nil {
		return nil, &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
	}
	d := c.decideAgain(r)
	if c.isFull && d.isWorse() {
		return nil, nil
	}
	if d.refusals != nil {
		refusal := &reservation.Error{Reason: reservation.ReasonLinesRefused, Refusals: d.refusals}
		return nil, refusal
	}
	if skus := d.outOfRange(); skus != nil {
		return nil, &reservation.Error{Reason: reservation.ReasonFigureOutOfRange, SKUs: skus}
	}
	r.state = reservation.StateCommitted
	r.finishTime = time.Time{}
	r.termTime = c.now
	r.term++
	r.lines = d.lines
	c.countAll(r)
	c.emitReacquired(r)
	c.emitBackordered(r)
	return r, nil
}

// decideAgain looks at the lines of an expired reservation in their order, each seeing what the
// ones before it took.
func (s *stock) decideAgain(r *record) decision {
	d := decision{tallies: map[reservation.SKU]*tally{}}
	for _, l := range r.lines {
		if it := s.items[l.SKU]; it != nil {
			d.tallies[l.SKU] = &tally{available: it.available(), reserved: it.reserved}
		}
	}
	for index, old := range r.lines {
		again := line{counted: old.counted, ReservationLine: reservation.ReservationLine{
			SKU: old.SKU, Requested: old.Requested, Reason: old.Reason, Orderable: old.Orderable,
		}}
		switch units := old.granted(); {
		case units == 0:
		case !old.counted:
			again.Covered = units
		default:
			d.regain(index, &again, units, s.policy(old.SKU))
		}
		d.lines = append(d.lines, again)
	}
	return d
}

// regain gives a counted line what it had. Where backorders are not allowed all of it is covered,
// also of a SKU that is tracked no more and so has no floor.
func (d *decision) regain(
	index int, l *line, units int64, policy reservation.EffectivePolicy,
) {
	t := d.tallies[l.SKU]
	if reason := judgeFloor(policy, t.available, units); reason != 0 {
		d.refuse(index, l.SKU, units, reason, policy)
		return
	}
	l.Covered = t.take(units)
	if !policy.AllowsBackorders() {
		l.Covered = units
	}
	l.Backordered = units - l.Covered
	l.hint(policy)
}

func (c *change) emitReacquired(r *record) {
	event := reservation.Event{
		Type:        reservation.EventCommitted,
		Reservation: r.id,
		State:       r.state,
		Term:        r.term,
	}
	for index, l := range r.lines {
		granted := eventLine(index, l.SKU, part{l.Covered, l.Backordered})
		event.Lines = append(event.Lines, granted)
	}
	c.emit(event)
}
