package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/replay"
	"github.com/holdfast-dev/holdfast/reservation"
)

type replayCommand struct {
	Address        string        `default:"127.0.0.1:50051" env:"HOLDFAST_ADDRESS" placeholder:"HOST:PORT" help:"Where the server listens; default ${default}."`
	Stock          string        `default:"replay" placeholder:"ID" help:"The stock; best one of its own. Default \"${default}\"."`
	RunName        string        `default:"replay" name:"run" placeholder:"NAME" help:"Begins every id, so that the same run is answered as before; default \"${default}\"."`
	Concurrency    int           `default:"64" help:"How many calls are under way at a time; default ${default}."`
	Stream         bool          `help:"Send the orders over one ReserveStream instead of as calls."`
	Supply         float64       `default:"0.8" help:"How much of the orders' whole demand is restocked before them; default ${default}."`
	Ample          bool          `help:"Restock more than the whole demand: nothing is refused."`
	Backorders     string        `enum:"deny,allow,allow-and-notify" default:"allow" placeholder:"MODE" help:"deny, allow or allow-and-notify; becomes the stock's default policy. Default ${default}."`
	BackorderLimit int64         `default:"50" placeholder:"UNITS" help:"Most units of a SKU that may be backordered; no limit: --backorder-limit=-1. Default ${default}."`
	TTL            time.Duration `name:"ttl" help:"Hold each order for this long, 1s to 720h, instead of reserving it for good."`
	CommitRate     float64       `placeholder:"SHARE" help:"How much of the orders is committed, 0 to 1; with --ttl."`
	CancelRate     float64       `placeholder:"SHARE" help:"How much of the orders is released, 0 to 1."`
	RestockEvery   int           `placeholder:"ORDERS" help:"After so many orders, restock what is backordered then; 0: never."`
	Verify         bool          `default:"true" negatable:"" help:"Afterwards hold the figures of every SKU against a fold of the file and the answers. On by default."`
	Answers        string        `placeholder:"FILE" help:"Write every answer to this file, a line of JSON each."`
	Timeout        time.Duration `default:"30s" help:"How long to try one order while the server is unavailable; default ${default}."`
	Output         string        `short:"o" enum:"table,json" default:"table" help:"table for people, json for scripts; default ${default}."`
	File           string        `arg:"" help:"CSV, gzipped or not, whose first row names InvoiceNo, StockCode and Quantity; - is standard input."`
}

// Help is shown by holdfast replay --help.
func (c *replayCommand) Help() string {
	return `Each invoice becomes a Reserve; one whose number begins with C is a cancellation and
becomes a Restock of what came back; other negative quantities are corrections and become an
AdjustStock. What the orders ask for is restocked before them.

With --stream the orders of all callers go over one ReserveStream, as those of a checkout gateway
would; each caller still waits for its answer. Everything else is sent as calls.

With --ttl orders are held: some are committed, some released, as their numbers decide, and the
rest runs out.

Every id is made of --run and the invoice number. A second run within the server's retention is
answered with the first one's answers; only what was refused is tried anew.

Afterwards the stock is held against a fold of the file and the answers, once the holds that are
left have run out (where that takes at most two minutes), and against a fold of its whole journal.

The exit status is 1 when anything but a refusal of the contract went wrong, when the run was
interrupted, or when the stock does not hold what the file and the answers, or its journal, say.`
}

// Run replays the file.
func (c *replayCommand) Run(s *session) error {
	options, err := c.options(s)
	if err != nil {
		return err
	}
	history, err := replay.Open(c.File, s.stdin)
	if err != nil {
		return err
	}
	options.Client, err = client.New(c.Address)
	if err != nil {
		return usagef("--address %s: %v", c.Address, err)
	}
	defer func() { _ = options.Client.Close() }() // nothing is under way any more
	report, err := c.send(s, options, history)
	if err != nil {
		if _, ok := status.FromError(err); ok {
			return &callError{err: err, address: c.Address, json: c.Output == "json"}
		}
		return err
	}
	if c.Output == "json" {
		err = report.WriteJSON(s.stdout)
	} else {
		report.Write(s.stdout)
	}
	if err == nil && !report.IsClean() {
		return statusError(exitRefused)
	}
	return err
}

func (c *replayCommand) options(s *session) (replay.Options, error) {
	o := replay.Options{
		Stock: c.Stock, Run: c.RunName, Concurrency: c.Concurrency, Timeout: c.Timeout,
		Supply: c.Supply, Ample: c.Ample, Mode: backorderMode(c.Backorders), Verify: c.Verify,
		TTL: c.TTL, CommitRate: c.CommitRate, CancelRate: c.CancelRate,
		RestockEvery: c.RestockEvery, Stream: c.Stream, Progress: replay.Lines(s.stderr),
	}
	if s.terminal {
		o.Progress = replay.Bar(s.stderr)
	}
	if c.BackorderLimit >= 0 {
		o.Limit = &c.BackorderLimit
	}
	const mostCallers = 10_000
	switch {
	case c.Concurrency < 1 || c.Concurrency > mostCallers:
		return o, usagef("--concurrency is %d, must be 1 to %d", c.Concurrency, mostCallers)
	case !(c.Supply >= 0 && c.Supply <= replay.MostSupply):
		return o, usagef("--supply is %v, must be 0 to %d", c.Supply, replay.MostSupply)
	case c.BackorderLimit < -1:
		return o, usagef("--backorder-limit is %d, must be -1 (no limit) or more", c.BackorderLimit)
	case c.RestockEvery < 0:
		return o, usagef("--restock-every is %d, must be 0 (never) or more", c.RestockEvery)
	}
	return o, c.checkFates()
}

// checkFates refuses holds that cannot be and shares that are none.
func (c *replayCommand) checkFates() error {
	switch {
	case c.TTL != 0 && (c.TTL < reservation.MinTTL || c.TTL > reservation.MaxTTL):
		return usagef("--ttl is %v, must be %v to %v", c.TTL, reservation.MinTTL, reservation.MaxTTL)
	case c.CommitRate > 0 && c.TTL == 0:
		return usagef("--commit-rate needs --ttl: without it every order is firm at once")
	case !(c.CommitRate >= 0 && c.CancelRate >= 0 && c.CommitRate+c.CancelRate <= 1):
		return usagef("--commit-rate and --cancel-rate are %v and %v, must be 0 or more and "+
			"together at most 1", c.CommitRate, c.CancelRate)
	}
	return nil
}

// send runs the replay, with the answers' file open where one is wanted.
func (c *replayCommand) send(
	s *session, options replay.Options, history replay.History,
) (*replay.Report, error) {
	if c.Answers == "" {
		return replay.Run(s.ctx, options, history)
	}
	file, err := os.Create(c.Answers)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewWriter(file)
	options.Answers = buffered
	report, err := replay.Run(s.ctx, options, history)
	if err := errors.Join(buffered.Flush(), file.Close()); err != nil {
		return nil, fmt.Errorf("writing the answers: %w", err)
	}
	return report, err
}
