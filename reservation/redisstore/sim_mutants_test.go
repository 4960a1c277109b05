package redisstore

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// simMutant is a fault put into batcher, store or sweeper. The simulation must find every one.
type simMutant struct {
	name string // what is broken
	file string
	old  string
	new  string
}

// simMutants is the list. Add one with each mechanism that a call's fate hangs on.
func simMutants() []simMutant {
	return []simMutant{
		{
			"callers of one batch get each other's answers", "send.go",
			"r.open(now, replies[i])", "r.open(now, replies[len(replies)-1-i])",
		},
		{
			"a request is sent again under another id", "restock.go",
			"e.key(e.stock.request(request.Request))",
			`e.key(keyName{e.stock.base, "req:", request.Request.String() + string(rune('a'+notAfter%26))})`,
		},
		{
			"what is not safe to repeat is sent again", "send.go",
			"op.repeatable && op.tries < maxTries", "op.tries < maxTries",
		},
		{
			"no call is too late", "send.go",
			"op.encode(e, op.sentUntil)", "op.encode(e, op.sentUntil+3_600_000)",
		},
		{
			"a call outlives its caller's deadline", "send.go",
			"left = min(left, time.Until(op.deadline))", "left = min(left, 2*s.options.CallTimeout)",
		},
		{
			"a try outlives what a caller was told who left", "operation.go",
			"return min(wanted, -bound)", "return wanted",
		},
		{
			"an unknown call settles too early", "batcher.go",
			"SettlesAt: timeOf(notAfter + 1)", "SettlesAt: timeOf(notAfter - 300)",
		},
		{
			"a lost answer is told as nothing done", "batcher.go",
			"Reason: reservation.ReasonOutcomeUnknown, SettlesAt: timeOf(notAfter + 1)",
			"Reason: reservation.ReasonStoreUnavailable",
		},
		{
			"who leaves is told that nothing was done", "batcher.go",
			"return nil, outcomeUnknown(op.leave(b.now()+b.limit.Milliseconds()), ctx.Err())",
			"return nil, gaveUp(ctx.Err())",
		},
		{
			"whoever leaves before the call is sent has it sent all the same", "batcher.go",
			"continue // its caller has left", "_ = op // its caller has left",
		},
		{
			"a refusal is final though an earlier try is on its way", "operation.go",
			"return !refused || r.code != codeTooLate && r.now > op.lostUntil", "return !refused || refused",
		},
		{
			"what is to come again is forgotten", "batcher.go",
			"again = b.send(b, batch)", "b.send(b, batch)",
		},
		{
			"a stock has several batches on their way", "batcher.go",
			"if !b.running {", "if true {",
		},
		{
			"a stock that everybody left gets another batcher beside the busy one", "batcher.go",
			"defer b.letGo(b)", "b.letGo(b)",
		},
		{
			"what was sent still counts as waiting", "batcher.go",
			"\t\tb.lines -= op.lines\n", "",
		},
		{
			"scripts that are gone are not loaded", "health.go",
			"if !loaded[i] {", "if false && !loaded[i] {",
		},
		{
			"scripts are not loaded for the process that answers", "script_set.go",
			"set != nil && set.process == process", "set != nil",
		},
		{
			"a pipeline that got no connection counts as answered", "runpipe.go",
			"if err != nil && !slices", "if false && !slices",
		},
		{
			"a script that failed is not tried request by request", "send.go",
			"if len(g.ops) == 1 {", "if len(g.ops) > 0 {",
		},
		{
			"sweepers reclaim nothing by themselves", "maintain.go",
			"p.held.Val() > 0 ||", "false &&",
		},
		{
			"sweepers forget nothing", "maintain.go",
			"purges: isDue(p.finished, now) || isDue(p.requests, now)", "purges: false",
		},
		{
			"a stock that was swept once is never swept again", "sweep.go",
			"\tm.leave(d)\n}", "}",
		},
	}
}

// TestMutants_OfTheSimulationAreFound runs the simulation against each mutant, in the long form
// (make mutants); in the short one it sees to it that the list fits the source.
func TestMutants_OfTheSimulationAreFound(t *testing.T) {
	t.Parallel()
	if os.Getenv(mutantVariable) != "" {
		t.Skip("this process is a mutant")
	}
	page, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range simMutants() {
		if !strings.Contains(string(page), "\n- "+m.name+"\n") {
			t.Errorf("docs/guarantees.md does not list %q", m.name)
		}
		t.Run(m.name, func(t *testing.T) {
			source, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(source), m.old) != 1 {
				t.Fatalf("%s does not have %q once any more: change the mutant with it", m.file, m.old)
			}
			if !longForm() {
				return
			}
			output, survived := m.run(t, strings.Replace(string(source), m.old, m.new, 1))
			if survived {
				t.Fatalf("it survived:\n%s", output)
			}
			t.Logf("%.600s", output)
		})
	}
}

// run runs the simulation with a file's text replaced.
func (m simMutant) run(t *testing.T, source string) (output string, survived bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	folder := t.TempDir()
	path, err := filepath.Abs(m.file)
	if err != nil {
		t.Fatal(err)
	}
	instead, listed := filepath.Join(folder, m.file), filepath.Join(folder, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {path: instead}})
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{instead: []byte(source), listed: list} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var printed bytes.Buffer
	run := exec.CommandContext(ctx, "go", "test", "-overlay", listed, "-timeout", "4m",
		"-run", "^TestSimulation$", ".")
	run.Env = append(os.Environ(), mutantVariable+"=simulation", "HOLDFAST_LONG=",
		// Of these seeds a few meet also what happens to one run in a thousand.
		simSeedsVariable+"=1500", simFromVariable+"=100001")
	run.Stdout, run.Stderr = &printed, &printed
	err = run.Run()
	found := strings.Contains(printed.String(), "--- FAIL") ||
		strings.Contains(printed.String(), "panic: simulation: ") ||
		strings.Contains(printed.String(), "deadlock")
	if err != nil && (ctx.Err() != nil || !found) {
		t.Fatalf("the mutant's process did not run the simulation: %v\n%s", err, &printed)
	}
	return printed.String(), err == nil
}
