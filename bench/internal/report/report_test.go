package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

func sample() *report.Report {
	return &report.Report{
		Commit: "0123456789", Command: "bench", Started: time.Unix(0, 0), Took: time.Minute,
		Claims: []report.Claim{
			{
				Bar: "B2", What: "ours ÷ postgres", Bound: stats.AtLeast(5),
				Values: []float64{6, 7, 5, 4, 8},
				Arms:   []report.Arm{{Name: "ours", Unit: "calls/s", Values: []float64{21_234.4}}},
			},
			{Bar: "B5", What: "lone caller", Bound: stats.AtMost(1.1), Values: []float64{1, 2}},
			{Bar: "B9", What: "stream", Bound: stats.AtLeast(1.5), NotRun: "is not there"},
			{Bar: "B4", What: "plain script", Unit: "µs", Values: []float64{123.4}},
		},
		Curves: []report.Curve{{Arm: "ours", Points: []report.Point{
			{Offered: 100, Answered: 100, P50: time.Millisecond, P99: 2 * time.Millisecond},
			{Offered: 200, Answered: 190, P50: 2 * time.Millisecond, P99: 9 * time.Millisecond},
		}}},
	}
}

func TestClaim_VerdictSaysWhatFourOfFivePairsSay(t *testing.T) {
	want := []string{report.Holds, report.Missed, report.NotRun, report.Reported}
	for i, claim := range sample().Claims {
		if got := claim.Verdict(); got != want[i] {
			t.Errorf("%s: verdict is %q, want %q", claim.What, got, want[i])
		}
	}
}

func TestReport_TableTellsBoundMedianSpreadAndArms(t *testing.T) {
	row := ""
	for line := range strings.Lines(sample().Markdown()) {
		if strings.Contains(line, "B2") {
			row = line
		}
	}
	for _, want := range []string{"≥ 5", "6.00", "4.00–8.00", "4/5", "holds", "ours 21,234 calls/s"} {
		if !strings.Contains(row, want) {
			t.Errorf("the row has no %q: %s", want, row)
		}
	}
}

func TestReport_IsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	wrote := sample()
	if err := wrote.Write(dir); err != nil {
		t.Fatal(err)
	}
	read, err := report.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read.Markdown(), wrote.Markdown(); got != want {
		t.Errorf("read back\n%s\nnot\n%s", got, want)
	}
	plot, err := os.ReadFile(filepath.Join(dir, "latency.svg"))
	if err != nil || !bytes.Contains(plot, []byte("<svg")) {
		t.Errorf("the plot is no SVG (%v)", err)
	}
}

func TestPasted_ReplacesWhatStandsBetweenTheMarks(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "kept")
	if err := sample().Write(dir); err != nil {
		t.Fatal(err)
	}
	const text = "before\n<!-- results: none -->\nstale\n<!-- end of results -->\nafter\n"
	once, err := report.Pasted(text, home, dir)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(once, "stale") || !strings.HasPrefix(once, "before\n") ||
		!strings.HasSuffix(once, "-->\nafter\n") || report.PastedFrom(once) != "kept" {
		t.Errorf("pasted\n%s", once)
	}
	if twice, err := report.Pasted(once, home, dir); err != nil || twice != once {
		t.Errorf("pasted again (%v)\n%s", err, twice)
	}
	if _, err := report.Pasted("no marks", home, dir); err == nil {
		t.Error("a document without marks was taken")
	}
}

// TestDocument_HasTheResultsThatItNames keeps docs/benchmarks.md from saying anything that was not
// measured.
func TestDocument_HasTheResultsThatItNames(t *testing.T) {
	document := filepath.Join("..", "..", "..", "docs", "benchmarks.md")
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	from := report.PastedFrom(string(text))
	if from == "" {
		if !strings.Contains(string(text), "<!-- results: none -->") {
			t.Error("the document has no place for results")
		}
		return
	}
	home := filepath.Dir(document)
	pasted, err := report.Pasted(string(text), home, filepath.Join(home, from))
	if err != nil {
		t.Fatal(err)
	}
	if pasted != string(text) {
		t.Errorf("docs/benchmarks.md is not what %s says: run make bench-docs RESULTS=…", from)
	}
}
