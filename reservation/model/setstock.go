package model

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/reservation"
)

// SetStock takes a count over; a repeat with the same content replays the first answer.
func (m *Model) SetStock(
	ctx context.Context, request reservation.SetStockRequest,
) (reservation.OnHandAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.OnHandAnswer{}, err
	}
	content := setStockContent(request)
	answer, refusal := s.replayOnHand(request.Request, content)
	if answer != nil {
		return *answer, nil
	}
	if refusal != nil {
		return reservation.OnHandAnswer{}, s.refuse(refusal)
	}
	var differs []reservation.SKU
	for _, l := range request.Lines {
		if l.Expected.Set && l.Expected.Value != s.onHand(l.SKU) {
			differs = append(differs, l.SKU)
		}
	}
	if differs != nil {
		refusal := &reservation.Error{Reason: reservation.ReasonOnHandDiffers, SKUs: differs}
		return reservation.OnHandAnswer{}, s.refuse(refusal)
	}
	return s.correct(request.Request, content, s.counted(request.Lines)), nil
}

// counted turns a count into corrections. It creates the SKUs that are new.
func (s *stock) counted(lines []reservation.CountLine) []correction {
	reason, err := reservation.ParseAdjustReason("count")
	if err != nil {
		panic(fmt.Sprintf("the reason of a count is one: %v", err))
	}
	var corrections []correction
	for _, l := range lines {
		by := correction{sku: l.SKU, delta: l.OnHand - s.onHand(l.SKU), reason: reason}
		corrections = append(corrections, by)
		if s.items[l.SKU] == nil {
			s.items[l.SKU] = &item{}
		}
	}
	return corrections
}

// onHand is 0 of a SKU that the stock does not have.
func (s *stock) onHand(sku reservation.SKU) int64 {
	if it := s.items[sku]; it != nil {
		return it.onHand
	}
	return 0
}
