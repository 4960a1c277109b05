package model

import (
	"context"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Fulfill ships covered units: everything open, or the lines under a request id.
func (m *Model) Fulfill(
	ctx context.Context, request reservation.FulfillRequest,
) (reservation.ChangeAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ChangeAnswer{}, err
	}
	if request.Lines.IsZero() {
		return s.fulfill(request)
	}
	content := fulfillContent(request)
	if first := s.request(request.Request); first != nil {
		s.reclaim().finish()
		if !first.content.equal(content) {
			refusal := &reservation.Error{Reason: reservation.ReasonRequestIDReused}
			return reservation.ChangeAnswer{}, s.refuse(refusal)
		}
		answer := copyChange(first.shipped)
		answer.Replayed = true
		return answer, nil
	}
	answer, err := s.fulfill(request)
	if err == nil {
		s.remember(request.Request, content).shipped = copyChange(answer)
	}
	return answer, err
}

// fulfill ships, or refuses. Where a budget does not bring the lines up, what was done of it is a
// change of its own.
func (s *stock) fulfill(request reservation.FulfillRequest) (reservation.ChangeAnswer, error) {
	for {
		c := s.reclaim()
		r := s.record(request.ID)
		if r == nil {
			c.finish()
			refusal := &reservation.Error{Reason: reservation.ReasonUnknownReservation}
			return reservation.ChangeAnswer{}, s.refuse(refusal)
		}
		c.expireIfDue(r)
		if r.state != reservation.StateCommitted {
			c.finish()
			if request.Lines.IsZero() && r.state == reservation.StateFulfilled {
				return s.changed(r), nil
			}
			refusal := &reservation.Error{Reason: reservation.ReasonWrongState, State: r.state}
			return reservation.ChangeAnswer{}, s.refuse(refusal)
		}
		if !c.bringUp(r) {
			c.finish()
			continue
		}
		skus, units, refusal := r.load(request.Lines)
		if refusal != nil && c.isFull {
			c.finish()
			continue
		}
		if refusal == nil {
			refusal = c.ship(r, request, skus, units)
		}
		c.finish()
		if refusal != nil {
			return reservation.ChangeAnswer{}, s.refuse(refusal)
		}
		return s.changed(r), nil
	}
}

// ship lets units of a committed reservation leave, or changes nothing.
func (c *change) ship(
	r *record, request reservation.FulfillRequest, skus []reservation.SKU, units []int64,
) *reservation.Error {
	if missing := c.notOnHand(r, skus, units); missing != nil {
		return &reservation.Error{Reason: reservation.ReasonNotOnHand, SKUs: missing}
	}
	for _, sku := range skus {
		for index := range r.lines {
			if r.lines[index].SKU == sku && units[index] > 0 {
				c.leave(&r.lines[index], units[index])
			}
		}
	}
	if !r.isOpen() {
		r.finish(reservation.StateFulfilled, c.now)
	}
	event := reservation.Event{
		Type:        reservation.EventFulfilled,
		Reservation: r.id,
		Request:     request.Request,
		State:       r.state,
	}
	for index, n := range units {
		if n > 0 {
			event.Lines = append(event.Lines, reservation.EventLine{
				Index: index, SKU: r.lines[index].SKU, Quantity: n,
			})
		}
	}
	c.emit(event)
	return nil
}

// load chooses how many units of each line are to leave, and returns them with the SKUs in the
// order in which they were asked for: everything where no lines are named.
func (r *record) load(
	lines reservation.Lines,
) (skus []reservation.SKU, units []int64, refusal *reservation.Error) {
	if !lines.IsZero() {
		return r.loadLines(lines)
	}
	var waiting []reservation.SKU
	for _, l := range r.lines {
		skus = append(skus, l.SKU)
		units = append(units, l.Covered)
		if l.Backordered > 0 {
			waiting = append(waiting, l.SKU)
		}
	}
	if waiting != nil {
		return nil, nil, &reservation.Error{
			Reason: reservation.ReasonBackorderedUnits, SKUs: once(waiting),
		}
	}
	return once(skus), units, nil
}

// loadLines takes from the lines of a SKU from the first to the last.
func (r *record) loadLines(
	lines reservation.Lines,
) (skus []reservation.SKU, units []int64, refusal *reservation.Error) {
	units = make([]int64, len(r.lines))
	var short []reservation.SKU
	for _, asked := range lines.All() {
		wanted := asked.Quantity.Units()
		for index, l := range r.lines {
			if l.SKU == asked.SKU {
				n := min(wanted, l.Covered-units[index])
				units[index] += n
				wanted -= n
			}
		}
		if wanted > 0 {
			short = append(short, asked.SKU)
		}
	}
	skus = once(skusOf(lines.All()))
	if short != nil {
		inOrder := slices.DeleteFunc(skus, func(sku reservation.SKU) bool {
			return !slices.Contains(short, sku)
		})
		return nil, nil, &reservation.Error{
			Reason: reservation.ReasonMoreThanCovered, SKUs: inOrder,
		}
	}
	return skus, units, nil
}

// notOnHand returns the SKUs of which more is to leave than is there. A shortfall may have taken
// what a line has as covered.
func (c *change) notOnHand(
	r *record, skus []reservation.SKU, units []int64,
) []reservation.SKU {
	leaving := map[reservation.SKU]int64{}
	for index, l := range r.lines {
		if l.counted {
			leaving[l.SKU] += units[index]
		}
	}
	var missing []reservation.SKU
	for _, sku := range skus {
		if n := leaving[sku]; n > 0 && n > c.items[sku].onHand {
			missing = append(missing, sku)
		}
	}
	return missing
}

// leave takes covered units of a line out of the building.
func (c *change) leave(l *line, units int64) {
	l.Covered -= units
	l.Fulfilled += units
	if !l.counted {
		return
	}
	it := c.touch(l.SKU)
	it.onHand -= units
	it.reserved -= units
	it.settle()
}

// copyChange keeps callers from changing what a replay will answer.
func copyChange(answer reservation.ChangeAnswer) reservation.ChangeAnswer {
	answer.Reservation.Lines = slices.Clone(answer.Reservation.Lines)
	return answer
}
