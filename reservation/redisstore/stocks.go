package redisstore

import (
	"context"
	"sync"

	"github.com/holdfast-dev/holdfast/reservation"
)

// stocks has the batcher of every stock that is in use or known to exist. One that nobody uses and
// that was never written to is dropped: naming stocks that do not exist costs no memory.
type stocks struct {
	mu       sync.Mutex
	batchers map[reservation.StockID]*batcher
	open     func(stock reservation.StockID) *batcher
}

// acquire returns a stock's batcher for one call; release gives it back.
func (s *stocks) acquire(stock reservation.StockID) *batcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.batchers[stock]
	if !ok {
		b = s.open(stock)
		s.batchers[stock] = b
	}
	b.users++
	return b
}

func (s *stocks) release(b *batcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.users--
	if b.users == 0 && !b.known {
		delete(s.batchers, b.stock)
	}
}

func (s *stocks) isKnown(b *batcher) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return b.known
}

func (s *stocks) markKnown(b *batcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.known = true
}

// register writes a stock down in the set of stocks before its first write, so that every server
// finds it to sweep. A stock that is listed and never written to is harmless.
func (s *Store) register(ctx context.Context, b *batcher) error {
	if s.stocks.isKnown(b) {
		return nil
	}
	if err := s.client.SAdd(ctx, s.keys.stocks(), b.stock.String()).Err(); err != nil {
		return s.failure(ctx, err)
	}
	s.stocks.markKnown(b)
	return nil
}
