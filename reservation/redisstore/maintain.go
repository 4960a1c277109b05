package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// scanInterval is how long a due hold may lie idle: well under the second that the contract
	// gives, with room for the sweeping itself.
	scanInterval = 200 * time.Millisecond
	// peekAtOnce is how many stocks one pipeline looks at.
	peekAtOnce = 100
	// sweepers is how many stocks are worked on at once. The store runs one script at a time; more
	// would only fill its queue, where callers wait too.
	sweepers = 4
	// stepsAtOnce is how many steps a stock gets before others have their turn.
	stepsAtOnce = 4
	// maxDue bounds the stocks that wait for a sweeper. The scan waits while so many do.
	maxDue = 4_096
	// maxFailures bounds what a scan keeps of the failures that it met.
	maxFailures = 10
	// failureLogInterval is how often failures are logged, for one that lasts comes with each scan.
	failureLogInterval = time.Minute
)

// maintenance looks at every registered stock again and again and works off what is due there: the
// scan finds it, sweepers take it stock by stock, a few steps at a time. Each step is one atomic
// script, so that many servers doing the same are harmless.
type maintenance struct {
	store *Store
	due   chan *dueStock // each stock at most once

	mu     sync.Mutex
	queued map[reservation.StockID]*dueStock // those in due or with a sweeper
	seen   seen                              // by the last whole scan
	failed int64                             // failures so far
	logged time.Time                         // when failures were last logged
}

// dueStock is a stock with something to do.
type dueStock struct {
	stock          reservation.StockID
	sweeps, purges bool // a sweeper's own while it has it
}

func newMaintenance(s *Store) *maintenance {
	return &maintenance{
		store: s, due: make(chan *dueStock, maxDue),
		queued: make(map[reservation.StockID]*dueStock),
	}
}

// start begins the work in the background of the store, until ctx ends.
func (m *maintenance) start(ctx context.Context) {
	m.store.background.Go(func() { m.scanAgainAndAgain(ctx) })
	for range sweepers {
		m.store.background.Go(func() { m.work(ctx) })
	}
}

func (m *maintenance) scanAgainAndAgain(ctx context.Context) {
	ticker := time.NewTicker(scanInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		m.note(ctx, m.scan(ctx))
	}
}

// note counts failures and logs some of them.
func (m *maintenance) note(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	m.failed++
	logs := time.Since(m.logged) >= failureLogInterval
	if logs {
		m.logged = time.Now()
	}
	m.mu.Unlock()
	if logs {
		m.store.options.Logger.Warn("maintenance met an error", "error", err)
	}
}

// failures gathers the first errors of many and counts the others.
type failures struct {
	first []error
	more  int
}

func (f *failures) add(stock string, err error) {
	switch {
	case err == nil:
	case len(f.first) < maxFailures:
		f.first = append(f.first, fmt.Errorf("stock %q: %w", stock, err))
	default:
		f.more++
	}
}

func (f *failures) err() error {
	if f.more > 0 {
		return fmt.Errorf("%w\nand %d more", errors.Join(f.first...), f.more)
	}
	return errors.Join(f.first...)
}

// scan looks at every registered stock once and hands those that have something to do to the
// sweepers. A failure of one stock is nothing to the others.
func (m *maintenance) scan(ctx context.Context) error {
	s := m.store
	if _, err := s.fitNode(ctx, s.stocksKey); err != nil {
		return err
	}
	found := seen{began: time.Now(), away: make(map[*node]bool)}
	var failed failures
	var cursor uint64
	for {
		names, next, err := s.client.SScan(ctx, s.stocksKey, cursor, "", peekAtOnce).Result()
		if err == nil {
			err = m.peekAt(ctx, names, &found, &failed)
		}
		if err != nil {
			return errors.Join(failed.err(), s.failure(ctx, err))
		}
		if next == 0 {
			break
		}
		cursor = next
	}
	if failed.err() == nil {
		s.fences.scanned(found.began)
	} else { // a stock that could not be looked at is as it was
		found.fenced = max(found.fenced, m.fencedBefore())
	}
	m.publish(found)
	return errors.Join(failed.err(), s.registerMissing(ctx, found.began))
}

// errNotAStock is a member of the set of stocks that no server wrote.
var errNotAStock = errors.New("it is no stock's name")

// peekAt looks at stocks, those of one node together. A failure of a stock or of a node goes into
// failed.
func (m *maintenance) peekAt(
	ctx context.Context, names []string, found *seen, failed *failures,
) error {
	s := m.store
	byNode := make(map[*node][]reservation.StockID, 1)
	for _, name := range names {
		stock, err := reservation.ParseStockID(name)
		if err == nil && stock.String() != name {
			err = errNotAStock
		}
		if err != nil {
			failed.add(name, err)
			continue
		}
		s.stocks.markListed(stock, found.began)
		n, err := s.fitNode(ctx, s.keys.of(stock).meta())
		if err != nil {
			failed.add(name, err)
			continue
		}
		byNode[n] = append(byNode[n], stock)
	}
	for n, stocks := range byNode {
		if found.away[n] {
			for _, stock := range stocks {
				failed.add(stock.String(), errNodeAway)
			}
			continue
		}
		if err := m.peekAtNode(ctx, n, stocks, found, failed); err != nil {
			return err
		}
	}
	return nil
}

// errNodeAway is why a stock was not looked at: its node did not answer before in the same scan,
// and the stocks of others do not wait for it again.
var errNodeAway = errors.New("its node did not answer in this scan")

// fencedBefore returns how many fenced stocks the last scan found.
func (m *maintenance) fencedBefore() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen.fenced
}

// peekAtNode looks at stocks of one node with plain reads. Its error is ctx's.
func (m *maintenance) peekAtNode(
	ctx context.Context, n *node, stocks []reservation.StockID, found *seen, failed *failures,
) error {
	now := n.clock.now()
	peeks := make([]peek, 0, len(stocks))
	pipe := n.client.Pipeline()
	for _, stock := range stocks {
		peeks = append(peeks, newPeek(ctx, pipe, stock, m.store.keys.of(stock), now))
	}
	err := runPipe(ctx, pipe)
	var answered redis.Error
	if err != nil && (isTurnedAway(err) || !asRedisError(err, &answered)) {
		m.store.engine.doubt()
		if !isTurnedAway(err) {
			found.away[n] = true
		}
	}
	for _, p := range peeks {
		failed.add(p.stock.String(), p.err())
		found.take(p, now)
		if fence := p.fence(); fence != "" {
			m.store.fences.see(p.stock, fence)
		}
		if err := m.hand(ctx, p, float64(now)); err != nil {
			return err
		}
	}
	return nil
}

// hand gives a stock to the sweepers if it has something to do and they do not have it yet.
func (m *maintenance) hand(ctx context.Context, p peek, now float64) error {
	d := &dueStock{
		stock:  p.stock,
		sweeps: p.held.Val() > 0 || p.filling.Val() > 0,
		purges: isDue(p.finished, now) || isDue(p.requests, now),
	}
	if !d.sweeps && !d.purges || !m.enter(d) {
		return nil
	}
	select {
	case m.due <- d:
		return nil
	case <-ctx.Done():
		m.leave(d)
		return ctx.Err()
	}
}

// enter says whether a stock may be handed to the sweepers, who have each at most once.
func (m *maintenance) enter(d *dueStock) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.queued[d.stock] != nil {
		return false
	}
	m.queued[d.stock] = d
	return true
}

func (m *maintenance) leave(d *dueStock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.queued, d.stock)
}

// peek is a look at what is due in a stock.
type peek struct {
	stock                         reservation.StockID
	held, filling                 *redis.IntCmd // holds that are due; SKUs to be worked off
	finished, requests, committed *redis.ZSliceCmd
	fenced                        *redis.SliceCmd // HMGET, which answers where there is none too
}

// newPeek adds the reads of one stock to a pipeline. now is ms of store time.
func newPeek(
	ctx context.Context, pipe redis.Pipeliner, stock reservation.StockID, keys stockKeys, now int64,
) peek {
	return peek{
		stock:     stock,
		held:      pipe.ZCount(ctx, keys.held(), "-inf", fmt.Sprint(now)),
		filling:   pipe.ZCard(ctx, keys.filling()),
		finished:  pipe.ZRangeWithScores(ctx, keys.finished(), 0, 0),
		requests:  pipe.ZRangeWithScores(ctx, keys.requests(), 0, 0),
		committed: pipe.ZRangeWithScores(ctx, keys.committed(), 0, 0),
		fenced:    pipe.HMGet(ctx, keys.meta(), fencedField),
	}
}

// err returns the first error of the peek's reads; those that answered count all the same.
func (p peek) err() error {
	for _, cmd := range []redis.Cmder{
		p.held, p.filling, p.finished, p.requests, p.committed, p.fenced,
	} {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}

// fence returns the stock's fence as it is kept; empty: it has none.
func (p peek) fence() string {
	values := p.fenced.Val()
	if len(values) == 0 {
		return ""
	}
	text, _ := values[0].(string)
	return text
}

func isDue(first *redis.ZSliceCmd, now float64) bool {
	entries := first.Val()
	return len(entries) > 0 && entries[0].Score <= now
}
