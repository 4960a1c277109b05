package model

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Get returns a reservation as it is now. It writes nothing, also where a hold has run out.
func (m *Model) Get(
	ctx context.Context, stock reservation.StockID, id reservation.ReservationID,
) (reservation.GetAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.GetAnswer{}, err
	}
	r := s.record(id)
	if r == nil {
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownReservation}
		return reservation.GetAnswer{}, s.refuse(refusal)
	}
	return reservation.GetAnswer{Reservation: s.view(r), StoreTime: s.now}, nil
}

// Items returns the figures of SKUs in the order asked for.
func (m *Model) Items(
	ctx context.Context, stock reservation.StockID, skus []reservation.SKU,
) (reservation.ItemsAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.ItemsAnswer{}, err
	}
	if unknown := s.unknown(skus); unknown != nil {
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
		return reservation.ItemsAnswer{}, s.refuse(refusal)
	}
	s.reclaimAll()
	return reservation.ItemsAnswer{Items: s.show(skus), StoreTime: s.now}, nil
}

// List pages through the stock's SKUs in the order of their bytes.
func (m *Model) List(
	ctx context.Context, request reservation.ListRequest,
) (reservation.ListAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ListAnswer{}, err
	}
	s.reclaimAll()
	after := slices.DeleteFunc(s.sortedSKUs(), func(sku reservation.SKU) bool {
		return sku.String() <= request.After.String()
	})
	page := after[:min(len(after), request.Limit)]
	return reservation.ListAnswer{
		Items:     s.show(page),
		More:      len(after) > len(page),
		StoreTime: s.now,
	}, nil
}

// DeleteItem forgets a SKU that has nothing on hand, reserved or queued.
func (m *Model) DeleteItem(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
) (reservation.Stamp, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.Stamp{}, err
	}
	c := s.reclaim()
	c.finish()
	for c.isFull && s.items[sku] != nil && s.items[sku].isUsed() {
		c = s.reclaim()
		c.finish()
	}
	it, known := s.items[sku]
	refusal := &reservation.Error{SKUs: []reservation.SKU{sku}}
	switch {
	case !known:
		refusal.Reason = reservation.ReasonUnknownSKU
		return reservation.Stamp{}, s.refuse(refusal)
	case it.isUsed():
		refusal.Reason = reservation.ReasonStockItemInUse
		return reservation.Stamp{}, s.refuse(refusal)
	}
	delete(s.items, sku)
	s.emit(reservation.Event{
		Type:    reservation.EventPolicyChanged,
		Lines:   []reservation.EventLine{{SKU: sku}},
		Deleted: true,
	})
	return s.stamp(), nil
}

// isUsed says whether the SKU may not be forgotten.
func (it *item) isUsed() bool { return it.onHand != 0 || it.reserved != 0 || it.queued != 0 }

func (s *stock) show(skus []reservation.SKU) []reservation.Item {
	var items []reservation.Item
	for _, sku := range skus {
		it := s.items[sku]
		items = append(items, reservation.Item{
			SKU:      sku,
			OnHand:   it.onHand,
			Reserved: it.reserved,
			Queued:   it.queued,
			Filling:  it.filling,
			Policy:   s.policy(sku),
		})
	}
	return items
}

func (s *stock) sortedSKUs() []reservation.SKU {
	return sorted(slices.Collect(maps.Keys(s.items)))
}

// sorted puts names in the order of their bytes.
func sorted[Name fmt.Stringer](names []Name) []Name {
	slices.SortFunc(names, byName[Name])
	return names
}

func byName[Name fmt.Stringer](a, b Name) int { return cmp.Compare(a.String(), b.String()) }
