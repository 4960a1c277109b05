package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

// mutant is a server from which a mechanism was taken out that a guarantee needs.
type mutant struct {
	name    string
	changes []rig.Change
	// finder is the fault, or the kind of histories, that must find it.
	finder string
	redis  []string
}

// mutants is the list. Add one with each guarantee.
func mutants() []mutant {
	const store = "reservation/redisstore/"
	return []mutant{
		{
			name: "calls that come too late are done", finder: "late-request",
			changes: []rig.Change{{
				File: store + "send.go", Pattern: `op\.encode\(e, ([\w.]+)\)`,
				New: "op.encode(e, ${1}+3_600_000)",
			}},
		},
		{
			name: "a request that is sent again is done again", finder: "answer-lost",
			changes: []rig.Change{{
				File: store + "lua/include/requests.lua", Pattern: `if fields\[1\] and`,
				New: "if false and",
			}},
		},
		{
			name: "who sends a request again is not recognised", finder: "calm",
			changes: []rig.Change{{
				File: store + "lua/include/requests.lua", Pattern: `if fields\[1\] and`,
				New: "if false and",
			}},
		},
		{
			name: "a lost answer is told as nothing done", finder: "answer-lost",
			changes: []rig.Change{{
				File:    store + "batcher.go",
				Pattern: `reservation\.ReasonOutcomeUnknown, SettlesAt: timeOf\(notAfter \+ 1\)`,
				New:     "reservation.ReasonStoreUnavailable",
			}},
		},
		{
			name:   "a store that keeps nothing is taken for one that does",
			finder: "redis-killed-fsync", redis: []string{"--appendonly", "no"},
			changes: []rig.Change{{
				File: store + "health.go", Pattern: `settings\["appendonly"\] != "yes"`, New: "false",
			}},
		},
		{
			name: "a store that lost what it acknowledged goes on granting", finder: "redis-killed-none",
			changes: []rig.Change{{
				File:    store + "lua/include/fence.lua",
				Pattern: `if seen_sequence > 0 and not restoring and`, New: "if false and",
			}},
		},
		{
			name: "a store that kept everything is fenced", finder: "redis-killed-fsync",
			changes: []rig.Change{{
				File: store + "lua/include/fence.lua", Pattern: `or seen_sequence > kept then`,
				New: "or seen_sequence >= kept then",
			}},
		},
		{
			name: "what no replica has is acknowledged", finder: "failover-replica",
			changes: []rig.Change{{
				File: store + "replica.go", Pattern: `if op\.wantsReplicas\(\) \{`, New: "if op == nil {",
			}},
		},
		{
			name: "callers of one batch get each other's answers", finder: "calm",
			changes: []rig.Change{{
				File: store + "send.go", Pattern: `r\.open\(now, replies\[i\]\)`,
				New: "r.open(now, replies[len(replies)-1-i])",
			}},
		},
	}
}

// TestMutants_AreFound has each found by what is to find it, in the long form (make mutants); in
// the short one it sees to it that the list fits the source.
func TestMutants_AreFound(t *testing.T) {
	t.Parallel()
	builder, err := rig.NewBuilder(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants() {
		if err := builder.Check(m.changes...); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	if os.Getenv("HOLDFAST_LONG") == "" || t.Failed() {
		return
	}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			program, err := builder.Build(t.Context(), strings.ReplaceAll(m.name, " ", "-"),
				m.changes...)
			if err != nil {
				t.Fatal(err)
			}
			findings := m.find(t, program)
			if len(findings) == 0 {
				t.Fatalf("%s does not find it", m.finder)
			}
			t.Log(findings[0])
		})
	}
}

// find runs what is to find the mutant.
func (m mutant) find(t *testing.T, program string) []string {
	t.Helper()
	seed := seedOf(t)
	scenario, isFault := fault.Named(m.finder)
	if isFault {
		result, err := fault.Run(t.Context(), scenario, fault.Options{
			Programs: fault.Programs{Server: program}, Dir: t.TempDir(), Duration: 8 * time.Second,
			Callers: 8, Timeout: 500 * time.Millisecond, Seed: seed, RedisArguments: m.redis,
		})
		if err != nil {
			t.Fatal(err)
		}
		return result.Findings
	}
	for _, kind := range kinds() {
		if kind.String() == m.finder {
			found, err := runHistories(t.Context(), historyOptions{
				programs: fault.Programs{Server: program}, dir: t.TempDir(), keep: t.TempDir(),
				kind: kind, rounds: 4, callers: 6, each: 20, seed: seed, patience: 10 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			return found.Findings
		}
	}
	t.Fatalf("there is no %s", m.finder)
	return nil
}
