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
	c := s.reclaim()
	answer, refusal := s.replayOnHand(request.Request, content)
	if answer == nil && refusal == nil {
		refusal = s.judgeCount(request.Lines)
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
	return c.correct(request.Request, content, s.counted(request.Lines)), nil
}

// judgeCount returns why a count cannot be taken over.
func (s *stock) judgeCount(lines []reservation.CountLine) *reservation.Error {
	var differs []reservation.SKU
	for _, l := range lines {
		if l.Expected.Set && l.Expected.Value != s.onHand(l.SKU) {
			differs = append(differs, l.SKU)
		}
	}
	if differs != nil {
		return &reservation.Error{Reason: reservation.ReasonOnHandDiffers, SKUs: differs}
	}
	return nil
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
