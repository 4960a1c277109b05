package model

import (
	"context"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// epoch is the only life that a store in memory has.
const epoch = 1

// Watch hands a stock's events to deliver, first those that there are, then those that come, until
// ctx ends or deliver returns an error.
func (m *Model) Watch(
	ctx context.Context, request reservation.WatchRequest,
	deliver func(reservation.EventBatch) error,
) error {
	at, err := m.begin(ctx, request)
	if err != nil {
		return err
	}
	batch := reservation.EventBatch{Position: at}
	for {
		if err := deliver(batch); err != nil {
			return err
		}
		if batch, err = m.follow(ctx, request.Stock, batch.Position); err != nil {
			return err
		}
	}
}

// begin returns where a watch begins.
func (m *Model) begin(
	ctx context.Context, request reservation.WatchRequest,
) (reservation.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.Position{}, err
	}
	after := request.After.Or(reservation.Position{Epoch: epoch, Sequence: s.sequence()})
	if after == (reservation.Position{}) {
		after.Epoch = epoch
	}
	if after.Epoch != epoch || after.Sequence < 0 || after.Sequence > s.sequence() {
		refusal := &reservation.Error{Reason: reservation.ReasonPositionUnknown}
		return reservation.Position{}, s.refuse(refusal)
	}
	return after, nil
}

// follow waits until there are events after a position, and returns them.
func (m *Model) follow(
	ctx context.Context, stock reservation.StockID, after reservation.Position,
) (reservation.EventBatch, error) {
	for {
		batch, told, err := m.eventsAfter(ctx, stock, after)
		if err != nil || batch.Events != nil {
			return batch, err
		}
		select {
		case <-told:
		case <-ctx.Done():
		}
	}
}

// eventsAfter returns the events that stand after a position, and a channel that is closed at the
// next one.
func (m *Model) eventsAfter(
	ctx context.Context, stock reservation.StockID, after reservation.Position,
) (batch reservation.EventBatch, told <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.EventBatch{}, nil, err
	}
	events := s.events[after.Sequence:]
	if len(events) > 0 {
		batch.Events = slices.Clone(events)
	}
	batch.Position = reservation.Position{Epoch: epoch, Sequence: s.sequence()}
	return batch, s.told, nil
}
