package redisstore

import (
	"context"
	"sync"

	"github.com/holdfast-dev/holdfast/reservation"
)

// stocks has the batcher of every stock that is in use or registered. One that nobody uses and that
// is not registered is dropped: naming stocks that do not exist costs no memory.
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
	if b.users == 0 && b.registered.Load() == nil {
		delete(s.batchers, b.stock)
	}
}

// saw takes in where a stock's journal was when a script answered, as a process of the store told.
// Under another process, or when the journal was set back, data was lost and the registration may
// be too.
func (b *batcher) saw(set *scriptSet, sequence int64) {
	if at := b.registered.Load(); at != nil && (at.process != set.process || sequence < b.newest) {
		b.registered.Store(nil)
	}
	b.newest = sequence
}

// register writes a stock down in the set of stocks before its first write, so that every server
// finds it to sweep. A stock that is listed and never written to is harmless.
func (s *Store) register(ctx context.Context, b *batcher) error {
	set := s.scripts.present()
	if at := b.registered.Load(); at != nil && at.process == set.process {
		return nil
	}
	if err := s.client.SAdd(ctx, s.keys.stocks(), b.stock.String()).Err(); err != nil {
		return s.failure(ctx, err)
	}
	b.registered.Store(set)
	return nil
}

// registerWritten registers a stock that has been written to, unless it is. The call is done, so a
// failure is not its caller's: the next call of the stock tries again.
func (s *Store) registerWritten(ctx context.Context, b *batcher) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.CallTimeout)
	defer cancel()
	if err := s.register(ctx, b); err != nil {
		s.options.Logger.Warn("a stock is not registered and may not be swept",
			"stock", b.stock.String(), "error", err)
	}
}
