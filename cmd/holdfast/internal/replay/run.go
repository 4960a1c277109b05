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
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
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
	// Stream sends the orders over one ReserveStream instead of as calls.
	Stream bool
	// Timeout is for one entry with all its tries.
	Timeout time.Duration
	// Supply is how many times the orders' whole demand is restocked before them.
	Supply float64
	// Ample supplies more than the whole demand, whatever Supply says.
	Ample bool
	// Mode and Limit become the stock's default policy; a nil Limit is none.
	Mode  holdfastv1.BackorderMode
	Limit *int64
	// TTL is how long an order is held; 0: it is firm at once.
	TTL time.Duration
	// CommitRate of the orders are made firm, CancelRate are released; the rest runs out, or stays
	// where there is no TTL.
	CommitRate, CancelRate float64
	// RestockEvery is after how many orders what is backordered arrives; 0: never.
	RestockEvery int
	// Verify compares the stock with the fold afterwards.
	Verify   bool
	Answers  io.Writer // nil: they are not written
	Progress Progress
}

// Run sends a history. When ctx ends it sends nothing more, waits for what is under way and reports
// what there is by then. An error means that there is nothing to report.
func Run(ctx context.Context, o Options, history History) (*Report, error) {
	r := &run{Options: o, report: newReport(o, history)}
	if o.Answers != nil {
		r.answers = newAnswerWriter(o.Answers)
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	if o.Stream {
		r.sender.stream = o.Client.NewReserveStream()
		defer r.sender.stream.Close()
	}
	start := time.Now()
	if err := r.supply(ctx, history); err != nil {
		return nil, err
	}
	err := r.orders(ctx, history.Entries)
	r.report.finish(time.Since(start))
	if err != nil {
		return nil, err
	}
	if o.Verify && ctx.Err() == nil {
		err = r.verify(ctx)
	}
	r.report.Interrupted = ctx.Err() != nil
	r.countEnds(r.fold.seen)
	if r.report.Interrupted {
		r.report.Verification, err = nil, nil
	}
	return r.report, err
}

// begin sets the policy and reads what the stock holds, once no hold of an earlier run is left.
func (r *run) begin(ctx context.Context) error {
	var err error
	if r.earlierHolds, err = r.awaitEarlierHolds(ctx); err != nil {
		return err
	}
	began, err := r.setPolicy(ctx)
	if err != nil {
		return fmt.Errorf("setting the stock's default policy: %w", err)
	}
	before, err := r.listStock(ctx)
	if err != nil {
		return err
	}
	r.fold = newFold(before.Items, began)
	r.sender = sender{
		client: r.Client, stock: r.Stock, run: r.Run, ttl: r.TTL, timeout: r.Timeout, began: began,
	}
	return nil
}

// listStock reads every SKU of the stock; the store time is the first page's.
func (o Options) listStock(ctx context.Context) (*holdfastv1.ListStockResponse, error) {
	const pageSize = 1000
	whole := &holdfastv1.ListStockResponse{}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	err := client.Pages(func(token string) (*holdfastv1.ListStockResponse, error) {
		return client.Call(ctx, o.Client.Stock.ListStock, &holdfastv1.ListStockRequest{
			StockId: o.Stock, PageSize: pageSize, PageToken: token,
		})
	}, func(page *holdfastv1.ListStockResponse) (bool, error) {
		if whole.StoreTime == nil {
			whole.StoreTime = page.GetStoreTime()
		}
		whole.Items = append(whole.Items, page.GetItems()...)
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the stock: %w", err)
	}
	return whole, nil
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
	// earlierHolds is how many holds were left from before the run, too long to wait for.
	earlierHolds int64
	ordered      int // orders answered
	refilled     int // how often what was backordered arrived
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
		callers.Go(func() { r.caller(stopped, work, results) })
	}
	go func() {
		callers.Wait()
		close(results)
	}()
	r.Progress.Begin(len(entries))
	defer r.Progress.End()
	var failed error
	for answer := range results {
		err := r.take(&answer)
		if err == nil && failed == nil && answer.Entry.Kind == Order {
			err = r.refill(stopped)
		}
		if answer.Entry.isOfFile() {
			r.Progress.Step()
		}
		if err != nil && failed == nil {
			failed = err
			stop()
		}
	}
	return failed
}

// caller sends entries one after the other. What follows an order is sent after the caller's next
// entry, so that every order is held for a while.
func (r *run) caller(ctx context.Context, work <-chan *Entry, results chan<- Answer) {
	var pending *Answer // an order whose fate is to be sent
	follow := func() {
		if pending == nil {
			return
		}
		if next, ok := r.fate(pending.Entry); ok {
			answer := r.sender.send(ctx, &next)
			answer.Replayed = answer.Err == nil && pending.Replayed &&
				pending.StateNow == output.State(answer.reservation().GetState())
			results <- answer
		}
		pending = nil
	}
	for entry := range work {
		answer := r.sender.send(ctx, entry)
		results <- answer
		follow()
		if entry.Kind == Order && answer.Err == nil {
			pending = &answer
		}
	}
	if ctx.Err() == nil {
		follow()
	}
}

// refill restocks what is backordered, after every RestockEvery orders.
func (r *run) refill(ctx context.Context) error {
	r.ordered++
	if r.RestockEvery == 0 || r.ordered%r.RestockEvery != 0 {
		return nil
	}
	stock, err := r.listStock(ctx)
	if err != nil && ctx.Err() != nil {
		return nil //nolint:nilerr // an interrupted run is reported, it is no failure
	} else if err != nil {
		return err
	}
	r.refilled++
	for _, entry := range refills(r.refilled, stock.GetItems()) {
		answer := r.sender.send(ctx, &entry)
		if err := r.take(&answer); err != nil {
			return err
		}
	}
	return nil
}

// take books an answer; it fails only when the answer cannot be written down.
func (r *run) take(answer *Answer) error {
	r.report.add(answer)
	r.fold.add(answer)
	r.report.addEnd(answer, r.fold)
	if r.answers == nil {
		return nil
	}
	if err := r.answers.write(answer); err != nil {
		return fmt.Errorf("writing the answers: %w", err)
	}
	return nil
}

// countEnds counts the holds that have run out by a store time, and those that have not.
func (r *run) countEnds(now time.Time) {
	for _, order := range r.fold.expire(now) {
		r.report.Expired.add(order.lines)
	}
	r.report.StillHeld = Volume{}
	for _, order := range r.fold.held() {
		r.report.StillHeld.add(order.lines)
	}
}
