package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit statuses.
const (
	exitDone        = 0
	exitRefused     = 1
	exitUsage       = 2
	exitUnavailable = 3
)

const description = `Reserves inventory for checkouts: the server, and a client for people.

Flags win over variables of the environment, and these over the defaults.

Exit statuses: 0 done; 1 refused (by the contract, or what was asked cannot be had), or failed;
2 what was said is wrong: the command line, the configuration (also a Redis that is not set up as
it must be), or a request that breaks a limit (INVALID_REQUEST); 3 no server answers, or it asks to
come back later: what a command sends may be sent again with the same id.`

// grammar is the command line.
type grammar struct {
	Serve serveCommand `cmd:"" help:"Run the server."`

	Reserve      reserveCommand      `cmd:"" help:"Reserve units for an order, or hold them for a cart."`
	Commit       commitCommand       `cmd:"" help:"Make a hold firm: the order is placed."`
	Extend       extendCommand       `cmd:"" help:"Count the expiry of a hold anew from now."`
	Release      releaseCommand      `cmd:"" help:"Give units of a reservation back, all or some."`
	Fulfill      fulfillCommand      `cmd:"" help:"Ship units of a committed reservation, all or some."`
	Get          getCommand          `cmd:"" help:"Show a reservation as it is now."`
	Reservations reservationsCommand `cmd:"" help:"List the reservations that are in one state."`
	Check        checkCommand        `cmd:"" help:"Ask what reserve would answer; reserves nothing. Exit status 1 when it would refuse."`

	Restock    restockCommand    `cmd:"" help:"Add units that arrived; waiting backorders are filled first."`
	Adjust     adjustCommand     `cmd:"" help:"Correct on hand by so many units: damage, loss, a return."`
	Count      countCommand      `cmd:"" help:"Set on hand to what a physical count found."`
	Backorders backordersCommand `cmd:"" help:"List who waits for units, in the order in which they will be served."`
	Stock      stockCommands     `cmd:"" help:"Show the figures of SKUs, delete a SKU."`
	Policy     policyCommands    `cmd:"" help:"Show and set what may be promised of a SKU, or of all SKUs of a stock by default."`

	Watch   watchCommand   `cmd:"" help:"Print what happens in a stock as it happens."`
	Audit   auditCommand   `cmd:"" help:"Look for breaches of what always holds in a live stock. Exit status 1 when there are any."`
	Repair  repairCommand  `cmd:"" help:"Count a SKU's figures anew from its reservations; mends them with --apply."`
	Fence   fenceCommands  `cmd:"" help:"Show what a stock has lost of what was acknowledged, and let it grant again."`
	Export  exportCommand  `cmd:"" help:"Write all of a stock, as of one moment, to standard output."`
	Restore restoreCommand `cmd:"" help:"Build an empty stock from an export on standard input."`
	Replay  replayCommand  `cmd:"" help:"Send a real order history through a running server."`

	Version kong.VersionFlag `help:"Show the version and stop."`
}

// session is what a command has of the world around it.
type session struct {
	ctx            context.Context // kong's Run methods take one argument
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // whether stderr is one
}

// usageError is a command line or a configuration that is wrong.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, arguments ...any) error {
	return &usageError{fmt.Sprintf(format, arguments...)}
}

// statusError ends a command that has said already what there is to say.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run runs one command line and returns the exit status.
func run(ctx context.Context, arguments []string, s session) int {
	s.ctx = ctx
	if len(arguments) == 0 {
		arguments = []string{"--help"}
	}
	var commands grammar
	command, answered, err := commands.parse(arguments, s.stdout, s.stderr)
	switch {
	case answered:
		return exitDone
	case err != nil:
		return s.report(&usageError{err.Error()})
	}
	return s.report(command.Run(&s))
}

// parse reads a command line and the environment; answered says that --help or --version was all.
func (g *grammar) parse(
	arguments []string, stdout, stderr io.Writer,
) (command *kong.Context, answered bool, err error) {
	parser, err := kong.New(g,
		kong.Name("holdfast"), kong.Description(description),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { answered = true }),
		kong.Vars{"version": version()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		panic(fmt.Sprintf("the command line's grammar is fixed: %v", err))
	}
	command, err = parser.Parse(arguments)
	return command, answered, err
}

// report writes an error for a person and returns the exit status that it stands for.
func (s *session) report(err error) int {
	if err == nil {
		return exitDone
	}
	var exit statusError
	var call *callError
	var usage *usageError
	switch {
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &call):
		return call.write(s.stderr)
	case errors.As(err, &usage):
		message := strings.TrimSuffix(usage.message, ".")
		fmt.Fprintf(s.stderr, "holdfast: %s; see `holdfast --help`\n", message)
		return exitUsage
	}
	fmt.Fprintf(s.stderr, "holdfast: %v\n", err)
	return exitRefused
}

// version returns the version that go install or the build put into the binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
