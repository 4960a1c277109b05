package redisstore

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// longForm says whether tests run at the sizes of `make torture` instead of those of `make test`.
func longForm() bool { return os.Getenv("HOLDFAST_LONG") != "" }

// sized returns short, or long in the long form.
func sized(short, long int) int {
	if longForm() {
		return long
	}
	return short
}

// reserveMany reserves one unit of a SKU for each id, by many callers at once.
func reserveMany(t *testing.T, s *Store, sku string, ids []string, ttl time.Duration) {
	t.Helper()
	hold := reservation.TTL{}
	if ttl > 0 {
		hold = must(reservation.NewTTL(ttl))
	}
	next := make(chan string)
	var callers sync.WaitGroup
	for range 128 {
		callers.Go(func() {
			for id := range next {
				request := reserveOf(id, sku)
				request.TTL = hold
				if _, err := s.Reserve(context.Background(), request); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	callers.Wait()
}

// setMode sets a SKU's backorder mode.
func setMode(t testing.TB, s *Store, sku string, mode reservation.BackorderMode) {
	t.Helper()
	_, err := s.SetPolicy(context.Background(), mustStock(""), mustSKU(sku), reservation.PolicyChange{
		Policy: reservation.Policy{BackorderMode: reservation.Some(mode)},
		Fields: []reservation.PolicyField{reservation.FieldBackorderMode},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func figuresOf(ctx context.Context, t *testing.T, s *Store, sku string) reservation.Item {
	t.Helper()
	answer, err := s.Items(ctx, mustStock(""), []reservation.SKU{mustSKU(sku)})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Items[0]
}

// backordersOf pages through a SKU's whole queue.
func backordersOf(t *testing.T, s *Store, sku string) []reservation.Backorder {
	t.Helper()
	var all []reservation.Backorder
	request := reservation.BackordersRequest{
		Stock: mustStock(""), SKU: reservation.Some(mustSKU(sku)), Limit: 1000,
	}
	for {
		page, err := s.Backorders(context.Background(), request)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Backorders...)
		if !page.Next.Set {
			return all
		}
		request.After = page.Next.Value
	}
}

// TestBacklog_OneRestockFillsTheFirstInOrder has many waiting and one Restock that covers nine
// tenths: the first nine tenths are filled, each once and in order, no script runs long, and other
// callers are served meanwhile.
func TestBacklog_OneRestockFillsTheFirstInOrder(t *testing.T) {
	t.Parallel()
	waiting := sized(2_000, 10_000)
	server := startServer(t)
	s := openReal(t, Options{URL: server.URL()})
	restock(t, s, "first", "mug", 1)
	restock(t, s, "other", "bowl", 1_000_000)
	setMode(t, s, "mug", reservation.BackorderAllow)
	ids := make([]string, waiting+1)
	for i := range ids {
		ids[i] = fmt.Sprintf("o%06d", i)
	}
	reserveMany(t, s, "mug", ids, 0)
	queue := backordersOf(t, s, "mug")
	if len(queue) != waiting {
		t.Fatalf("%d wait, want %d", len(queue), waiting)
	}
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	slowOver(t, client, 5*time.Millisecond)

	ctx := t.Context()
	busy, stop := context.WithCancel(ctx)
	var neighbour sync.WaitGroup
	served := 0
	neighbour.Go(func() {
		for ; busy.Err() == nil; served++ {
			request := reserveOf(fmt.Sprintf("n%06d", served), "bowl")
			if _, err := s.Reserve(ctx, request); err != nil {
				t.Errorf("a neighbour: %v", err)
				return
			}
		}
	})
	covered := waiting * 9 / 10
	restock(t, s, "second", "mug", int64(covered))
	if item := figuresOf(ctx, t, s, "mug"); item.Backordered() != int64(waiting-covered) {
		t.Errorf("right after the restock %d wait, want %d", item.Backordered(), waiting-covered)
	}
	eventually(t, func(ctx context.Context) error {
		if item := figuresOf(ctx, t, s, "mug"); item.Filling > 0 {
			return fmt.Errorf("%d are still filling", item.Filling)
		}
		return nil
	})
	stop()
	neighbour.Wait()
	if served == 0 {
		t.Error("no neighbour was served")
	}
	wantFast(t, client)
	if left := backordersOf(t, s, "mug"); !slices.EqualFunc(left, queue[covered:],
		func(a, b reservation.Backorder) bool { return a.ID == b.ID }) {
		t.Errorf("%d wait, want exactly the last %d of the queue", len(left), waiting-covered)
	}
	wantFilledOnce(t, s, queue[:covered])
}

// slowOver makes the server note every command that takes longer.
func slowOver(t *testing.T, client *redis.Client, limit time.Duration) {
	t.Helper()
	ctx := context.Background()
	err := client.ConfigSet(ctx, "slowlog-log-slower-than", fmt.Sprint(limit.Microseconds())).Err()
	if err == nil {
		err = client.Do(ctx, "SLOWLOG", "RESET").Err()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantFast notes every script that the server noted as slow. On a machine that is busy with other
// tests a script may be put aside in its midst, so that only the long form, run alone, fails by it.
func wantFast(t *testing.T, client *redis.Client) {
	t.Helper()
	slow, err := client.SlowLogGet(context.Background(), 100).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range slow {
		if longForm() {
			t.Errorf("a command took %v: %.60v", entry.Duration, entry.Args)
		} else {
			t.Logf("a command took %v: %.60v", entry.Duration, entry.Args)
		}
	}
}

// wantFilledOnce holds the journal's fills against the entries that should have been filled, in
// order.
func wantFilledOnce(t *testing.T, s *Store, want []reservation.Backorder) {
	t.Helper()
	ctx := context.Background()
	key := s.keys.of(mustStock("")).journal()
	entries, err := s.client.XRange(ctx, key, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	filled := 0
	for _, entry := range entries {
		events, err := readEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range events {
			if event.Type != reservation.EventBackorderFilled {
				continue
			}
			if filled >= len(want) || want[filled].ID != event.Reservation {
				t.Fatalf("fill %d went to %s", filled, event.Reservation)
			}
			filled++
		}
	}
	if filled != len(want) {
		t.Errorf("%d fills, want %d", filled, len(want))
	}
}

// TestHolds_ManyRunOutAtOnce has many holds that run out in the same second while Reserve goes on:
// all are reclaimed in time, each once, none early, and an order that arrives meanwhile is not
// backordered for want of units that only an expired hold keeps.
func TestHolds_ManyRunOutAtOnce(t *testing.T) {
	t.Parallel()
	holds := sized(5_000, 100_000)
	server := startServer(t)
	s := openReal(t, Options{URL: server.URL()})
	restock(t, s, "all", "mug", int64(holds))
	restock(t, s, "other", "bowl", 1_000_000)
	setMode(t, s, "mug", reservation.BackorderAllow)
	ids := make([]string, holds)
	for i := range ids {
		ids[i] = fmt.Sprintf("h%06d", i)
	}
	began := time.Now()
	reserveMany(t, s, "mug", ids, 10*time.Minute)
	t.Logf("%d holds made in %v", holds, time.Since(began))
	expiry := expireTogether(t, s, ids)
	awaitClock(t, s, expiry)
	// The first order after the expiry asks for everything: every hold must be reclaimed for it.
	request := reserveOf("late", "mug")
	request.Lines = linesOf("mug", int64(holds))
	eventually(t, func(ctx context.Context) error {
		answer, err := s.Reserve(ctx, request)
		if err == nil && answer.Reservation.IsBackordered() {
			t.Error("it was backordered for want of units that expired holds keep")
		}
		return err
	})
	reclaimed := time.Since(expiry)
	t.Logf("all reclaimed %v after the expiry", reclaimed)
	if reclaimed > 10*time.Second {
		t.Errorf("reclaiming took %v", reclaimed)
	}
	wantExpiredOnce(t, s, holds, expiry)
}

// expireTogether sets the expiry of all holds to one moment soon, as Extend would, and returns it.
func expireTogether(t *testing.T, s *Store, ids []string) time.Time {
	t.Helper()
	at := time.Now().Add(3 * time.Second).Truncate(time.Millisecond)
	expireAt(t, s, ids, at)
	return at
}

func expireAt(t *testing.T, s *Store, ids []string, at time.Time) {
	t.Helper()
	expireIn(t, s, mustStock(""), ids, at)
}

// expireIn sets the expiry of fresh holds of a stock, in their records and their index.
func expireIn(
	t *testing.T, s *Store, stock reservation.StockID, ids []string, at time.Time,
) {
	t.Helper()
	ctx := context.Background()
	keys := s.keys.of(stock)
	state := fmt.Sprintf("%d 1 %d 0 0 0", reservation.StateHeld, at.UnixMilli())
	for chunk := range slices.Chunk(ids, 1000) {
		pipe := s.client.Pipeline()
		for _, id := range chunk {
			pipe.HSet(ctx, keys.reservation(mustID(id)).String(), "s", state)
			pipe.ZAdd(ctx, keys.held(), redis.Z{Score: float64(at.UnixMilli()), Member: id})
		}
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitClock waits until the store's clock has come to a moment, with Reserves going on.
func awaitClock(t *testing.T, s *Store, at time.Time) {
	t.Helper()
	for n := 0; ; n++ {
		answer, err := s.Reserve(context.Background(), reserveOf(fmt.Sprintf("n%06d", n), "bowl"))
		if err != nil {
			t.Fatal(err)
		}
		if !answer.StoreTime.Before(at) {
			return
		}
	}
}

// wantExpiredOnce holds that the journal has exactly one EXPIRED for each hold, none before its
// time. It reads the part that the journal still has.
func wantExpiredOnce(t *testing.T, s *Store, holds int, expiry time.Time) {
	t.Helper()
	ctx := context.Background()
	entries, err := s.client.XRange(ctx, s.keys.of(mustStock("")).journal(), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[reservation.ReservationID]bool)
	for _, entry := range entries {
		events, err := readEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range events {
			if event.Type != reservation.EventExpired {
				continue
			}
			if seen[event.Reservation] {
				t.Errorf("%s expired twice", event.Reservation)
			}
			if event.Time.Before(expiry) {
				t.Errorf("%s expired %v early", event.Reservation, expiry.Sub(event.Time))
			}
			seen[event.Reservation] = true
		}
	}
	if len(seen) != holds {
		t.Errorf("%d expired, want %d", len(seen), holds)
	}
}
