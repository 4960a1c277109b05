package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
)

// seedVariable sets the seed of a run again.
const seedVariable = "HOLDFAST_SEED"

// buildDir is where the servers lie that the tests share.
var buildDir string

// programs builds them when the first test wants them.
var programs = sync.OnceValues(func() (fault.Programs, error) {
	return build(context.Background(), "", buildDir)
})

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "holdfast-torture-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	return m.Run()
}

// programsOf returns the servers.
func programsOf(t *testing.T) fault.Programs {
	t.Helper()
	built, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// seedOf returns the seed that the environment names, or a new one.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	t.Logf("again with: %s=%d go test . -run '^%s$'", seedVariable, seed, t.Name())
	return seed
}

// TestFaults does each harm for a moment; make torture does it for as long as you like.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, scenario := range fault.Scenarios() {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			result, err := fault.Run(t.Context(), scenario, fault.Options{
				Programs: programsOf(t), Dir: t.TempDir(), Duration: 300 * time.Millisecond, Callers: 6,
				Timeout: 500 * time.Millisecond, Seed: seedOf(t), Stocks: 24,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", result.Counts)
			for _, note := range result.Notes {
				t.Log(note)
			}
			for _, finding := range result.Findings {
				t.Error(finding)
			}
		})
	}
}

// TestHistories records a few and has them judged; make torture does many.
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			found, err := runHistories(t.Context(), historyOptions{
				programs: programsOf(t), dir: t.TempDir(), keep: keptDir(t), kind: kind, rounds: 1,
				callers: 5, each: 24, seed: seedOf(t), patience: 10 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d histories, %d calls, %d open, %d undecided", found.Judged,
				found.Operations, found.Open, found.Undecided)
			for _, note := range found.Notes {
				t.Log(note)
			}
			for _, finding := range found.Findings {
				t.Error(finding)
			}
			if found.Undecided == found.Judged {
				t.Error("none of the histories was decided")
			}
		})
	}
}

// keptDir is where a test keeps histories that are illegal.
func keptDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".build", "torture"))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
