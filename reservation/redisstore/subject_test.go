package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// testClock takes the place of lua/include/clock.lua: a clock that the test sets.
const testClock = `
local function store_now()
  return tonumber(redis.call('GET', string.match(KEYS[1], '^(.-):{') .. ':clock'))
end
`

// realServer is the real Redis that this package's tests share; each test has a key prefix of its
// own.
var realServer *redistest.Server

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// setSteps says how long random histories are: a few hundred in `make test`, in the long form what
// the issue of their kind asks for.
func setSteps() {
	if os.Getenv("HOLDFAST_STEPS") == "" {
		_ = os.Setenv("HOLDFAST_STEPS", strconv.Itoa(sized(80, 20_000))) // it cannot fail
	}
}

func runTests(m *testing.M) int {
	setSteps()
	if os.Getenv(mutantVariable) != "" || isFuzzing() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "holdfast-redis-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Without its file, for speed: what durability promises is tested on servers of its own.
	realServer, err = redistest.Start(context.Background(), dir, "--appendonly", "no")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer realServer.Stop()
	defer stopSharedCluster()
	return m.Run()
}

var prefixes atomic.Int64

// newPrefix returns a key prefix that no other test, nor a mutant's process, has.
func newPrefix() string {
	return fmt.Sprintf("test-%d-%d", os.Getpid(), prefixes.Add(1))
}

// openReal opens a store on the real server under a prefix of its own.
func openReal(t *testing.T, options Options) *Store {
	t.Helper()
	if options.URL == "" {
		options.URL, options.Durability = realServer.URL(), DurabilityNone
	}
	if options.Prefix == "" {
		options.Prefix = newPrefix()
	}
	s, err := Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openEmbedded opens a store on a miniredis of its own.
func openEmbedded(t *testing.T, options Options) *Store {
	t.Helper()
	s, err := OpenEmbedded(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// subject is a store with a clock that stands still, as storetest drives it.
type subject struct {
	*Store
	*storetest.Clock

	t *testing.T
}

func newSubject(t *testing.T, open func(*testing.T, Options) *Store) storetest.Subject {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	store := open(t, Options{
		clock: testClock, quiet: true, lineBudget: reservation.LineBudget, Logger: logger,
		journalCap: 10 * defaultJournalCap, // a history of 10^5 steps is folded whole
		mutate:     mutationOf(os.Getenv(mutantVariable)),
	})
	s := &subject{Store: store, Clock: storetest.NewClock(), t: t}
	s.setClock()
	return s
}

// only returns the node of a store that is one process.
func only(s *Store) *node { return s.engine.(*single).node }

func (s *subject) setClock() {
	s.t.Helper()
	key := s.options.Prefix + ":clock"
	if err := s.client.Set(context.Background(), key, s.Now().UnixMilli(), 0).Err(); err != nil {
		s.t.Fatal(err)
	}
	only(s.Store).clock.tell(s.Now().UnixMilli(), time.Now())
}

func (s *subject) Advance(d time.Duration) {
	s.Clock.Advance(d)
	s.setClock()
}

func (s *subject) Sweep(ctx context.Context, stock reservation.StockID) (int, error) {
	step, err := s.sweep(ctx, stock, true, false)
	return step.reclaimed, err
}

func (s *subject) Drain(ctx context.Context, stock reservation.StockID) (int, error) {
	step, err := s.sweep(ctx, stock, false, true)
	return step.handled, err
}

func (s *subject) Purge(ctx context.Context, stock reservation.StockID) (int, error) {
	forgotten, _, err := s.purge(ctx, stock)
	return forgotten, err
}

func (s *subject) Snapshot(
	ctx context.Context, stock reservation.StockID,
) (reservation.Snapshot, error) {
	return snapshotOf(ctx, s.client, s.keys.of(stock), stock, s.Now())
}

func TestStore_OnRedis(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Subject { return newSubject(t, openReal) })
}

func TestStore_Embedded(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Subject { return newSubject(t, openEmbedded) })
}

// keysOf returns all keys of a prefix and what they hold, to see that a refusal changed none.
func keysOf(t *testing.T, client redis.UniversalClient, prefix string) map[string]string {
	t.Helper()
	ctx := context.Background()
	held := make(map[string]string)
	scan := client.Scan(ctx, 0, prefix+":*", 1000).Iterator()
	for scan.Next(ctx) {
		value, err := client.Dump(ctx, scan.Val()).Result()
		if err != nil {
			t.Fatal(err)
		}
		held[scan.Val()] = value
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return held
}
