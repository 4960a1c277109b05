// Command bench measures Holdfast against what it must reach, and beside what a shop would build
// instead. `make bench` runs it; see docs/benchmarks.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
)

type grammar struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Measure the bars (the default)."`
	Paste pasteCommand `cmd:"" help:"Put kept results into docs/benchmarks.md."`

	Serve serveCommand `cmd:"" hidden:"" help:"Serve an arm; started by run."`
	Load  loadCommand  `cmd:"" hidden:"" help:"Send load; started by run."`
}

type serveCommand struct{}

// Run is a server's process.
func (serveCommand) Run(ctx context.Context) error { return arm.Work(ctx, os.Stdin, os.Stdout) }

type loadCommand struct{}

// Run is a load generator's process.
func (loadCommand) Run(ctx context.Context) error { return load.Serve(ctx, os.Stdin, os.Stdout) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops what was started, in order; the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	parsed := kong.Parse(&grammar{}, kong.Name("bench"),
		kong.Description("Measures Holdfast against what it must reach."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
