package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/bench/internal/orders"
	"github.com/holdfast-dev/holdfast/bench/internal/process"
)

// Generator runs jobs one after the other and keeps its connections from one to the next.
type Generator struct {
	connections map[string][]*grpc.ClientConn // by address
	histories   map[string]*orders.History    // by path
}

// NewGenerator makes a generator.
func NewGenerator() *Generator {
	return &Generator{
		connections: map[string][]*grpc.ClientConn{}, histories: map[string]*orders.History{},
	}
}

// Close closes its connections.
func (g *Generator) Close() error {
	var errs []error
	for _, list := range g.connections {
		for _, connection := range list {
			errs = append(errs, connection.Close())
		}
	}
	return errors.Join(errs...)
}

func (g *Generator) connect(address string, n int) ([]holdfastv1.ReservationServiceClient, error) {
	for len(g.connections[address]) < n {
		connection, err := grpc.NewClient(address,
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, fmt.Errorf("connect to %s: %w", address, err)
		}
		connection.Connect()
		g.connections[address] = append(g.connections[address], connection)
	}
	clients := make([]holdfastv1.ReservationServiceClient, n)
	for i, connection := range g.connections[address][:n] {
		clients[i] = holdfastv1.NewReservationServiceClient(connection)
	}
	return clients, nil
}

// history reads a file of orders at most once; of no path it is nil.
func (g *Generator) history(path string) (*orders.History, error) {
	if path == "" || g.histories[path] != nil {
		return g.histories[path], nil
	}
	read, err := orders.Open(path)
	if err == nil {
		g.histories[path] = read
	}
	return read, err
}

// Run runs a job; when ctx ends first it begins no further call, which is no error.
func (g *Generator) Run(ctx context.Context, job Job) (*Result, error) {
	if err := job.check(); err != nil {
		return nil, err
	}
	clients, err := g.connect(job.Address, job.Connections)
	if err != nil {
		return nil, err
	}
	history, err := g.history(job.Work.Orders)
	if err != nil {
		return nil, err
	}
	drawn := newSource(job.Work, history)
	r := newRun(job, drawn)
	ways := make([]reserver, len(clients))
	for i, client := range clients {
		ways[i] = unary{client}
		if job.Stream {
			opened, err := openStream(ctx, client)
			if err != nil {
				return nil, err
			}
			defer opened.close()
			ways[i] = opened
		}
	}
	callers := make([]*caller, job.Callers)
	for i := range callers {
		callers[i] = &caller{
			run: r, hand: drawn.newHand(i), way: ways[i%len(ways)], latency: newHistogram(),
		}
	}
	before, err := process.CPU()
	if err != nil {
		return nil, err
	}
	r.begin()
	var group sync.WaitGroup
	for _, c := range callers {
		group.Go(func() { c.work(ctx) })
	}
	group.Wait()
	took := time.Since(r.started)
	after, err := process.CPU()
	if err != nil {
		return nil, err
	}
	return r.result(callers, took, after-before)
}

// run is what the callers of a job share.
type run struct {
	job     Job
	source  *source
	started time.Time
	end     time.Time     // no call begins later; zero: none
	period  time.Duration // of an open loop
	slots   atomic.Int64
	late    *sharedHistogram
	spans   []*sharedHistogram // by interval
}

type sharedHistogram struct {
	mu        sync.Mutex
	histogram *hdrhistogram.Histogram
}

func newShared() *sharedHistogram { return &sharedHistogram{histogram: newHistogram()} }

func (s *sharedHistogram) record(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record(s.histogram, d)
}

// record counts a latency; one beyond the range counts as the end of it.
func record(histogram *hdrhistogram.Histogram, d time.Duration) {
	_ = histogram.RecordValue(min(max(int64(d), shortest), longest)) // within the range
}

func newRun(job Job, drawn *source) *run {
	r := &run{job: job, source: drawn, late: newShared()}
	if job.Rate > 0 {
		r.period = time.Duration(float64(time.Second) / job.Rate)
		if job.Interval > 0 {
			r.spans = make([]*sharedHistogram, (job.For+job.Interval-1)/job.Interval)
			for i := range r.spans {
				r.spans[i] = newShared()
			}
		}
	}
	return r
}

func (r *run) begin() {
	r.started = time.Now()
	if r.job.For > 0 {
		r.end = r.started.Add(r.job.For)
	}
}

// caller makes one call at a time.
type caller struct {
	run              *run
	hand             *hand
	way              reserver
	latency          *hdrhistogram.Histogram
	granted, refused int64
	failed           int64
	failure          error
}

func (c *caller) work(ctx context.Context) {
	for ctx.Err() == nil {
		slot := c.run.slots.Add(1) - 1
		if c.run.job.Calls > 0 && slot >= c.run.job.Calls {
			return
		}
		due := time.Now()
		if c.run.period > 0 {
			due = c.run.started.Add(time.Duration(slot) * c.run.period)
		}
		if !c.run.end.IsZero() && !due.Before(c.run.end) || !c.hand.take() {
			return
		}
		if c.run.period > 0 && !c.await(ctx, due) {
			return
		}
		c.call(ctx)
		c.note(due, time.Since(due))
	}
}

// await waits until a call is due; false when ctx ended. A caller that comes too late goes on at
// once, and the call's latency has the delay in it.
func (c *caller) await(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		c.run.late.record(time.Since(due))
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *caller) call(ctx context.Context) {
	// A call that was begun is finished: what it was granted is counted.
	answer, err := c.way.reserve(context.WithoutCancel(ctx), &c.hand.request)
	switch {
	case err == nil:
		c.granted++
		c.hand.granted(answer)
	case status.Code(err) == codes.FailedPrecondition:
		c.refused++
	default:
		c.failed++
		if c.failure == nil {
			c.failure = err
		}
	}
}

func (c *caller) note(due time.Time, latency time.Duration) {
	record(c.latency, latency)
	if len(c.run.spans) > 0 {
		c.run.spans[due.Sub(c.run.started)/c.run.job.Interval].record(latency)
	}
}

func (r *run) result(callers []*caller, took, cpu time.Duration) (*Result, error) {
	result := &Result{
		Started: r.started, Took: took, CPU: cpu, Units: make([]int64, len(r.source.skus)),
	}
	merged := newHistogram()
	for _, c := range callers {
		result.Granted += c.granted
		result.Refused += c.refused
		result.Failed += c.failed
		if c.failure != nil && result.Failure == "" {
			result.Failure = c.failure.Error()
		}
		merged.Merge(c.latency)
	}
	for sku := range result.Units {
		result.Units[sku] = r.source.units[sku].Load()
	}
	result.Late = time.Duration(r.late.histogram.ValueAtQuantile(99))
	var err error
	if result.Latency, err = encode(merged); err != nil {
		return nil, fmt.Errorf("write the latencies down: %w", err)
	}
	for i, span := range r.spans {
		interval := Interval{At: time.Duration(i) * r.job.Interval}
		if span.histogram.TotalCount() > 0 {
			if interval.Latency, err = encode(span.histogram); err != nil {
				return nil, fmt.Errorf("write the latencies down: %w", err)
			}
		}
		result.Intervals = append(result.Intervals, interval)
	}
	return result, nil
}
