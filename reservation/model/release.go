package model

import (
	"context"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Release gives units back: everything open, or the lines under a request id.
func (m *Model) Release(
	ctx context.Context, request reservation.ReleaseRequest,
) (reservation.ReleaseAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ReleaseAnswer{}, err
	}
	if request.Lines.IsZero() {
		return s.releaseWhole(request)
	}
	content := releaseContent(request)
	if first := s.request(request.Request); first != nil {
		s.reclaim().finish()
		if !first.content.equal(content) {
			refusal := &reservation.Error{Reason: reservation.ReasonRequestIDReused}
			return reservation.ReleaseAnswer{}, s.refuse(refusal)
		}
		answer := first.released
		answer.Reservation.Lines = slices.Clone(answer.Reservation.Lines)
		answer.Replayed = true
		return answer, nil
	}
	answer, err := s.releaseLines(request)
	if err == nil {
		kept := answer
		kept.Reservation.Lines = slices.Clone(answer.Reservation.Lines)
		s.remember(request.Request, content).released = kept
	}
	return answer, err
}

// releaseWhole gives back everything that is open. Of a reservation that is over already it is OK
// without effect, unless it ended by fulfilment.
func (s *stock) releaseWhole(
	request reservation.ReleaseRequest,
) (reservation.ReleaseAnswer, error) {
	c := s.reclaim()
	r := s.record(request.ID)
	if r == nil && request.AllowMissing {
		r = s.bury(request.ID)
	}
	if r == nil {
		c.finish()
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownReservation}
		return reservation.ReleaseAnswer{}, s.refuse(refusal)
	}
	c.expireIfDue(r)
	switch r.state {
	case reservation.StateHeld, reservation.StateCommitted:
		c.releaseAll(r)
		r.endedByRelease = true
	case reservation.StateReleased, reservation.StateExpired:
	case reservation.StateFulfilled:
		if r.endedByRelease {
			break
		}
		c.finish()
		refusal := &reservation.Error{Reason: reservation.ReasonWrongState, State: r.state}
		return reservation.ReleaseAnswer{}, s.refuse(refusal)
	}
	c.finish()
	return reservation.ReleaseAnswer{Reservation: s.view(r), Stamp: s.stamp()}, nil
}

// bury records a reservation that never was as released, so that a late Reserve finds it so.
func (s *stock) bury(id reservation.ReservationID) *record {
	r := &record{id: id}
	r.finish(reservation.StateReleased, s.now)
	s.records[id] = r
	s.emit(reservation.Event{
		Type:        reservation.EventReleased,
		Reservation: id,
		State:       r.state,
	})
	return r
}

// expireIfDue makes the reservation's state what a caller sees: a round of reclaiming that is full
// may not have come to it.
func (c *change) expireIfDue(r *record) {
	if r.isDue(c.now) {
		c.expire(r)
	}
}

// releaseLines gives back the units of some lines.
func (s *stock) releaseLines(
	request reservation.ReleaseRequest,
) (reservation.ReleaseAnswer, error) {
	c := s.reclaim()
	r := s.record(request.ID)
	if r == nil {
		c.finish()
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownReservation}
		return reservation.ReleaseAnswer{}, s.refuse(refusal)
	}
	c.expireIfDue(r)
	refusal := c.releaseSome(r, request)
	c.finish()
	if refusal != nil {
		return reservation.ReleaseAnswer{}, s.refuse(refusal)
	}
	return reservation.ReleaseAnswer{Reservation: s.view(r), Stamp: s.stamp()}, nil
}

func (c *change) releaseSome(
	r *record, request reservation.ReleaseRequest,
) *reservation.Error {
	if r.state.IsFinished() {
		return &reservation.Error{Reason: reservation.ReasonWrongState, State: r.state}
	}
	wanted := map[reservation.SKU]int64{}
	for _, asked := range request.Lines.All() {
		wanted[asked.SKU] += asked.Quantity.Units()
	}
	skus := once(skusOf(request.Lines.All()))
	var short []reservation.SKU
	for _, sku := range skus {
		if wanted[sku] > r.open(sku) {
			short = append(short, sku)
		}
	}
	if short != nil {
		return &reservation.Error{Reason: reservation.ReasonMoreThanOpen, SKUs: short}
	}
	parts := make([]part, len(r.lines))
	for _, sku := range skus {
		r.pick(sku, wanted[sku], parts)
		for index, units := range parts {
			if r.lines[index].SKU == sku && units != (part{}) {
				c.giveBack(r, index, units)
			}
		}
	}
	if !r.isOpen() {
		r.finish(r.endState(), c.now)
	}
	c.emitReleased(r, request.Request, parts)
	return nil
}

// open returns the units of a SKU that are open on all lines together.
func (r *record) open(sku reservation.SKU) (units int64) {
	for _, l := range r.lines {
		if l.SKU == sku {
			units += l.Open()
		}
	}
	return units
}

// pick chooses which lines give back units of a SKU: the backordered ones first, from the last
// line to the first, then the covered ones in the same order.
func (r *record) pick(sku reservation.SKU, units int64, parts []part) {
	for index := len(r.lines) - 1; index >= 0; index-- {
		if l := r.lines[index]; l.SKU == sku {
			parts[index].backordered = min(units, l.Backordered)
			units -= parts[index].backordered
		}
	}
	for index := len(r.lines) - 1; index >= 0; index-- {
		if l := r.lines[index]; l.SKU == sku {
			parts[index].covered = min(units, l.Covered)
			units -= parts[index].covered
		}
	}
}

func (c *change) emitReleased(r *record, request reservation.RequestID, parts []part) {
	event := reservation.Event{
		Type:        reservation.EventReleased,
		Reservation: r.id,
		Request:     request,
		State:       r.state,
	}
	for index, units := range parts {
		if units != (part{}) {
			event.Lines = append(event.Lines, eventLine(index, r.lines[index].SKU, units))
		}
	}
	c.emit(event)
}
