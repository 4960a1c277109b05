// Torture does to Holdfast what a bad year does, for as long as it is told to, and says what was
// lost.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/history"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

// The exit statuses.
const (
	exitWell   = 0
	exitUnwell = 1 // something was lost, doubled or wrong
	exitBroken = 2 // it could not be found out
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// settings are what the command line says.
type settings struct {
	duration time.Duration
	each     time.Duration
	seed     uint64
	only     string
	callers  int
	timeout  time.Duration
	source   string
	keep     string
	judge    string
	list     bool
}

func parse(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&s.duration, "for", time.Hour, "how long; the round under way is finished")
	flags.DurationVar(&s.each, "each", 6*time.Second, "how long each fault is injected in a round")
	flags.Uint64Var(&s.seed, "seed", rand.Uint64(), "decides what is called and when harm is done")
	flags.StringVar(&s.only, "only", "", "only these faults, by name and parted by commas; "+
		"histories is one")
	flags.IntVar(&s.callers, "callers", 12, "how many call at the same time")
	flags.DurationVar(&s.timeout, "timeout", 800*time.Millisecond, "how long a caller waits")
	flags.StringVar(&s.source, "source", "", "root of the module that the servers are built from; "+
		"empty: the one around")
	flags.StringVar(&s.keep, "keep", filepath.Join(os.TempDir(), "holdfast-torture"),
		"where histories go that nothing explains, and logs of what failed")
	flags.StringVar(&s.judge, "judge", "", "judge a history file again, and nothing else")
	flags.BoolVar(&s.list, "list", false, "list the faults, and nothing else")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("%q is not understood: see -help", flags.Arg(0))
	}
	return s, s.check()
}

func (s settings) check() error {
	switch {
	case s.duration <= 0 || s.each <= 0 || s.timeout <= 0:
		return errors.New("-for, -each and -timeout must be more than 0s")
	case s.callers < 1 || s.callers > 1_000:
		return fmt.Errorf("-callers is %d, must be 1 to 1,000", s.callers)
	}
	for _, name := range s.names() {
		if _, known := fault.Named(name); !known && name != historiesName {
			return fmt.Errorf("-only names %q: -list tells the faults", name)
		}
	}
	return nil
}

// names returns what -only names.
func (s settings) names() []string {
	return strings.FieldsFunc(s.only, func(r rune) bool { return r == ',' || r == ' ' })
}

// isWanted says whether a fault, or the histories, are to be run.
func (s settings) isWanted(name string) bool {
	return len(s.names()) == 0 || slices.Contains(s.names(), name)
}

func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	s, err := parse(arguments, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitWell
	}
	if err != nil {
		fmt.Fprintln(stderr, "torture:", err)
		return exitBroken
	}
	switch {
	case s.list:
		for _, scenario := range fault.Scenarios() {
			fmt.Fprintf(stdout, "%-32s %s\n", scenario.Name, scenario.Durability)
		}
		fmt.Fprintln(stdout, historiesName)
		return exitWell
	case s.judge != "":
		return judgeFile(ctx, s, stdout, stderr)
	}
	t := &torture{settings: s, stdout: stdout, stderr: stderr, began: time.Now()}
	if err := t.run(ctx); err != nil {
		fmt.Fprintln(stderr, "torture:", err)
		if ctx.Err() != nil {
			t.report("interrupted; until then ")
		}
		return exitBroken
	}
	if !t.report("") {
		return exitUnwell
	}
	return exitWell
}

// judgeFile judges a history that was kept. Its name tells its kind.
func judgeFile(ctx context.Context, s settings, stdout, stderr io.Writer) int {
	operations, err := history.Load(s.judge)
	if err != nil {
		fmt.Fprintln(stderr, "torture:", err)
		return exitBroken
	}
	name := strings.TrimSuffix(filepath.Base(s.judge), filepath.Ext(s.judge))
	kind := calm
	for _, one := range kinds() {
		if strings.HasPrefix(name, one.String()) {
			kind = one
		}
	}
	o := historyOptions{kind: kind, keep: s.keep, patience: judgePatience}
	found, err := o.court("again-"+name).Judge(ctx, operations)
	if err != nil {
		fmt.Fprintln(stderr, "torture:", err)
		return exitBroken
	}
	var h histories
	h.take(found, name)
	for _, said := range append(h.Notes, h.Findings...) {
		fmt.Fprintln(stdout, said)
	}
	if h.Illegal+h.Undecided > 0 {
		return exitUnwell
	}
	fmt.Fprintf(stdout, "an order explains its %d calls\n", found.Operations)
	return exitWell
}

// build builds the servers into dir from the module whose root is named; empty: the one around.
func build(ctx context.Context, root, dir string) (fault.Programs, error) {
	builder, err := rig.NewBuilder(ctx, root, dir)
	if err != nil {
		return fault.Programs{}, err
	}
	var programs fault.Programs
	if programs.Server, err = builder.Build(ctx, "holdfast"); err != nil {
		return fault.Programs{}, err
	}
	programs.Other, err = builder.Build(ctx, "holdfast-other", rig.OtherScripts())
	return programs, err
}
