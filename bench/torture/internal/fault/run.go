package fault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/books"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

const (
	// warmUp is how many calls are made before the first fault.
	warmUp = 30
	// longest is how long faults are injected at most while none is felt.
	longest = 60 * time.Second
	// recovery is how long after the last fault a server may take until it grants again.
	recovery = 20 * time.Second
)

// Programs are the servers that a run can use.
type Programs struct {
	// Server is the server as it is; Other does the same by scripts of another text.
	Server, Other string
}

// Options say how a fault is run.
type Options struct {
	Programs Programs
	// Dir is a new directory for data and logs.
	Dir string
	// Duration is how long faults are injected at least.
	Duration time.Duration
	// Callers call at the same time; each waits Timeout for an answer.
	Callers int
	Timeout time.Duration
	Seed    uint64
	// Stocks is how many stocks are spread over a cluster; 0: a hundred. Elsewhere there are two.
	Stocks int
	// RedisArguments win over those of the scenario.
	RedisArguments []string
	// Progress is told now and then what was seen so far; nil: nobody is told.
	Progress func(injected int64, counts books.Counts)
}

// Result is what came of a run.
type Result struct {
	Injected int64
	books.Counts
	// Expected is how much of Lost the durability lets go.
	Expected int64
	// Notes say what was seen; Findings what must not be.
	Notes    []string
	Findings []string
}

// IsWell says whether everything is as promised.
func (r Result) IsWell() bool { return len(r.Findings) == 0 }

// stage is where a scenario works.
type stage struct {
	*rig.Rig

	scenario Scenario
	options  Options
	random   *rand.Rand
	books    *books.Books
	result   Result
	state    any // of the scenario, from its Prepare
}

func (s *stage) notef(format string, args ...any) {
	s.result.Notes = append(s.result.Notes, fmt.Sprintf(format, args...))
}

// Run runs a scenario. The error is of the setting, not of what is tested.
func Run(ctx context.Context, scenario Scenario, options Options) (_ Result, err error) {
	programs := []string{options.Programs.Server}
	if scenario.twoVersions {
		programs = append(programs, options.Programs.Other)
	} else if scenario.servers == 2 {
		programs = append(programs, options.Programs.Server)
	}
	r, err := rig.Start(ctx, rig.Options{
		Dir: options.Dir, Programs: programs, Durability: scenario.Durability,
		Replicated: scenario.replicated, Sentinel: scenario.sentinel,
		RedisArguments: append(slices.Clone(scenario.redis), options.RedisArguments...),
		Cluster:        scenario.cluster,
	})
	if err != nil {
		return Result{}, err
	}
	s := &stage{
		Rig: r, scenario: scenario, options: options,
		random: rand.New(rand.NewPCG(options.Seed, 0)),
	}
	err = s.run(ctx)
	s.result.Findings = append(s.result.Findings, r.Alarms()...)
	s.losses()
	return s.result, errors.Join(err, r.Close())
}

// losses holds that no server tells of a loss where there is none, and each where there is one.
func (s *stage) losses() {
	for n, server := range s.Servers {
		told := server.Losses()
		switch {
		case !s.scenario.mayLose:
			s.result.Findings = append(s.result.Findings, told...)
		case len(told) == 0:
			s.result.Findings = append(s.result.Findings,
				fmt.Sprintf("the log of server %d tells of no loss", n))
		}
	}
}

func (s *stage) run(ctx context.Context) (err error) {
	var transit time.Duration
	if s.scenario.isSlow {
		transit = 2 * slowest(s.options.Timeout) // it is handed on in crumbs as well
	}
	s.books, err = books.Open(ctx, books.Options{
		Clients: s.Clients, Callers: s.options.Callers, Timeout: s.options.Timeout,
		Transit: transit, HalfCancel: s.scenario.halfCancel, Seed: s.options.Seed,
		MayLose: s.scenario.mayLose, Impatient: s.scenario.impatient, Stocks: s.stocks(),
		Resends: s.scenario.Durability == replica,
	})
	if err != nil {
		return err
	}
	if s.scenario.prepare != nil {
		if s.state, err = s.scenario.prepare(ctx, s); err != nil {
			return err
		}
	}
	s.books.Start(ctx)
	err = s.inject(ctx)
	if err == nil {
		err = s.recover(ctx)
	}
	s.books.Stop()
	if err == nil {
		err = s.settle(ctx)
	}
	s.result.Counts = s.books.Counts()
	s.result.Findings = append(s.result.Findings, s.books.Findings()...)
	if s.scenario.mayLose {
		s.result.Expected = s.result.Lost
	}
	return err
}

// settle resolves what is open and balances the books. The faults are over, so that this cannot be
// done must not be.
func (s *stage) settle(ctx context.Context) error {
	err := s.books.Settle(ctx)
	if err == nil && s.scenario.afterwards != nil {
		err = s.scenario.afterwards(ctx, s)
	}
	if err == nil {
		err = s.books.Balance(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.result.Findings = append(s.result.Findings, "after the faults: "+err.Error())
		return nil
	}
	return err
}

// inject does the scenario's harm again and again, for the time that was asked for and until it was
// felt.
func (s *stage) inject(ctx context.Context) error {
	if err := s.awaitCalls(ctx, warmUp); err != nil {
		return err
	}
	started := time.Now()
	for {
		if err := s.scenario.harm(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.scenario.Name, err)
		}
		s.result.Injected++
		if s.options.Progress != nil {
			s.options.Progress(s.result.Injected, s.books.Counts())
		}
		felt, err := s.scenario.felt(ctx, s)
		switch took := time.Since(started); {
		case err != nil:
			return err
		case felt && took >= s.options.Duration:
			return nil
		case took > longest:
			s.result.Findings = append(s.result.Findings,
				fmt.Sprintf("in %v the fault was never felt, so nothing is proved", took))
			return nil
		}
	}
}

// recover waits until calls are acknowledged again.
func (s *stage) recover(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	before := s.books.Counts().Acknowledged
	for s.books.Counts().Acknowledged < before+warmUp {
		if ctx.Err() != nil {
			s.result.Findings = append(s.result.Findings,
				fmt.Sprintf("%v after the last fault nothing is granted yet", recovery))
			return nil
		}
		rest(ctx, 5*time.Millisecond)
	}
	return nil
}

// awaitCalls waits for a number of acknowledged calls.
func (s *stage) awaitCalls(ctx context.Context, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for s.books.Counts().Acknowledged < n {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: the callers do not come to call: %w", s.scenario.Name, ctx.Err())
		}
		rest(ctx, 5*time.Millisecond)
	}
	return nil
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// dataFile is a file or folder beside the Redis' data.
func (s *stage) dataFile(name string) string { return filepath.Join(s.Redis.Dir, name) }
