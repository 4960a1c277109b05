package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-dev/holdfast/reservation"
)

// work takes stocks that have something to do until ctx ends.
func (m *maintenance) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-m.due:
			m.turn(ctx, d)
		}
	}
}

// turn does a few steps for a stock. One with more to do goes to the end of the line; one that
// failed is found again by the next scan.
func (m *maintenance) turn(ctx context.Context, d *dueStock) {
	err := m.fewSteps(ctx, d)
	if err != nil {
		m.note(ctx, fmt.Errorf("stock %q: %w", d.stock, err))
	}
	if err == nil && (d.sweeps || d.purges) {
		select {
		case m.due <- d:
			return
		default: // the line is full; the next scan finds it again
		}
	}
	m.leave(d)
}

// fewSteps reclaims due holds, works off queues and forgets what is past its retention, a few steps
// of each. Afterwards d says what is left to do.
func (m *maintenance) fewSteps(ctx context.Context, d *dueStock) error {
	var sweepErr, purgeErr error
	for n := 0; n < stepsAtOnce && d.sweeps && sweepErr == nil; n++ {
		var step swept
		step, sweepErr = m.store.sweep(ctx, d.stock, true, true)
		d.sweeps = step.more
	}
	for n := 0; n < stepsAtOnce && d.purges && purgeErr == nil; n++ {
		_, d.purges, purgeErr = m.store.purge(ctx, d.stock)
	}
	return errors.Join(sweepErr, purgeErr)
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
