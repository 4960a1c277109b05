package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/history"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

// historyKind is what goes on while a history is recorded.
type historyKind uint8

const (
	calm      historyKind = iota // nothing: every outcome is known
	expiring                     // holds run out
	disturbed                    // answers are lost, connections break, servers are killed
)

func kinds() []historyKind { return []historyKind{calm, expiring, disturbed} }

// String returns the kind's name.
func (k historyKind) String() string {
	switch k {
	case calm:
		return "calm"
	case expiring:
		return "expiring"
	case disturbed:
		return "disturbed"
	}
	return "unknown"
}

// histories are recordings on one rig, and what was found of them.
type histories struct {
	Judged, Operations, Open, Undecided, Illegal int64

	Notes    []string
	Findings []string
}

func (h *histories) add(other histories) {
	h.Judged += other.Judged
	h.Operations += other.Operations
	h.Open += other.Open
	h.Undecided += other.Undecided
	h.Illegal += other.Illegal
	h.Notes = append(h.Notes, other.Notes...)
	h.Findings = append(h.Findings, other.Findings...)
}

// historyOptions say how much is recorded.
type historyOptions struct {
	programs fault.Programs
	dir      string // for data and logs
	keep     string // where histories go that are illegal
	kind     historyKind
	rounds   int
	callers  int
	each     int
	seed     uint64
	patience time.Duration // of the judge, for one stock
}

// recordTimeout is how long a recorded caller waits for an answer.
const recordTimeout = time.Second

// runHistories records and judges. The error is of the setting, not of what is tested.
func runHistories(ctx context.Context, o historyOptions) (h histories, err error) {
	r, err := rig.Start(ctx, rig.Options{
		Dir: o.dir, Programs: []string{o.programs.Server, o.programs.Server}, Durability: "fsync",
	})
	if err != nil {
		return h, err
	}
	for round := range o.rounds {
		seed := o.seed + uint64(round)
		recorded, err := o.record(ctx, r, seed)
		if err != nil {
			return h, errors.Join(err, r.Close())
		}
		for stock, operations := range recorded.Stocks {
			name := fmt.Sprintf("%s-seed-%d-%s", o.kind, seed, stock)
			j, err := o.court(name).Judge(ctx, operations)
			if err != nil {
				return h, errors.Join(err, r.Close())
			}
			h.take(j, name)
		}
	}
	h.Findings = append(h.Findings, r.Alarms()...)
	return h, r.Close()
}

// court says how a history of this kind is judged.
func (o historyOptions) court(name string) history.Court {
	return history.Court{
		Sweeps: o.kind == expiring, Resends: o.kind == disturbed, Patience: o.patience,
		Dir: o.keep, Name: name,
	}
}

// record records one history, disturbed or not.
func (o historyOptions) record(
	ctx context.Context, r *rig.Rig, seed uint64,
) (history.History, error) {
	plan := history.Plan{
		Clients: r.Clients, Callers: o.callers, Each: o.each,
		Stocks:  []string{fmt.Sprintf("s%d-a", seed), fmt.Sprintf("s%d-b", seed)},
		Timeout: recordTimeout, Seed: seed, Expiring: o.kind == expiring,
		Disturbed: o.kind == disturbed,
	}
	if o.kind != disturbed {
		return history.Record(ctx, plan)
	}
	harming, stop := context.WithCancel(ctx)
	harmed := make(chan error, 1)
	go func() { harmed <- fault.Disturb(harming, r, recordTimeout, seed) }()
	recorded, err := history.Record(ctx, plan)
	stop()
	return recorded, errors.Join(err, <-harmed)
}

func (h *histories) take(j history.Judgement, name string) {
	h.Judged++
	h.Operations += int64(j.Operations)
	h.Open += int64(j.Open)
	switch j.Verdict {
	case history.Linearizable:
	case history.Undecided:
		h.Undecided++
		h.Notes = append(h.Notes, fmt.Sprintf("history %s: %s", name, j.Reason))
	case history.Illegal:
		h.Illegal++
		h.Findings = append(h.Findings, fmt.Sprintf(
			"no order explains the history %s (%d calls): see %s and, in a browser, %s", name,
			j.Operations, relative(j.Files[0]), relative(j.Files[1])))
	}
}

// relative returns a path as it is seen from here where that is shorter.
func relative(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}
