package model

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Backorders pages through the lines that wait, by SKU, then from the head of its queue to the
// tail.
func (m *Model) Backorders(
	ctx context.Context, request reservation.BackordersRequest,
) (reservation.BackordersAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.BackordersAnswer{}, err
	}
	skus := s.sortedSKUs()
	if request.SKU.Set {
		skus = []reservation.SKU{request.SKU.Value}
	}
	if unknown := s.unknown(skus); unknown != nil {
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
		return reservation.BackordersAnswer{}, s.refuse(refusal)
	}
	s.reclaimAll()
	answer := reservation.BackordersAnswer{StoreTime: s.now}
	var last reservation.Cursor
	for _, sku := range skus {
		for at, place := range s.items[sku].queue {
			here := reservation.Cursor{SKU: sku.String(), Score: place.ticket}
			if compareCursors(here, request.After) <= 0 {
				continue
			}
			if len(answer.Backorders) == request.Limit {
				answer.Next = reservation.Some(last)
				return answer, nil
			}
			answer.Backorders = append(answer.Backorders, s.backorder(sku, at))
			last = here
		}
	}
	return answer, nil
}

// backorder shows the line at a place in a queue. What is due to it already and not written yet it
// still waits for.
func (s *stock) backorder(sku reservation.SKU, at int) reservation.Backorder {
	place := s.items[sku].queue[at]
	r := s.records[place.id]
	return reservation.Backorder{
		SKU:      sku,
		Position: int64(at) + 1,
		ID:       place.id,
		Index:    place.index,
		Units:    r.lines[place.index].Backordered,
		Since:    r.termTime,
	}
}
