package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// maintainInterval is how long a due hold may lie idle: well under the second that the contract
	// gives, with room for the sweeping itself.
	maintainInterval = 200 * time.Millisecond
	// maxSweeps bounds the steps for one stock in one round, so that one stock does not starve
	// others.
	maxSweeps = 64
	// peekAtOnce is how many stocks one pipeline looks at.
	peekAtOnce = 100
)

// maintain sweeps and purges every stock that has something to do, round after round. Each step is
// one atomic script, so that many servers doing the same are harmless.
func (s *Store) maintain(ctx context.Context) {
	ticker := time.NewTicker(maintainInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.maintainRound(ctx); err != nil && ctx.Err() == nil {
			s.options.Logger.Debug("maintenance round ended early", "error", err)
		}
	}
}

// maintainRound looks at every known stock once.
func (s *Store) maintainRound(ctx context.Context) error {
	if err := s.health.err(); err != nil {
		return err
	}
	var cursor uint64
	for {
		names, next, err := s.client.SScan(ctx, s.keys.stocks(), cursor, "", peekAtOnce).Result()
		if err != nil {
			return s.failure(ctx, err)
		}
		if err := s.maintainStocks(ctx, names); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// maintainStocks peeks at stocks with plain reads and runs scripts only where something is due.
func (s *Store) maintainStocks(ctx context.Context, names []string) error {
	var errs []error
	peeks := make([]peek, 0, len(names))
	pipe := s.client.Pipeline()
	for _, name := range names {
		stock, err := reservation.ParseStockID(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		peeks = append(peeks, newPeek(ctx, pipe, stock, s.keys.of(stock)))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return s.failure(ctx, err)
	}
	now := float64(s.clock.now())
	for _, p := range peeks {
		if isDue(p.held, now) || p.filling.Val() > 0 {
			_, _, err := s.sweepAll(ctx, p.stock)
			errs = append(errs, err)
		}
		if isDue(p.finished, now) || isDue(p.requests, now) {
			errs = append(errs, s.purgeAll(ctx, p.stock))
		}
	}
	return errors.Join(errs...)
}

// peek is a look at what is due in a stock.
type peek struct {
	stock                    reservation.StockID
	held, finished, requests *redis.ZSliceCmd
	filling                  *redis.IntCmd
}

func newPeek(
	ctx context.Context, pipe redis.Pipeliner, stock reservation.StockID, keys stockKeys,
) peek {
	return peek{
		stock:    stock,
		held:     pipe.ZRangeWithScores(ctx, keys.held(), 0, 0),
		finished: pipe.ZRangeWithScores(ctx, keys.finished(), 0, 0),
		requests: pipe.ZRangeWithScores(ctx, keys.requests(), 0, 0),
		filling:  pipe.ZCard(ctx, keys.filling()),
	}
}

func isDue(first *redis.ZSliceCmd, now float64) bool {
	entries := first.Val()
	return len(entries) > 0 && entries[0].Score <= now
}

// sweepAll reclaims due holds and works off queues until neither is left or the round's bound is
// met.
func (s *Store) sweepAll(
	ctx context.Context, stock reservation.StockID,
) (reclaimed, handled int, err error) {
	for range maxSweeps {
		step, err := s.sweep(ctx, stock, true, true)
		if err != nil {
			return reclaimed, handled, err
		}
		reclaimed += step.reclaimed
		handled += step.handled
		if !step.more {
			break
		}
	}
	return reclaimed, handled, nil
}

// swept is what one step of sweeping did.
type swept struct {
	reclaimed, handled int
	more               bool
}

// sweep does one bounded step; see lua/sweep.lua.
func (s *Store) sweep(
	ctx context.Context, stock reservation.StockID, reclaims, drains bool,
) (swept, error) {
	r, err := s.change(ctx, stock, &operation{
		script: scriptSweep, repeatable: true, lines: s.options.lineBudget,
		encode: func(e *encoder, _ int64) {
			e.flag(reclaims)
			e.flag(drains)
		},
	}, false)
	if err != nil {
		return swept{}, err
	}
	step := swept{reclaimed: int(r.int()), handled: int(r.int()), more: r.int() == 1}
	return step, r.err
}

// purgeAll forgets what is past its retention, within the round's bound.
func (s *Store) purgeAll(ctx context.Context, stock reservation.StockID) error {
	for range maxSweeps {
		_, more, err := s.purge(ctx, stock)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// purge does one bounded step; see lua/purge.lua.
func (s *Store) purge(
	ctx context.Context, stock reservation.StockID,
) (forgotten int, more bool, err error) {
	r, err := s.change(ctx, stock, &operation{
		script: scriptPurge, repeatable: true, lines: s.options.lineBudget,
		encode: func(*encoder, int64) {},
	}, false)
	if err != nil {
		return 0, false, err
	}
	forgotten, more = int(r.int()), r.int() == 1
	return forgotten, more, r.err
}
