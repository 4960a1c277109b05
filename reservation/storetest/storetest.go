package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// target is what the suite drives: a store and its housekeeping.
type target interface {
	reservation.Store
	// Snapshot returns everything that a stock holds, less what is past its retention.
	Snapshot(ctx context.Context, stock reservation.StockID) (reservation.Snapshot, error)
	// Sweep reclaims up to [reservation.LineBudget] due holds and returns how many.
	Sweep(ctx context.Context, stock reservation.StockID) (reclaimed int, err error)
	// Drain works off up to [reservation.LineBudget] queue lines and returns how many it handled.
	Drain(ctx context.Context, stock reservation.StockID) (handled int, err error)
	// Purge removes up to [reservation.LineBudget] things whose retention is over and returns how
	// many.
	Purge(ctx context.Context, stock reservation.StockID) (purged int, err error)
}

// Subject is a store under test with a clock that stands still until it is told. Nothing but the
// suite may sweep, drain or purge it. Its retention is [reservation.DefaultRetention].
type Subject interface {
	target
	// Advance steps the store's clock.
	Advance(d time.Duration)
	// Now returns the store's clock, UTC, whole milliseconds.
	Now() time.Time
}

// Run holds a store against the whole contract. open gives an empty store for one test and cleans
// up after it; it is called from several tests at a time.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	RunCallByCall(t, open)
	t.Run("gave up", func(t *testing.T) { t.Parallel(); runGaveUp(t, open) })
	t.Run("concurrent", func(t *testing.T) { t.Parallel(); runConcurrent(t, open) })
	t.Run("races", func(t *testing.T) { t.Parallel(); runRaces(t, open) })
	t.Run("watch", func(t *testing.T) { t.Parallel(); runWatch(t, open) })
}

// RunCallByCall is the part of [Run] that makes one call at a time: the scenarios and a random
// history.
func RunCallByCall(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("scenarios", func(t *testing.T) { t.Parallel(); runScenarios(t, open) })
	t.Run("random", func(t *testing.T) { t.Parallel(); runRandom(t, open) })
}

// Clock is a store clock that stands still until it is told. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at the first moment of 2026, UTC.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)}
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance steps the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
