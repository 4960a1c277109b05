package model

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Adjust corrects on hand by deltas; a repeat with the same content replays the first answer.
func (m *Model) Adjust(
	ctx context.Context, request reservation.AdjustRequest,
) (reservation.OnHandAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.OnHandAnswer{}, err
	}
	content := adjustContent(request)
	c := s.reclaim()
	answer, refusal := s.replayOnHand(request.Request, content)
	if answer == nil && refusal == nil {
		refusal = s.judgeAdjust(request.Lines)
	}
	if answer != nil || refusal != nil {
		c.finish()
	}
	if answer != nil {
		return *answer, nil
	}
	if refusal != nil {
		return reservation.OnHandAnswer{}, s.refuse(refusal)
	}
	var corrections []correction
	for _, l := range request.Lines {
		by := correction{sku: l.SKU, delta: l.Delta.Units(), reason: l.Reason}
		corrections = append(corrections, by)
	}
	return c.correct(request.Request, content, corrections), nil
}

// judgeAdjust returns why deltas cannot be taken over. Each line sees the ones before it, also
// those that come too low or too high.
func (s *stock) judgeAdjust(lines []reservation.AdjustLine) *reservation.Error {
	var skus []reservation.SKU
	for _, l := range lines {
		skus = append(skus, l.SKU)
	}
	if unknown := s.unknown(skus); unknown != nil {
		return &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
	}
	onHand := map[reservation.SKU]int64{}
	for _, sku := range skus {
		onHand[sku] = s.items[sku].onHand
	}
	var below, above []reservation.SKU
	for _, l := range lines {
		onHand[l.SKU] += l.Delta.Units()
		if onHand[l.SKU] < 0 {
			below = append(below, l.SKU)
		}
		if onHand[l.SKU] > reservation.MaxFigure {
			above = append(above, l.SKU)
		}
	}
	if below != nil {
		return &reservation.Error{Reason: reservation.ReasonOnHandBelowZero, SKUs: once(below)}
	}
	if above != nil {
		return &reservation.Error{Reason: reservation.ReasonFigureOutOfRange, SKUs: once(above)}
	}
	return nil
}
