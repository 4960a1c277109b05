package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// simWorld is one run: a Redis, servers and callers.
type simWorld struct {
	t      *testing.T
	seed   uint64
	server *simServer
	stores []*Store
	skus   []reservation.SKU
	stocks []reservation.StockID
	calls  []*simPending // of all callers, in an order that does not hang on time
	hits   int
}

func newSimWorld(t *testing.T, seed uint64) *simWorld {
	t.Helper()
	w := &simWorld{t: t, seed: seed, server: newSimServer(seed)}
	for _, name := range []string{"default", "north"} {
		w.stocks = append(w.stocks, simMust(reservation.ParseStockID(name)))
	}
	for _, name := range []string{"DENY", "ALLOW", "limit 6", "safe"} {
		w.skus = append(w.skus, simMust(reservation.ParseSKU(name)))
	}
	w.fill()
	w.server.judge.calm = true // a server that cannot start says so and ends
	for n := range simStores {
		store, err := Open(t.Context(), Options{
			URL: "redis://simulated:6379", CallTimeout: simCallTimeout, Retention: simRetention,
			Logger: slog.New(slog.DiscardHandler), dial: w.server.dialer(n), mutate: simScriptText,
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		w.stores = append(w.stores, store)
	}
	w.server.locked(func() { w.server.judge.calm = false })
	return w
}

// fill puts the stocks up, behind the servers' backs.
func (w *simWorld) fill() {
	ctx := context.Background()
	policies := []reservation.Policy{
		{LowStockThreshold: reservation.Some[int64](3)},
		{BackorderMode: reservation.Some(reservation.BackorderAllow)},
		{
			BackorderMode:  reservation.Some(reservation.BackorderAllowAndNotify),
			BackorderLimit: reservation.Some[int64](6),
			RestockTime:    reservation.Some(time.UnixMilli(1_000_000_000_000).UTC()),
		},
		{
			SafetyStock: reservation.Some[int64](1),
			Substitutes: reservation.Some([]reservation.SKU{w.skus[0], w.skus[1]}),
		},
	}
	for _, stock := range w.stocks {
		w.server.stocks = append(w.server.stocks, stock.String())
		var lines []reservation.Line
		for i, sku := range w.skus {
			_, err := w.server.model.SetPolicy(ctx, stock, sku, reservation.PolicyChange{
				Policy: policies[i], Fields: reservation.AllPolicyFields(),
			})
			if err != nil {
				w.t.Fatal(err)
			}
			lines = append(lines, reservation.Line{
				SKU: sku, Quantity: simMust(reservation.NewQuantity(int64(12 - 3*i))),
			})
		}
		_, err := w.server.model.Restock(ctx, reservation.RestockRequest{
			Stock: stock, Request: simMust(reservation.ParseRequestID("first")),
			Lines: simMust(reservation.NewLines(lines)),
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// put creates a SKU that has nothing.
func (w *simWorld) put(stock reservation.StockID, sku reservation.SKU) {
	_, err := w.server.model.SetPolicy(context.Background(), stock, sku, reservation.PolicyChange{})
	if err != nil {
		w.t.Fatal(err)
	}
}

// run lets callers, servers and harm go on until all is settled, and judges.
func (w *simWorld) run() {
	var callers, harm sync.WaitGroup
	strikes := w.server.faults.strikes()
	w.hits = len(strikes)
	harm.Go(func() {
		from := time.Now()
		for _, strike := range strikes {
			wait(strike.at - time.Since(from))
			strike.do(w.server)
		}
	})
	for n := range simCallers {
		c := &simCaller{world: w, name: n, random: rand.New(rand.NewPCG(w.seed, 100+uint64(n)))}
		for range simSteps {
			c.plan()
		}
		w.calls = append(w.calls, c.calls...)
		callers.Go(c.work)
	}
	w.await(&callers)
	harm.Wait()
	w.server.locked(func() { w.server.judge.calm = true })
	wait(5 * simCallTimeout) // whatever is on its way arrives
	w.settle()
	wait(2 * time.Second)
	w.wantSettled()
	// A retention later all is forgotten, holds have expired and been reclaimed.
	w.server.locked(func() { w.server.skew += simRetention + time.Hour })
	wait(5 * time.Second / 2) // servers look at the clock once a second
	w.wantForgotten()
	w.wantIdle()
	for _, store := range w.stores {
		if err := store.Close(context.Background()); err != nil {
			w.t.Errorf("seed %d: %v", w.seed, err)
		}
	}
	w.server.locked(w.server.judge.close)
}

// simPatience is how long a run may take, in its own time: callers and their calls take seconds.
const simPatience = 5 * time.Minute

// await waits for the callers. One who waits for ever cannot be made to end, so that the process
// must: servers go on scanning, and the bubble's time goes on.
func (w *simWorld) await(callers *sync.WaitGroup) {
	done := make(chan struct{})
	go func() {
		callers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(simPatience):
		panic(fmt.Sprintf("simulation: seed %d: callers still wait for their answers", w.seed))
	}
}

// settle has every call that no store decided made again, now that nothing is in the way.
func (w *simWorld) settle() {
	for _, call := range w.calls {
		for range 3 {
			if call.settled {
				break
			}
			call.try(w.stores[0], 0, 0)
		}
		if !call.settled {
			w.server.judge.breach("%s is not decided though nothing is in its way", call.key)
		}
	}
}

// wantSettled sees to it that figures, queues and journal agree, and that what was due is reclaimed
// and worked off.
func (w *simWorld) wantSettled() {
	j := &w.server.judge
	for _, stock := range w.stocks {
		w.server.mu.Lock()
		snapshot, err := w.server.model.Snapshot(context.Background(), stock)
		seen := w.server.indexesAt(stock, w.server.lockedNow().Add(-time.Second))
		w.server.mu.Unlock()
		if err != nil {
			w.t.Fatal(err)
		}
		for _, problem := range storetest.Problems(snapshot) {
			j.breach("stock %s: %s", stock, problem)
		}
		if seen.Due > 0 || seen.Filling > 0 {
			j.breach("stock %s: %d holds are due for a second, %d queues to be worked off", stock,
				seen.Due, seen.Filling)
		}
	}
}

// wantIdle sees to it that no batcher has anything left.
func (w *simWorld) wantIdle() {
	j := &w.server.judge
	for _, store := range w.stores {
		store.stocks.mu.Lock()
		batchers := slices.Collect(maps.Values(store.stocks.batchers))
		store.stocks.mu.Unlock()
		for _, b := range batchers {
			b.mu.Lock()
			if len(b.waiting) > 0 || b.lines != 0 || b.bytes != 0 || b.running || b.users != 0 {
				j.breach("a batcher of %s has %d waiting, %d lines, %d bytes, %d users, runs: %v", b.stock,
					len(b.waiting), b.lines, b.bytes, b.users, b.running)
			}
			b.mu.Unlock()
		}
	}
}

// wantForgotten sees to it that what is past its retention is forgotten.
func (w *simWorld) wantForgotten() {
	for _, stock := range w.stocks {
		w.server.locked(func() {
			seen, now := w.server.indexes(stock), w.server.lockedNow()
			if seen.Due > 0 || simIsOver(seen.Finished, now) || simIsOver(seen.Requests, now) {
				w.server.judge.breach("stock %s: at %v there is to do: %+v", stock, now, seen)
			}
		})
	}
}

func (w *simWorld) result() simResult {
	j := &w.server.judge
	r := simResult{
		digest: j.digest(), trace: j.trace, told: j.counts, harmed: j.harmed, strikes: w.hits,
	}
	for _, list := range j.applied {
		r.applied += len(list)
	}
	return r
}
