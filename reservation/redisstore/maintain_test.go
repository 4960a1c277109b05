package redisstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// holdsIn makes holds of one unit in a stock, all of which are due.
func holdsIn(t *testing.T, s *Store, stock string, holds int) {
	t.Helper()
	ctx := t.Context()
	request := restockOf("initial", "mug", int64(holds))
	request.Stock = mustStock(stock)
	if _, err := s.Restock(ctx, request); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for n := range holds {
		callers.Go(func() {
			hold := reserveOf(fmt.Sprintf("h%06d", n), "mug")
			hold.Stock, hold.TTL = mustStock(stock), must(reservation.NewTTL(time.Minute))
			if _, err := s.Reserve(ctx, hold); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	ids := make([]string, holds)
	for n := range ids {
		ids[n] = fmt.Sprintf("h%06d", n)
	}
	// Well in the past: the clock that the store told last may be a little behind this one.
	expireIn(t, s, mustStock(stock), ids, time.Now().Add(-time.Second))
}

func heldIn(ctx context.Context, t *testing.T, s *Store, stock string) int64 {
	t.Helper()
	held, err := s.client.ZCard(ctx, s.keys.of(mustStock(stock)).held()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// TestMaintenance_OneStocksTroubleIsNothingToTheOthers has a name that is none and a damaged stock
// among the registered ones.
func TestMaintenance_OneStocksTroubleIsNothingToTheOthers(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{quiet: true})
	for _, stock := range []string{"a", "b", "c", "damaged"} {
		holdsIn(t, s, stock, 3)
	}
	damaged := s.keys.of(mustStock("damaged"))
	err := errors.Join(
		s.client.SAdd(t.Context(), s.keys.stocks(), "not a stock", "").Err(),
		s.client.Del(t.Context(), damaged.finished()).Err(),
		s.client.Set(t.Context(), damaged.finished(), "damaged", 0).Err())
	if err != nil {
		t.Fatal(err)
	}
	err = s.maintenance.scan(t.Context())
	for _, want := range []string{`"not a stock"`, `""`, `"damaged": WRONGTYPE`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the scan does not speak of %s: %v", want, err)
		}
	}
	for len(s.maintenance.due) > 0 {
		s.maintenance.turn(t.Context(), <-s.maintenance.due)
	}
	for _, stock := range []string{"a", "b", "c"} {
		if held := heldIn(t.Context(), t, s, stock); held != 0 {
			t.Errorf("stock %s has %d holds left", stock, held)
		}
	}
	if stats := s.Stats(); stats.Stocks != 4 || stats.MaintenanceFailures == 0 {
		t.Errorf("got %+v", stats)
	}
	if len(s.maintenance.queued) > 0 {
		t.Errorf("left behind: %v", s.maintenance.queued)
	}
}

// TestMaintenance_AStockWithMuchToDoLetsOthersPass counts turns: a stock with one due hold has its
// own after one of a stock that has hundreds.
func TestMaintenance_AStockWithMuchToDoLetsOthersPass(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{quiet: true, lineBudget: 10})
	m := s.maintenance
	holdsIn(t, s, "busy", 200)
	if err := m.scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	holdsIn(t, s, "quiet", 1)
	if err := m.scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	var turns []string
	for len(m.due) > 0 {
		d := <-m.due
		turns = append(turns, d.stock.String())
		m.turn(t.Context(), d)
	}
	busy := 200 / 10 / stepsAtOnce
	want := append([]string{"busy", "quiet"}, slices.Repeat([]string{"busy"}, busy-1)...)
	if !slices.Equal(turns[:min(len(turns), len(want))], want) {
		t.Errorf("turns %v, want %v", turns, want)
	}
	if held := heldIn(t.Context(), t, s, "busy"); held != 0 {
		t.Errorf("%d holds left", held)
	}
}

// TestMaintenance_RegistersWhatSomebodyTookOut takes a stock out of the set of stocks: the next
// scan of a server that knew it puts it back.
func TestMaintenance_RegistersWhatSomebodyTookOut(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{quiet: true})
	if err := s.client.Del(t.Context(), s.keys.stocks()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.maintenance.scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRegistered(t, s)
}

func TestStats_TellOfDueHoldsAndOfTheOldestCommitted(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{quiet: true})
	if stats := s.Stats(); stats != (Stats{}) {
		t.Errorf("before the first scan: %+v", stats)
	}
	holdsIn(t, s, "a", 5)
	holdsIn(t, s, "b", 2)
	restock(t, s, "initial", "mug", 10)
	for _, id := range []string{"o1", "o2"} {
		if _, err := s.Reserve(t.Context(), reserveOf(id, "mug")); err != nil {
			t.Fatal(err)
		}
	}
	keys := s.keys.of(mustStock(""))
	hourAgo := redis.Z{Score: float64(only(s).clock.now() - time.Hour.Milliseconds()), Member: "o1"}
	if err := s.client.ZAdd(t.Context(), keys.committed(), hourAgo).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.maintenance.scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats := s.Stats()
	if stats.DueHolds != 7 || stats.Stocks != 3 || stats.ScanTime.IsZero() ||
		stats.OldestCommitted < time.Hour || stats.OldestCommitted > time.Hour+time.Minute {
		t.Errorf("got %+v", stats)
	}
}

// TestStore_AClockThatStepsIsAlarmed lets the clock by which scripts decide jump.
func TestStore_AClockThatStepsIsAlarmed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := openReal(t, Options{
		clock: testClock, quiet: true, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	at := time.Now()
	for n, step := range []time.Duration{0, 900 * time.Millisecond, 5 * time.Second, -time.Minute} {
		at = at.Add(step)
		key := s.options.Prefix + ":clock"
		if err := s.client.Set(t.Context(), key, at.UnixMilli(), 0).Err(); err != nil {
			t.Fatal(err)
		}
		restock(t, s, fmt.Sprintf("r%d", n), "mug", 1)
		stats := s.Stats()
		if (stats.ClockStepsForward > 0) != (n >= 2) || (stats.ClockStepsBackward > 0) != (n >= 3) {
			t.Errorf("after a step of %v: %+v", step, stats)
		}
	}
	told, expected := timeOf(at.Add(time.Minute).UnixMilli()), "expected="
	want := "told=" + told.Format("2006-01-02T15:04:05.000Z07:00")
	if text := log.String(); !strings.Contains(text, "level=ERROR") ||
		!strings.Contains(text, want) || !strings.Contains(text, expected) {
		t.Errorf("the log does not say %q: %s", want, text)
	}
}

// TestClock_DelaysAreNoSteps: an answer that was long on its way tells an old time.
func TestClock_DelaysAreNoSteps(t *testing.T) {
	t.Parallel()
	base := time.Now()
	at := func(seconds int) time.Time { return base.Add(time.Duration(seconds) * time.Second) }
	for name, test := range map[string]struct {
		asked, heard      int // s, of an answer that was told 100 s
		forward, backward bool
		told              int64 // s, by an answer asked at 10 s and heard at 20 s
	}{
		"told when it was asked":     {10, 10, false, false, 100},
		"on its way for ten seconds": {0, 0, false, false, 110},
		"a late answer before it":    {0, 9, false, false, 119},
		"earlier than can be":        {0, 0, false, true, 108},
		"later than can be":          {5, 9, true, false, 117},
	} {
		c := storeClock{told: 100_000, asked: at(test.asked), heard: at(test.heard)}
		c.compare(test.told*1_000, at(10), at(20))
		if forward, backward := c.steps(); (forward > 0) != test.forward ||
			(backward > 0) != test.backward {
			t.Errorf("%s: %d forward, %d backward", name, forward, backward)
		}
	}
}

// TestHolds_IdleTenThousandOfThreeLines measures how long it takes the background work to reclaim
// what runs out while nobody calls: the contract gives it a second (I6).
func TestHolds_IdleTenThousandOfThreeLines(t *testing.T) {
	t.Parallel()
	holds := sized(1_000, 10_000)
	server := startServer(t)
	s := openReal(t, Options{URL: server.URL()})
	for _, sku := range []string{"bowl", "cup", "mug"} {
		restock(t, s, "initial-"+sku, sku, int64(holds))
	}
	ids := make([]string, holds)
	var callers sync.WaitGroup
	for i := range ids {
		ids[i] = fmt.Sprintf("h%06d", i)
	}
	for chunk := range slices.Chunk(ids, (holds+127)/128) {
		callers.Go(func() {
			for _, id := range chunk {
				request := reserveOf(id, "mug")
				request.Lines = linesOf("mug", 1, "bowl", 1, "cup", 1)
				request.TTL = must(reservation.NewTTL(10 * time.Minute))
				if _, err := s.Reserve(t.Context(), request); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	callers.Wait()
	expiry := expireTogether(t, s, ids)
	var reclaimed time.Time
	eventually(t, func(ctx context.Context) error {
		reclaimed = time.Now()
		if held := heldIn(ctx, t, s, "default"); held > 0 {
			return fmt.Errorf("%d are held", held)
		}
		return nil
	})
	took := reclaimed.Sub(expiry)
	t.Logf("%d holds of three lines were gone %v after their expiry", holds, took)
	if longForm() && took > time.Second { // by itself on the machine
		t.Errorf("that is too late")
	}
}
