package model

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Indexes is what a server sees that looks whether there is something to do in a stock, without
// running a script.
type Indexes struct {
	Sequence  int64
	Due       int       // holds that have run out at a moment and are not reclaimed
	Filling   int       // SKUs with units due to their queue
	Finished  time.Time // when the first retention of a reservation ends; zero: there is none
	Requests  time.Time // when the first retention of a request id ends; zero: there is none
	Committed time.Time // when the oldest COMMITTED reservation was granted; zero: there is none
}

// Indexes returns what is to be done in a stock; at is the moment that holds are compared with. It
// changes nothing.
func (m *Model) Indexes(
	ctx context.Context, stock reservation.StockID, at time.Time,
) (Indexes, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return Indexes{}, err
	}
	seen := Indexes{Sequence: s.sequence()}
	for _, it := range s.items {
		if it.filling > 0 {
			seen.Filling++
		}
	}
	for _, r := range s.records {
		if r.isDue(at) {
			seen.Due++
		}
		switch r.state {
		case reservation.StateHeld:
		case reservation.StateCommitted:
			seen.Committed = earlier(seen.Committed, r.createTime)
		case reservation.StateFulfilled, reservation.StateReleased, reservation.StateExpired:
			seen.Finished = earlier(seen.Finished, r.finishTime.Add(s.retention))
		}
	}
	for _, r := range s.requests {
		seen.Requests = earlier(seen.Requests, r.time.Add(s.retention))
	}
	return seen, nil
}

// EventsAfter returns the events of a stock behind a sequence. It changes nothing.
func (m *Model) EventsAfter(
	ctx context.Context, stock reservation.StockID, sequence int64,
) ([]reservation.Event, error) {
	batch, _, err := m.eventsAfter(ctx, stock, reservation.Position{Sequence: sequence})
	return batch.Events, err
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
