package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// The simulation runs batchers, stores and sweepers as they are, client and all, against a Redis
// that runs the model and does harm, in a time of their own (testing/synctest). What comes to a
// store from outside, be it a caller, an answer or the end of a wait, comes at a nanosecond that
// the seed has for it, and nothing else happens until all is quiet again. So a seed gives the same
// run again, however goroutines are scheduled; only what two of them do at the same nanosecond has
// no order, and no verdict hangs on that.

const (
	simSeedVariable  = "HOLDFAST_SIM_SEED"  // replays one seed
	simSeedsVariable = "HOLDFAST_SIM_SEEDS" // how many seeds to run
	simFromVariable  = "HOLDFAST_SIM_FROM"  // the first of them
	simDefaultSeeds  = 300
	simCallTimeout   = 400 * time.Millisecond
	simCallers       = 7
	simSteps         = 9
	simStores        = 2
)

// TestSimulation runs seeds, each a run of its own.
func TestSimulation(t *testing.T) {
	t.Parallel()
	if text := os.Getenv(simSeedVariable); text != "" {
		result := simulate(t, uint64(simSetting(t, simSeedVariable, 0)))
		t.Logf("digest %x\n%s", result.digest, strings.Join(result.trace, "\n"))
		return
	}
	from, seeds := simSetting(t, simFromVariable, 1), simSetting(t, simSeedsVariable, simDefaultSeeds)
	var mu sync.Mutex
	var sum simResult
	workers := runtime.GOMAXPROCS(0)
	t.Run("seeds", func(t *testing.T) {
		for n := range workers {
			t.Run(strconv.Itoa(n), func(t *testing.T) {
				t.Parallel()
				for seed := from + n; seed < from+seeds; seed += workers {
					result := simulate(t, uint64(seed))
					if t.Failed() {
						t.Fatalf("seed %d failed; run it again with\nHOLDFAST_SIM_SEED=%d "+
							"go test -run '^TestSimulation$' -v ./reservation/redisstore", seed, seed)
					}
					mu.Lock()
					sum.add(result)
					mu.Unlock()
				}
			})
		}
	})
	t.Logf("%d seeds from %d on: %s", seeds, from, sum.String())
	if !t.Failed() {
		sum.wantEverything(t, seeds)
	}
}

// TestSimulation_ASeedGivesTheSameRunAgain holds what happened in two runs against each other.
func TestSimulation_ASeedGivesTheSameRunAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(sized(40, 1_000)) {
		first, second := simulate(t, seed), simulate(t, seed)
		if first.digest == second.digest {
			continue
		}
		for i := range min(len(first.trace), len(second.trace)) {
			if first.trace[i] != second.trace[i] {
				t.Fatalf("seed %d went two ways:\n%s\n%s", seed, first.trace[i], second.trace[i])
			}
		}
		t.Fatalf("seed %d went two ways: %d and %d entries", seed, len(first.trace), len(second.trace))
	}
}

func simSetting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, text, err)
	}
	return n
}

// simResult is what a run, or many, came to.
type simResult struct {
	digest uint64
	trace  []string
	told   [toldUnknown + 1]int
	harmed [harmKinds]int
	applied, strikes,
	batches int
}

func (r *simResult) add(other simResult) {
	for i, n := range other.told {
		r.told[i] += n
	}
	for i, n := range other.harmed {
		r.harmed[i] += n
	}
	r.applied += other.applied
	r.strikes += other.strikes
	r.batches += other.batches
}

func (r *simResult) String() string {
	text := fmt.Sprintf("%d calls decided, %d without effect, %d unknown; %d applied; %d strikes",
		r.told[toldDecided], r.told[toldNothing], r.told[toldUnknown], r.applied, r.strikes)
	for kind, n := range r.harmed {
		if n > 0 {
			text += fmt.Sprintf("; %s %d", simHarmKind(kind), n)
		}
	}
	return text
}

// wantEverything sees to it that the runs met what they are for.
func (r *simResult) wantEverything(t *testing.T, seeds int) {
	t.Helper()
	if seeds < 100 {
		return
	}
	for kind := harmSlow; kind < harmKinds; kind++ {
		if r.harmed[kind] == 0 && kind != harmCopy {
			t.Errorf("no command met %q", kind)
		}
	}
	for outcome := toldDecided; outcome <= toldUnknown; outcome++ {
		if r.told[outcome] == 0 {
			t.Errorf("nobody was told %d", outcome)
		}
	}
}

// simulate runs one seed and judges it.
func simulate(t *testing.T, seed uint64) (result simResult) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, seed)
		w.server.judge.tells = os.Getenv(simSeedVariable) != ""
		w.run()
		result = w.result()
		for _, breach := range w.server.judge.breaches {
			t.Errorf("seed %d: %s", seed, breach)
		}
	})
	return result
}

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
	for range simStores {
		store, err := Open(t.Context(), Options{
			URL: "redis://simulated:6379", CallTimeout: simCallTimeout, Retention: simRetention,
			Logger: slog.New(slog.DiscardHandler), dial: w.server.dial, mutate: simScriptText,
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
	callers.Wait()
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
			j.breach("stock %s: %d holds are due for a second and %d queues to be worked off", stock, seen.Due,
				seen.Filling)
		}
	}
}

// wantIdle sees to it that no batcher has anything left.
func (w *simWorld) wantIdle() {
	j := &w.server.judge
	for _, store := range w.stores {
		store.stocks.mu.Lock()
		for _, b := range store.stocks.batchers {
			b.mu.Lock()
			if len(b.waiting) > 0 || b.lines != 0 || b.bytes != 0 || b.running || b.users != 0 {
				j.breach("a batcher of %s has %d waiting, %d lines, %d bytes, %d users, runs: %v", b.stock,
					len(b.waiting), b.lines, b.bytes, b.users, b.running)
			}
			b.mu.Unlock()
		}
		store.stocks.mu.Unlock()
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
	r := simResult{digest: j.digest(), trace: j.trace, harmed: j.harmed, strikes: w.hits}
	for outcome, n := range j.counts {
		r.told[outcome] = n
	}
	for _, list := range j.applied {
		r.applied += len(list)
	}
	return r
}
