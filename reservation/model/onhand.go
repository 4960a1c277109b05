package model

import (
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// replayOnHand answers a correction or a count whose request id was used; it is nil, nil where the
// id is new.
func (s *stock) replayOnHand(
	id reservation.RequestID, content requestContent,
) (*reservation.OnHandAnswer, *reservation.Error) {
	first := s.request(id)
	if first == nil {
		return nil, nil
	}
	if !first.content.equal(content) {
		return nil, &reservation.Error{Reason: reservation.ReasonRequestIDReused}
	}
	answer := copyOnHand(first.onHand)
	answer.Replayed = true
	return &answer, nil
}

// correction is how one line moves the on hand of one SKU.
type correction struct {
	sku    reservation.SKU
	delta  int64
	reason reservation.AdjustReason
}

// correct moves on hand, line by line, and answers. A loss is told of as a shortfall only where no
// hold is due any more that could give its units back.
func (c *change) correct(
	id reservation.RequestID, content requestContent, corrections []correction,
) reservation.OnHandAnswer {
	takes := slices.ContainsFunc(corrections, func(by correction) bool { return by.delta < 0 })
	for takes && c.isFull {
		c.finish()
		c = c.reclaim()
	}
	event := reservation.Event{Type: reservation.EventAdjusted, Request: id}
	var lines []reservation.OnHandLine
	for index, by := range corrections {
		it := c.touch(by.sku)
		waiting := it.backordered()
		it.onHand += by.delta
		it.settle()
		lines = append(lines, reservation.OnHandLine{
			SKU:         by.sku,
			Delta:       by.delta,
			OnHand:      it.onHand,
			Available:   it.available(),
			Filled:      max(0, waiting-it.backordered()),
			Backordered: it.backordered(),
			Shortfall:   it.shortfall(),
		})
		event.Lines = append(event.Lines, reservation.EventLine{
			Index: index, SKU: by.sku, Quantity: by.delta, Reason: by.reason,
		})
	}
	c.emit(event)
	c.finish()
	answer := reservation.OnHandAnswer{
		Lines: lines,
		Fills: c.fills[:min(len(c.fills), reservation.MaxFills)],
		Stamp: c.stamp(),
	}
	c.remember(id, content).onHand = copyOnHand(answer)
	return answer
}

// copyOnHand keeps callers from changing what a replay will answer.
func copyOnHand(answer reservation.OnHandAnswer) reservation.OnHandAnswer {
	answer.Lines = slices.Clone(answer.Lines)
	answer.Fills = slices.Clone(answer.Fills)
	return answer
}
