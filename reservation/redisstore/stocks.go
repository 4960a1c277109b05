package redisstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// stocks has the batcher of every stock that is in use or registered. One that nobody uses and that
// is not registered is dropped, unless there is a position to remember: naming stocks that do not
// exist costs no memory.
type stocks struct {
	mu       sync.Mutex
	batchers map[reservation.StockID]*batcher
	open     func(stock reservation.StockID) *batcher
}

// registration is when a stock was written into the set of stocks, and in which process of the
// store.
type registration struct {
	process string // run_id
	at      time.Time
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

// hold counts one more user of a batcher that has one.
func (s *stocks) hold(b *batcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.users++
}

func (s *stocks) release(b *batcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.users--
	if b.users == 0 && b.registered.Load() == nil &&
		(!b.isSeen.Load() || len(s.batchers) > mostKeptStocks) {
		delete(s.batchers, b.stock)
	}
}

// saw takes in where a stock's journal was when a script answered, as a process of the store told.
// Under another process, or when the journal was set back, data was lost and the registration may
// be too.
func (b *batcher) saw(set *scriptSet, sequence int64) {
	if b.process != "" && b.process != set.process || sequence < b.newest {
		b.registered.Store(nil)
	}
	b.process, b.newest = set.process, sequence
}

// registrar returns the scripts of the process that has the set of stocks, for its run_id: a
// registration holds as long as that. It is nil while that process is not known.
func (s *Store) registrar(ctx context.Context) *scriptSet {
	n, err := s.engine.find(ctx, s.stocksKey)
	if err != nil {
		return nil // who needs to register will say it
	}
	return n.scripts.present()
}

// learn takes in where an answer says that a stock is, before any caller is answered. isHeld says
// that what was seen may be counted on: under durability replica only what replicas are known to
// have, for what they lack is no loss.
func (s *Store) learn(b *batcher, set *scriptSet, answer []any, isHeld bool) error {
	now, err := standingOf(set, answer)
	if err != nil {
		return err
	}
	b.saw(set, now.Sequence)
	if isHeld || now.anew {
		b.seen.see(now)
	}
	if b.seen.Sequence > 0 {
		b.isSeen.Store(true)
	}
	if now.noticed || now.fence != "" {
		s.fences.note(b.stock, now)
	}
	return nil
}

// register writes a stock down in the set of stocks before its first write, so that every server
// finds it to sweep. A stock that is listed and never written to is harmless.
func (s *Store) register(ctx context.Context, b *batcher) error {
	set := s.registrar(ctx)
	if b.isRegistered(set) {
		return nil
	}
	if err := s.client.SAdd(ctx, s.stocksKey, b.stock.String()).Err(); err != nil {
		return s.failure(ctx, err)
	}
	b.enroll(set)
	return nil
}

func (b *batcher) isRegistered(set *scriptSet) bool {
	at := b.registered.Load()
	return at != nil && set != nil && at.process == set.process
}

// enroll notes that a stock was registered with a process of the store.
func (b *batcher) enroll(set *scriptSet) {
	if set != nil {
		b.registered.Store(&registration{process: set.process, at: time.Now()})
	}
}

// registerMissing registers those stocks again that this server knew before a scan began and that
// the scan did not find: somebody emptied the store, or took them out.
func (s *Store) registerMissing(ctx context.Context, began time.Time) error {
	set := s.registrar(ctx)
	var missing []any
	for _, b := range s.stocks.unlisted(began) {
		missing = append(missing, b.stock.String())
		b.enroll(set)
	}
	if len(missing) == 0 {
		return nil
	}
	if err := s.client.SAdd(ctx, s.stocksKey, missing...).Err(); err != nil {
		return fmt.Errorf("register %d stocks again: %w", len(missing), err)
	}
	return nil
}

// markListed notes that a scan which began at a moment found a stock in the set of stocks.
func (s *stocks) markListed(stock reservation.StockID, scan time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.batchers[stock]; ok {
		b.listed = scan
	}
}

// unlisted returns some of the stocks that were registered before a scan began and that it did not
// find.
func (s *stocks) unlisted(scan time.Time) []*batcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing []*batcher
	for _, b := range s.batchers {
		at := b.registered.Load()
		if at != nil && at.at.Before(scan) && b.listed != scan && len(missing) < peekAtOnce {
			missing = append(missing, b)
		}
	}
	return missing
}

// registerWritten registers a stock that has been written to, unless it is. The call is done, so a
// failure is not its caller's: the next call of the stock tries again.
func (s *Store) registerWritten(ctx context.Context, b *batcher) {
	if b.isRegistered(s.registrar(ctx)) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.CallTimeout)
	defer cancel()
	if err := s.register(ctx, b); err != nil {
		s.options.Logger.Warn("a stock is not registered and may not be swept",
			"stock", b.stock.String(), "error", err)
	}
}
