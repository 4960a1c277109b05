package model

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Check says what Reserve would answer. It reclaims what is due, as Reserve does first.
func (m *Model) Check(
	ctx context.Context, request reservation.CheckRequest,
) (reservation.CheckAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.CheckAnswer{}, err
	}
	lines := request.Lines.All()
	if unknown := s.unknown(skusOf(lines)); unknown != nil {
		s.reclaim().finish()
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
		return reservation.CheckAnswer{}, s.refuse(refusal)
	}
	c := s.reclaim()
	d := s.decide(lines, request.Mode, nil)
	for c.isFull && d.isWorse() {
		c.finish()
		c = s.reclaim()
		d = s.decide(lines, request.Mode, nil)
	}
	c.finish()
	answer := reservation.CheckAnswer{
		Grantable: d.isGrantable(request.Mode),
		Refusals:  d.refusals,
		StoreTime: s.now,
	}
	if skus := d.outOfRange(); answer.Grantable && skus != nil {
		refusal := &reservation.Error{Reason: reservation.ReasonFigureOutOfRange, SKUs: skus}
		return reservation.CheckAnswer{}, s.refuse(refusal)
	}
	for _, l := range d.lines {
		answer.Lines = append(answer.Lines, l.ReservationLine)
	}
	return answer, nil
}
