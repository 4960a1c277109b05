package model

import (
	"context"
	"maps"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Snapshot returns everything that the stock holds, as it is kept: a hold that has run out is
// HELD until it is reclaimed. What is past its retention is left out, purged or not.
func (m *Model) Snapshot(
	ctx context.Context, stock reservation.StockID,
) (reservation.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.Snapshot{}, err
	}
	snapshot := reservation.Snapshot{
		Sequence: s.sequence(),
		Default:  s.byDefault,
		Events:   slices.Clone(s.events),
	}
	for _, sku := range s.sortedSKUs() {
		snapshot.Items = append(snapshot.Items, s.snapshotItem(sku))
	}
	for _, id := range sorted(slices.Collect(maps.Keys(s.records))) {
		if r := s.record(id); r != nil {
			snapshot.Reservations = append(snapshot.Reservations, s.stored(r))
		}
	}
	for _, id := range sorted(slices.Collect(maps.Keys(s.requests))) {
		if s.request(id) != nil {
			snapshot.Requests = append(snapshot.Requests, id)
		}
	}
	return snapshot, nil
}

func (s *stock) snapshotItem(sku reservation.SKU) reservation.ItemSnapshot {
	it := s.items[sku]
	shown := reservation.ItemSnapshot{
		SKU:      sku,
		OnHand:   it.onHand,
		Reserved: it.reserved,
		Queued:   it.queued,
		Filling:  it.filling,
		Own:      it.own,
	}
	for _, place := range it.queue {
		shown.Queue = append(shown.Queue, reservation.QueueEntry{
			ID:    place.id,
			Index: place.index,
			Units: s.records[place.id].lines[place.index].Backordered,
		})
	}
	return shown
}
