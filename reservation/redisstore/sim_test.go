package redisstore

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
	simDefaultSeeds  = 100
	simCallTimeout   = 400 * time.Millisecond
	simCallers       = 7
	simSteps         = 9
	simStores        = 2
)

// TestSimulation runs seeds, each a run of its own.
func TestSimulation(t *testing.T) {
	t.Parallel()
	if text := os.Getenv(simSeedVariable); text != "" {
		simulate(t, uint64(simSetting(t, simSeedVariable, 0)))
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
	for seed := range uint64(sized(20, 1_000)) {
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
	digest  uint64
	trace   []string
	told    [toldUnknown + 1]int
	harmed  [harmKinds]int
	applied int
	strikes int
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
	if seeds < 500 {
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
		if w.server.judge.tells {
			t.Logf("digest %x\n%s", result.digest, strings.Join(result.trace, "\n"))
		}
		for _, breach := range w.server.judge.breaches {
			t.Errorf("seed %d: %s", seed, breach)
		}
	})
	return result
}
