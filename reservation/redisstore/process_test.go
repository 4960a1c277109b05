package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// journalOf reads a stock's whole journal and its meta hash with a client of its own.
func journalOf(
	t *testing.T, client *redis.Client, keys stockKeys,
) (events []reservation.Event, meta map[string]string) {
	t.Helper()
	entries, err := client.XRange(context.Background(), keys.journal(), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		read, err := readEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, read...)
	}
	if meta, err = client.HGetAll(context.Background(), keys.meta()).Result(); err != nil {
		t.Fatal(err)
	}
	return events, meta
}

// TestStore_NoEventOfANewProcessStandsBeforeStoreChanged has two stores call one server that is
// killed and comes up again: whatever they sent to the new process before they looked at it, its
// first event begins an epoch.
func TestStore_NoEventOfANewProcessStandsBeforeStoreChanged(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	prefix := newPrefix()
	var stores [2]*Store
	for i := range stores {
		stores[i] = openReal(t, Options{
			URL: server.URL(), Prefix: prefix, CallTimeout: 500 * time.Millisecond,
		})
	}
	restock(t, stores[0], "initial", "mug", 1_000_000)
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	var acknowledged atomic.Int64
	for i := range 16 {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("o-%d-%d", i, n)
				if _, err := stores[i%2].Reserve(ctx, reserveOf(id, "mug")); err == nil {
					acknowledged.Add(1)
				}
			}
		})
	}
	more := func() {
		want := acknowledged.Load() + 100
		eventually(t, func(context.Context) error {
			if got := acknowledged.Load(); got < want {
				return fmt.Errorf("%d of %d calls are acknowledged", got, want)
			}
			return nil
		})
	}
	var killed []time.Time
	for range sized(3, 20) {
		more()
		server.Kill()
		killed = append(killed, time.Now())
		if err := server.Restart(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	more()
	stop()
	callers.Wait()
	events, meta := journalOf(t, client, stores[0].keys.of(mustStock("")))
	epoch := int64(1)
	for _, event := range events {
		isNew := len(killed) > 0 && event.Time.After(killed[0])
		if changes := event.Type == reservation.EventStoreChanged; changes != isNew {
			t.Fatalf("event %d (%s) of %v: it begins an epoch: %v, its process is new: %v",
				event.Sequence, event.Type, event.Time, changes, isNew)
		}
		if !isNew {
			continue
		}
		killed = killed[1:]
		epoch++
		began := strconv.FormatInt(event.Sequence-1, 10)
		if event.Epoch != epoch || meta[fmt.Sprintf("e%d", epoch)] != began {
			t.Errorf("epoch %d begins at %d, meta says %v", event.Epoch, event.Sequence-1, meta)
		}
	}
	if len(killed) > 0 {
		t.Errorf("%d restarts are not in the journal", len(killed))
	}
}

// TestStore_ConnectionsToTwoProcessesAtOnce lets some connections of a store lead to an old process
// and others to a new one, calls going to both: each process only ever writes under its own id.
func TestStore_ConnectionsToTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	servers := []*redis.Client{startServer(t).Client(), startServer(t).Client()}
	road := newProxy(t, servers[0].Options().Addr)
	s := openReal(t, Options{URL: road.url()})
	stocks := make([]reservation.StockID, 8)
	for i := range stocks {
		stocks[i] = mustStock(fmt.Sprintf("s%d", i))
	}
	callAll := func(round int) {
		var callers sync.WaitGroup
		for _, stock := range stocks {
			callers.Go(func() {
				request := restockOf(fmt.Sprintf("r%d", round), "mug", 1)
				request.Stock = stock
				eventually(t, func(ctx context.Context) error {
					_, err := s.Restock(ctx, request)
					return err
				})
			})
		}
		callers.Wait()
	}
	for round := range 40 {
		road.leadTo(servers[round%2].Options().Addr)
		// Half of the idle connections go, so that new ones lead to the other process.
		for _, client := range servers {
			if round%4 == 3 {
				_ = client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err()
			}
			if round%5 == 4 {
				_ = client.ScriptFlush(t.Context()).Err()
			}
		}
		callAll(round)
	}
	for _, client := range servers {
		info, err := client.Info(t.Context(), "server").Result()
		if err != nil {
			t.Fatal(err)
		}
		wrote := 0
		for _, stock := range stocks {
			_, meta := journalOf(t, client, s.keys.of(stock))
			if len(meta) == 0 {
				continue
			}
			wrote++
			id := parseInfo(info)["run_id"]
			for name, value := range meta {
				// Each lacks what the other was told, so that the stock is fenced in an epoch of its own.
				if (name == "run_id" || strings.HasPrefix(name, "p")) && value != id {
					t.Errorf("the process %s wrote as %v", id, meta)
				}
			}
		}
		if wrote == 0 {
			t.Error("no call came to one of the processes: the test shows nothing")
		}
		_ = client.Close()
	}
}
