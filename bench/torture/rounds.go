package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/books"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
)

// The histories of a round.
const (
	historiesName    = "histories"
	historiesOfKind  = 6
	historyCallers   = 6
	historyCallsEach = 24
	judgePatience    = time.Minute
)

// torture is one run.
type torture struct {
	settings

	stdout, stderr io.Writer
	began          time.Time
	programs       fault.Programs
	dir            string
	rounds         int

	results   map[string]fault.Result
	histories histories
	progress  progress
}

// run does round after round until the time is over. The error is of the setting.
func (t *torture) run(ctx context.Context) (err error) {
	fmt.Fprintf(t.stderr, "torture: seed %d, for %v\n", t.seed, t.duration)
	if t.dir, err = os.MkdirTemp("", "holdfast-torture-"); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	defer func() { _ = os.RemoveAll(t.dir) }()
	if t.programs, err = build(ctx, t.source, t.dir); err != nil {
		return err
	}
	t.results = map[string]fault.Result{}
	t.progress = newProgress(t.stderr, t.began, t.duration)
	for t.rounds == 0 || time.Since(t.began) < t.duration {
		t.rounds++
		if err := t.round(ctx); err != nil {
			t.progress.end()
			return err
		}
	}
	t.progress.end()
	return nil
}

// round does every harm once and records histories.
func (t *torture) round(ctx context.Context) error {
	for n, scenario := range fault.Scenarios() {
		if !t.isWanted(scenario.Name) {
			continue
		}
		if t.rounds > 1 && time.Since(t.began) >= t.duration {
			return nil
		}
		if err := t.fault(ctx, scenario, t.seed+uint64(1_000*t.rounds+n)); err != nil {
			return err
		}
	}
	if !t.isWanted(historiesName) {
		return nil
	}
	for n, kind := range kinds() {
		if err := t.record(ctx, kind, t.seed+uint64(1_000*t.rounds+100*(n+1))); err != nil {
			return err
		}
	}
	return nil
}

// fault runs one scenario and adds to its row what came of it. What it left is kept where something
// must not be.
func (t *torture) fault(ctx context.Context, scenario fault.Scenario, seed uint64) error {
	dir := filepath.Join(t.dir, fmt.Sprintf("%d-%s", t.rounds, scenario.Name))
	before := t.total()
	result, err := fault.Run(ctx, scenario, fault.Options{
		Programs: t.programs, Dir: dir, Duration: t.each, Callers: t.callers,
		Timeout: t.timeout, Seed: seed,
		Progress: func(_ int64, counts books.Counts) {
			now := before
			now.Add(counts)
			t.progress.tell(t.rounds, scenario.Name, now)
		},
	})
	if err != nil {
		return errors.Join(err, ctx.Err())
	}
	for n, finding := range result.Findings {
		result.Findings[n] = fmt.Sprintf("%s, round %d: %s", scenario.Name, t.rounds, finding)
	}
	if !result.IsWell() {
		kept := filepath.Join(t.keep, filepath.Base(dir))
		if err := os.CopyFS(kept, os.DirFS(dir)); err == nil {
			result.Findings = append(result.Findings, "its data and logs are in "+kept)
		}
	}
	row := t.results[scenario.Name]
	row.Injected += result.Injected
	row.Add(result.Counts)
	row.Expected += result.Expected
	row.Notes = result.Notes // those of the last round
	row.Findings = append(row.Findings, result.Findings...)
	t.results[scenario.Name] = row
	t.progress.tell(t.rounds, scenario.Name, t.total())
	return os.RemoveAll(dir)
}

func (t *torture) record(ctx context.Context, kind historyKind, seed uint64) error {
	t.progress.tell(t.rounds, kind.String()+" histories", t.total())
	dir := filepath.Join(t.dir, fmt.Sprintf("%d-%s", t.rounds, kind))
	found, err := runHistories(ctx, historyOptions{
		programs: t.programs, dir: dir, keep: t.keep, kind: kind, rounds: historiesOfKind,
		callers: historyCallers, each: historyCallsEach, seed: seed, patience: judgePatience,
	})
	if err != nil {
		return err
	}
	t.histories.add(found)
	return os.RemoveAll(dir)
}

// total adds up what was seen so far; what a durability lets go is not lost.
func (t *torture) total() books.Counts {
	var all books.Counts
	for _, result := range t.results {
		all.Add(result.Counts)
		all.Lost -= result.Expected
	}
	return all
}
