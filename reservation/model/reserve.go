package model

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Reserve promises units; a repeat with the same content replays the first answer.
func (m *Model) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ReserveAnswer{}, err
	}
	for {
		c := s.reclaim()
		if r := s.record(request.ID); r != nil {
			c.finish()
			return s.replayReserve(r, request)
		}
		r, refusal := c.grant(request)
		c.finish()
		if refusal != nil {
			return reservation.ReserveAnswer{}, s.refuse(refusal)
		}
		if r != nil {
			r.answer = s.firstAnswer(r)
			return copyAnswer(r.answer), nil
		}
	}
}

// replayReserve answers a Reserve with an id that is known.
func (s *stock) replayReserve(
	r *record, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	if r.isTombstone() {
		refusal := &reservation.Error{Reason: reservation.ReasonReleasedBeforeReserved}
		return reservation.ReserveAnswer{}, s.refuse(refusal)
	}
	if !r.content.equal(contentOf(request)) {
		refusal := &reservation.Error{Reason: reservation.ReasonReservationIDReused}
		return reservation.ReserveAnswer{}, s.refuse(refusal)
	}
	answer := copyAnswer(r.answer)
	answer.Replayed = true
	answer.StateNow = r.stateAt(s.now)
	return answer, nil
}

// grant decides about a new reservation and makes it, or changes nothing. With neither a
// reservation nor a refusal the call has to start anew.
func (c *change) grant(request reservation.ReserveRequest) (*record, *reservation.Error) {
	lines := request.Lines.All()
	if unknown := c.unknown(skusOf(lines)); unknown != nil {
		return nil, &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
	}
	replaced, refusal := c.findReplaced(request.Replaces)
	if refusal != nil {
		return nil, refusal
	}
	if replaced != nil && !c.bringUp(replaced) {
		return nil, nil
	}
	d := c.decide(lines, request.Mode, replaced)
	if c.isFull && d.isWorse() {
		return nil, nil
	}
	if !d.isGrantable(request.Mode) {
		refusal := &reservation.Error{Reason: reservation.ReasonLinesRefused, Refusals: d.refusals}
		return nil, refusal
	}
	if skus := d.outOfRange(); skus != nil {
		return nil, &reservation.Error{Reason: reservation.ReasonFigureOutOfRange, SKUs: skus}
	}
	if replaced != nil {
		c.releaseAll(replaced)
	}
	return c.open(request, d.lines), nil
}

// findReplaced returns the hold that the new reservation takes the place of, if it names one.
func (c *change) findReplaced(id reservation.ReservationID) (*record, *reservation.Error) {
	if id.IsZero() {
		return nil, nil
	}
	r := c.record(id)
	if r == nil {
		return nil, &reservation.Error{Reason: reservation.ReasonUnknownReservation}
	}
	if state := r.stateAt(c.now); state != reservation.StateHeld {
		return nil, &reservation.Error{Reason: reservation.ReasonWrongState, State: state}
	}
	return r, nil
}

// open writes a granted reservation.
func (c *change) open(request reservation.ReserveRequest, lines []line) *record {
	r := &record{
		id:         request.ID,
		state:      reservation.StateCommitted,
		createTime: c.now,
		termTime:   c.now,
		term:       1,
		lines:      lines,
		content:    contentOf(request),
	}
	if !request.TTL.IsZero() {
		r.state = reservation.StateHeld
		ttl := time.Duration(request.TTL.Milliseconds()) * time.Millisecond
		r.expireTime = c.now.Add(ttl)
	}
	c.records[r.id] = r
	c.countAll(r)
	c.emitReserved(r)
	c.emitBackordered(r)
	return r
}

// countAll adds what was granted to the figures and queues of its SKUs.
func (c *change) countAll(r *record) {
	for index, l := range r.lines {
		if !l.counted || l.Open() == 0 {
			continue
		}
		it := c.touch(l.SKU)
		it.reserved += l.Open()
		it.queued += l.Backordered
		if l.Backordered > 0 {
			it.join(r.id, index)
		}
		it.settle()
	}
}

func (c *change) emitReserved(r *record) {
	reserved := reservation.Event{
		Type:        reservation.EventReserved,
		Reservation: r.id,
		State:       r.state,
		ExpireTime:  r.expireTime,
	}
	for index, l := range r.lines {
		granted := eventLine(index, l.SKU, part{l.Covered, l.Backordered})
		granted.Requested = l.Requested
		granted.Counted = l.counted
		granted.Refusal, granted.Orderable = l.Reason, l.Orderable
		reserved.Lines = append(reserved.Lines, granted)
	}
	c.emit(reserved)
}

// emitBackordered tells which lines of a grant wait, if any does.
func (c *change) emitBackordered(r *record) {
	waiting := reservation.Event{Type: reservation.EventBackordered, Reservation: r.id}
	for index, l := range r.lines {
		if l.Backordered > 0 {
			late := eventLine(index, l.SKU, part{backordered: l.Backordered})
			waiting.Lines = append(waiting.Lines, late)
		}
	}
	if waiting.Lines != nil {
		c.emit(waiting)
	}
}

// firstAnswer is the answer to a Reserve that was granted just now.
func (s *stock) firstAnswer(r *record) reservation.ReserveAnswer {
	granted := s.stored(r)
	for i := range granted.Lines {
		granted.Lines[i].Available = r.lines[i].Available
	}
	return reservation.ReserveAnswer{Reservation: granted, Stamp: s.stamp(), StateNow: r.state}
}

// copyAnswer keeps callers from changing what a replay will answer.
func copyAnswer(answer reservation.ReserveAnswer) reservation.ReserveAnswer {
	answer.Reservation.Lines = slices.Clone(answer.Reservation.Lines)
	return answer
}
