package model

import (
	"context"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Restock adds units that arrived; a repeat with the same content replays the first answer.
func (m *Model) Restock(
	ctx context.Context, request reservation.RestockRequest,
) (reservation.RestockAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.RestockAnswer{}, err
	}
	content := restockContent(request)
	c := s.reclaim()
	if first := s.request(request.Request); first != nil {
		c.finish()
		if !first.content.equal(content) {
			refusal := &reservation.Error{Reason: reservation.ReasonRequestIDReused}
			return reservation.RestockAnswer{}, s.refuse(refusal)
		}
		answer := copyRestock(first.restock)
		answer.Replayed = true
		return answer, nil
	}
	if skus := s.tooMany(request.Lines.All()); skus != nil {
		c.finish()
		refusal := &reservation.Error{Reason: reservation.ReasonFigureOutOfRange, SKUs: skus}
		return reservation.RestockAnswer{}, s.refuse(refusal)
	}
	lines := c.arrive(request)
	c.finish()
	answer := reservation.RestockAnswer{
		Lines: lines,
		Fills: c.fills[:min(len(c.fills), reservation.MaxFills)],
		Stamp: s.stamp(),
	}
	s.remember(request.Request, content).restock = copyRestock(answer)
	return answer, nil
}

// tooMany returns the SKUs of which more would be on hand than can be counted.
func (s *stock) tooMany(lines []reservation.Line) []reservation.SKU {
	onHand := map[reservation.SKU]int64{}
	for _, arrived := range lines {
		onHand[arrived.SKU] += arrived.Quantity.Units()
	}
	var skus []reservation.SKU
	for _, sku := range once(skusOf(lines)) {
		if it := s.items[sku]; it != nil {
			onHand[sku] += it.onHand
		}
		if onHand[sku] > reservation.MaxFigure {
			skus = append(skus, sku)
		}
	}
	return skus
}

// arrive puts the units on hand, line by line, and assigns them to who waits.
func (c *change) arrive(request reservation.RestockRequest) []reservation.RestockLine {
	var lines []reservation.RestockLine
	event := reservation.Event{Type: reservation.EventRestocked, Request: request.Request}
	for index, arrived := range request.Lines.All() {
		units := arrived.Quantity.Units()
		if c.items[arrived.SKU] == nil {
			c.items[arrived.SKU] = &item{}
		}
		it := c.touch(arrived.SKU)
		assigned := it.filling
		it.onHand += units
		it.settle()
		lines = append(lines, reservation.RestockLine{
			SKU:         arrived.SKU,
			Quantity:    units,
			OnHand:      it.onHand,
			Available:   it.available(),
			Filled:      it.filling - assigned,
			Backordered: it.backordered(),
		})
		event.Lines = append(event.Lines, reservation.EventLine{
			Index: index, SKU: arrived.SKU, Quantity: units,
		})
	}
	c.emit(event)
	return lines
}

// copyRestock keeps callers from changing what a replay will answer.
func copyRestock(answer reservation.RestockAnswer) reservation.RestockAnswer {
	answer.Lines = slices.Clone(answer.Lines)
	answer.Fills = slices.Clone(answer.Fills)
	return answer
}
