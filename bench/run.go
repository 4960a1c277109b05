package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/bars"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/machine"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/server"
)

// curvesName is what the plot is asked for by, beside the bars.
const curvesName = "curves"

type runCommand struct {
	Bars   []string `placeholder:"B1,B2" help:"Only these bars, and curves for the plot; default all of them."`
	Pairs  int      `default:"5" help:"Pairs a bar; default ${default}."`
	Quick  bool     `help:"A try of everything within a minute or two: one pair, small sizes. Its figures mean nothing."`
	Out    string   `placeholder:"DIR" help:"Where the results are kept; default bench/results/<date>-<commit>, of a quick try .build/bench."`
	Data   string   `placeholder:"DIR" help:"Where the stores' data lies, on the disk to be measured; default the system's directory for temporary files, unless that is in memory."`
	Orders string   `env:"HOLDFAST_ORDERS" placeholder:"FILE" help:"The real orders of B14, CSV in gzip; default ../shared/data/online-retail beside the repository."`
	Keep   bool     `help:"Keep the stores' data and logs."`
}

// Run measures.
func (c *runCommand) Run(ctx context.Context) (err error) {
	server.CollectSeldom() // of watchers, who are clients: collections are not what is measured
	chosen, curves, err := c.choose()
	if err != nil {
		return err
	}
	in, err := c.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	plan := bars.NewPlan(c.Pairs, c.Quick, c.orders(), c.progress())
	r := &report.Report{
		Commit: machine.Commit(ctx), Command: command(), Quick: c.Quick, Started: time.Now(),
	}
	c.announce(in, chosen)
	if err := c.look(ctx, in, r); err != nil {
		return err
	}
	if err := bars.SelfCheck(ctx, in, plan); err != nil {
		return err
	}
	return c.measure(ctx, in, plan, r, chosen, curves)
}

// measure measures the bars and the curves, and keeps what was found. A bar that fails does not
// keep the others from being measured.
func (c *runCommand) measure(
	ctx context.Context, in *lab.Lab, plan bars.Plan, r *report.Report, chosen []bars.Bar,
	curves bool,
) error {
	var failed error
	for _, bar := range chosen {
		before := time.Now()
		plan.Say(fmt.Sprintf("%s: %s", bar.ID, bar.Title))
		claims, err := bar.Run(ctx, in, plan)
		if err != nil {
			failed = errors.Join(failed, err)
			claims = []report.Claim{{Bar: bar.ID, What: bar.Title, NotRun: "failed: " + err.Error()}}
		}
		r.Claims = append(r.Claims, claims...)
		plan.Say(fmt.Sprintf("%s took %v", bar.ID, time.Since(before).Round(time.Second)))
		if ctx.Err() != nil {
			return errors.Join(failed, c.finish(r))
		}
	}
	if curves {
		var err error
		r.Curves, err = bars.Curves(ctx, in, plan)
		failed = errors.Join(failed, err)
	}
	return errors.Join(failed, c.finish(r))
}

// choose returns the bars that are asked for, in their order, and whether the plot is.
func (c *runCommand) choose() (chosen []bars.Bar, curves bool, err error) {
	asked := map[string]bool{}
	for _, name := range c.Bars {
		asked[strings.ToUpper(name)] = true
	}
	all := len(asked) == 0
	curves = all || asked[strings.ToUpper(curvesName)]
	delete(asked, strings.ToUpper(curvesName))
	for _, bar := range bars.All() {
		if all || asked[bar.ID] {
			chosen = append(chosen, bar)
		}
		delete(asked, bar.ID)
	}
	for name := range asked {
		return nil, false, fmt.Errorf("there is no bar %s", name)
	}
	if c.Pairs < 1 {
		return nil, false, fmt.Errorf("--pairs is %d, must be 1 or more", c.Pairs)
	}
	if c.Quick {
		c.Pairs = 1
	}
	return chosen, curves, nil
}

func (c *runCommand) open() (*lab.Lab, error) {
	parent := c.Data
	if parent == "" {
		parent = os.TempDir()
		if machine.IsInMemory(parent) {
			parent = "/var/tmp"
		}
	}
	if machine.IsInMemory(parent) {
		return nil, fmt.Errorf("%s lies in memory: name a directory on a disk with --data", parent)
	}
	return lab.Open(parent, c.Keep)
}

// progress says lines with the time since the start.
func (c *runCommand) progress() func(line string) {
	started := time.Now()
	return func(line string) {
		fmt.Fprintf(os.Stderr, "%6s  %s\n", time.Since(started).Round(time.Second), line)
	}
}

func (c *runCommand) announce(in *lab.Lab, chosen []bars.Bar) {
	var takes time.Duration
	for _, bar := range chosen {
		takes += bar.Takes
	}
	if !c.Quick {
		fmt.Fprintf(os.Stderr, "bench: %d bars, about %v; data in %s\n", len(chosen),
			takes.Round(time.Minute), in.Dir())
	}
}

// look asks the machine, its disk and the stores what they are.
func (c *runCommand) look(ctx context.Context, in *lab.Lab, r *report.Report) (err error) {
	r.Machine = machine.Look(ctx)
	probe := 2 * time.Second
	if c.Quick {
		probe /= 10
	}
	if r.Machine.Fdatasync, err = machine.ProbeDisk(in.Dir(), probe); err != nil {
		return err
	}
	programs, err := lab.FindPostgres()
	if err != nil {
		return err
	}
	if r.Machine.PgTestFsync, err = machine.PgTestFsync(ctx, programs, in.Dir()); err != nil {
		return err
	}
	r.Machine.Redis, r.Machine.Postgres, err = in.Versions(ctx)
	return err
}

// finish keeps and shows what was found, also where a bar failed.
func (c *runCommand) finish(r *report.Report) error {
	r.Took = time.Since(r.Started).Round(time.Second)
	if len(r.Claims) == 0 && len(r.Curves) == 0 {
		return nil
	}
	out := c.Out
	switch {
	case out != "":
	case c.Quick:
		out = filepath.Join(".build", "bench", "quick")
	default:
		out = filepath.Join("bench", "results",
			r.Started.UTC().Format("2006-01-02")+"-"+strings.TrimSuffix(r.Commit, "+"))
	}
	if err := r.Write(out); err != nil {
		return err
	}
	fmt.Printf("%s\n%s\nkept in %s\n", r.Origin(), r.Table(), out)
	return nil
}

// command returns what was typed, without where the program lies.
func command() string {
	words := slices.Clone(os.Args)
	words[0] = filepath.Base(words[0])
	return strings.Join(words, " ")
}

// orders returns the file of real orders, from the root of the repository unless it is named.
func (c *runCommand) orders() string {
	if c.Orders != "" {
		return c.Orders
	}
	return filepath.Join("..", "shared", "data", "online-retail", "orders-2010-12_2011-08.csv.gz")
}
