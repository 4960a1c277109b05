package replay

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Options say how a history is sent.
type Options struct {
	Client *client.Client
	Stock  string
	// Run begins every id: <run>:<invoice>.
	Run         string
	Concurrency int
	// Timeout is for one entry with all its tries.
	Timeout time.Duration
	// Supply is how many times the orders' whole demand is restocked before them.
	Supply float64
	// Ample supplies more than the whole demand, whatever Supply says.
	Ample bool
	// Mode and Limit become the stock's default policy; a nil Limit is none.
	Mode  holdfastv1.BackorderMode
	Limit *int64
	// Verify compares the stock with the fold afterwards.
	Verify   bool
	Answers  io.Writer // nil: they are not written
	Progress Progress
}

// Run sends a history. When ctx ends it sends nothing more, waits for what is under way and reports
// what there is by then. An error means that there is nothing to report.
func Run(ctx context.Context, o Options, history History) (*Report, error) {
	began, err := o.setPolicy(ctx)
	if err != nil {
		return nil, fmt.Errorf("setting the stock's default policy: %w", err)
	}
	before, err := o.listStock(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{
		Options: o, report: newReport(o, history), fold: newFold(before, began),
		sender: sender{o.Client, o.Stock, o.Run, o.Timeout, began},
	}
	if o.Answers != nil {
		r.answers = newAnswerWriter(o.Answers)
	}
	start := time.Now()
	if err := r.supply(ctx, history); err != nil {
		return nil, err
	}
	err = r.orders(ctx, history.Entries)
	r.report.finish(time.Since(start))
	if err != nil {
		return nil, err
	}
	r.report.Interrupted = ctx.Err() != nil
	if !o.Verify || r.report.Interrupted {
		return r.report, nil
	}
	after, err := o.listStock(ctx)
	if err != nil {
		return nil, err
	}
	r.report.Verification = &Verification{SKUs: len(after), Differences: r.fold.compare(after)}
	return r.report, nil
}

// listStock reads every SKU of the stock.
func (o Options) listStock(ctx context.Context) ([]*holdfastv1.StockItem, error) {
	const pageSize = 1000
	var items []*holdfastv1.StockItem
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	err := client.Pages(ctx, o.Client.Stock, o.Stock, pageSize,
		func(page *holdfastv1.ListStockResponse) error {
			items = append(items, page.GetItems()...)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("reading the stock: %w", err)
	}
	return items, nil
}

// setPolicy sets the stock's default and returns the sequence that the stock's journal is at then.
func (o Options) setPolicy(ctx context.Context) (sequence int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	answer, err := client.Call(ctx, o.Client.Stock.SetDefaultPolicy,
		&holdfastv1.SetDefaultPolicyRequest{
			StockId: o.Stock,
			Policy:  &holdfastv1.Policy{BackorderMode: &o.Mode, BackorderLimit: o.Limit},
			UpdateMask: &fieldmaskpb.FieldMask{
				Paths: []string{"backorder_mode", "backorder_limit"},
			},
		})
	return answer.GetSequence(), err
}

// run is one run under way. Only the goroutine that called Run touches report, fold and answers.
type run struct {
	Options
	sender  sender
	report  *Report
	fold    *fold
	answers *answerWriter
}

// supply restocks what the orders will ask for, one request after the other.
func (r *run) supply(ctx context.Context, history History) error {
	factor := r.Supply
	if r.Ample {
		factor = ampleFactor
	}
	for _, entry := range supplies(history, factor) {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // an interrupted run is reported, it is no failure
		}
		answer := r.sender.send(ctx, &entry)
		if err := r.take(&answer); err != nil {
			return err
		}
		if answer.Err == nil {
			continue
		}
		if problem.Of(answer.Err).Code == codes.AlreadyExists {
			return fmt.Errorf("stock %q was supplied for run %q before, but from another file or "+
				"with other amounts: choose another --stock, or --run to send everything anew",
				r.Stock, r.Run)
		}
		return fmt.Errorf("supplying the stock: %w", answer.Err)
	}
	return nil
}

// orders sends the file's entries with Concurrency callers: they start in the order of the file,
// and as many as there are callers are under way at a time.
func (r *run) orders(ctx context.Context, entries []Entry) error {
	stopped, stop := context.WithCancel(ctx)
	defer stop()
	work := make(chan *Entry)
	results := make(chan Answer, r.Concurrency)
	go func() {
		defer close(work)
		for i := range entries {
			select {
			case work <- &entries[i]:
			case <-stopped.Done():
				return
			}
		}
	}()
	var callers sync.WaitGroup
	for range r.Concurrency {
		callers.Go(func() {
			for entry := range work {
				results <- r.sender.send(stopped, entry)
			}
		})
	}
	go func() {
		callers.Wait()
		close(results)
	}()
	r.Progress.Begin(len(entries))
	defer r.Progress.End()
	var failed error
	for answer := range results {
		r.Progress.Step()
		if err := r.take(&answer); err != nil && failed == nil {
			failed = err
			stop()
		}
	}
	return failed
}

// take books an answer; it fails only when the answer cannot be written down.
func (r *run) take(answer *Answer) error {
	r.report.add(answer)
	r.fold.add(answer)
	if r.answers == nil {
		return nil
	}
	if err := r.answers.write(answer); err != nil {
		return fmt.Errorf("writing the answers: %w", err)
	}
	return nil
}
