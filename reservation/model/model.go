// Package model keeps stocks in memory, in the plainest code that can be read against the
// contract. It is the oracle of the tests: whatever another store answers, this one must have
// answered too. It scans where a real store keeps an index, for nobody has to prove an index
// right here.
package model

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Options say how a model behaves. Both fields are required.
type Options struct {
	// Retention is how long a finished reservation and a request id are remembered.
	Retention time.Duration
	// Now is the store's clock. Finer parts than milliseconds are cut.
	Now func() time.Time
}

// Model is a [reservation.Store] in memory. It is safe for concurrent use: one call at a time.
type Model struct {
	options Options

	mu     sync.Mutex
	stocks map[reservation.StockID]*stock
}

var _ reservation.Store = (*Model)(nil)

// New makes an empty model.
func New(options Options) *Model {
	return &Model{options: options, stocks: map[reservation.StockID]*stock{}}
}

// enter gives the stock at the store time of the call that begins; the caller holds the lock. A
// caller who is gone already is turned away before anything is done.
func (m *Model) enter(ctx context.Context, id reservation.StockID) (*stock, error) {
	if err := ctx.Err(); err != nil {
		return nil, &reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: err}
	}
	s, known := m.stocks[id]
	if !known {
		s = newStock(id, m.options.Retention)
		m.stocks[id] = s
	}
	s.now = time.UnixMilli(m.options.Now().UnixMilli()).UTC()
	return s, nil
}
