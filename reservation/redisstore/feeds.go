package redisstore

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// maxFeeds bounds the stocks whose journals one server follows, for each takes a connection that
	// waits: one XREAD cannot follow stocks of several nodes of a cluster.
	maxFeeds = 64
	// maxWaitingFeeds bounds the stocks that are watched and have no journal yet. They share the
	// store's common connections, so that names that nobody ever uses take no feed from others.
	maxWaitingFeeds = 1_024
	// journalInterval is how often it is looked whether such a stock has a journal now.
	journalInterval = 500 * time.Millisecond
)

// feeds has the feed of every stock that is watched.
type feeds struct {
	mu      sync.Mutex
	byStock map[reservation.StockID]*feed
	// following and waiting are how many feeds run, with and without a journal.
	following, waiting int
}

// errTooManyFeeds is when a server cannot follow another stock.
func errTooManyFeeds() error {
	return &reservation.Error{Reason: reservation.ReasonOverloaded, RetryAfter: time.Second}
}

// join returns a stock's feed and starts it for the first watcher. now is where the journal is, or
// was a moment ago.
func (s *Store) join(ctx context.Context, stock reservation.StockID, now present) (*feed, error) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	if f, ok := s.feeds.byStock[stock]; ok && !f.ended() {
		f.watchers++
		return f, nil
	}
	exists := now.sequence > 0
	if exists && s.feeds.following >= maxFeeds || !exists && s.feeds.waiting >= maxWaitingFeeds {
		return nil, errTooManyFeeds()
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &feed{
		store: s, stock: stock, stop: stop, watchers: 1, last: now.sequence,
	}
	s.feeds.byStock[stock] = f
	if exists {
		s.feeds.following++
		s.background.Go(func() { s.follow(running, f) })
	} else {
		s.feeds.waiting++
		s.background.Go(func() { s.await(running, f) })
	}
	return f, nil
}

// follow runs a feed that has its place among those that follow a journal.
func (s *Store) follow(ctx context.Context, f *feed) {
	f.run(ctx)
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	s.feeds.following--
}

// await runs a feed of a stock that has no journal: it follows the journal once there is one.
func (s *Store) await(ctx context.Context, f *feed) {
	err := s.awaitJournal(ctx, f.stock)
	s.feeds.mu.Lock()
	s.feeds.waiting--
	if err == nil && s.feeds.following >= maxFeeds {
		err = errTooManyFeeds()
	}
	if err == nil {
		s.feeds.following++
	}
	s.feeds.mu.Unlock()
	if err != nil {
		f.end(err)
		return
	}
	s.follow(ctx, f)
}

// awaitJournal looks from time to time whether a stock has a journal, until it has.
func (s *Store) awaitJournal(ctx context.Context, stock reservation.StockID) error {
	ticker := time.NewTicker(journalInterval)
	defer ticker.Stop()
	key := s.keys.of(stock).journal()
	for {
		if n, err := s.client.Exists(ctx, key).Result(); err != nil {
			return s.failure(ctx, err)
		} else if n > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return gaveUp(ctx.Err())
		case <-ticker.C:
		}
	}
}

// leave gives a feed back; the last watcher stops it.
func (s *Store) leave(f *feed) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	f.watchers--
	if f.watchers > 0 {
		return
	}
	f.stop()
	if s.feeds.byStock[f.stock] == f {
		delete(s.feeds.byStock, f.stock)
	}
}

// stopFeeds ends every feed, for a store that closes.
func (s *Store) stopFeeds() {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	for _, f := range s.feeds.byStock {
		f.end(unavailable(redis.ErrClosed))
		f.stop()
	}
}
