package bars

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

const (
	// watcherCount is how many watch one stock; one of them reads nothing.
	watcherCount = 50
	// watchedRate is how many Reserves a second they watch.
	watchedRate = 2_000
)

// runWatchers measures Reserve at a fixed rate beside many watchers of the same stock, one of which
// reads nothing, and beside none.
func runWatchers(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	s, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	goods := lab.Plenty(spreadSKUs)
	job := b.open(firmSpread(), watchedRate, b.plan.Measure)
	alone := b.fresh(s, goods, job)
	watched := func(ctx context.Context) (sample lab.Sample, err error) {
		if err := s.Fill(ctx, goods); err != nil {
			return lab.Sample{}, err
		}
		group, err := startWatchers(ctx, s)
		if err != nil {
			return lab.Sample{}, err
		}
		defer func() { err = errors.Join(err, group.end(ctx, s)) }()
		return b.measure(ctx, s, job)
	}
	heapBefore, err := s.Server.Heap(ctx)
	if err != nil {
		return nil, err
	}
	samples, err := b.alternate(ctx, watched, alone)
	if err != nil {
		return nil, err
	}
	heapAfter, err := s.Server.Heap(ctx)
	if err != nil {
		return nil, err
	}
	p99 := figure{"ms", func(s lab.Sample) float64 { return micros(s.P99) / 1e3 }}
	const mebi = 1 << 20
	return []report.Claim{
		ratio("W", fmt.Sprintf("Reserve's p99 at %d/s, %d watchers of the stock ÷ none", watchedRate,
			watcherCount), stats.AtMost(1.5), p99.arm("watched", samples[0]), p99.arm("alone", samples[1])),
		single("W", "the server's heap after all of it less before", "MiB", stats.Bound{},
			(float64(heapAfter)-float64(heapBefore))/mebi),
	}, nil
}

// watcherGroup is watchers of one stock.
type watcherGroup struct {
	ends    context.CancelFunc
	readers sync.WaitGroup
	done    chan error // what became of each reader
}

// startWatchers starts all watchers of a subject's stock, from now on. One reads nothing.
func startWatchers(ctx context.Context, s *lab.Subject) (*watcherGroup, error) {
	ctx, ends := context.WithCancel(ctx)
	g := &watcherGroup{ends: ends, done: make(chan error, watcherCount)}
	client := holdfastv1.NewEventServiceClient(s.Server.Conn)
	for n := range watcherCount {
		watch, err := client.Watch(ctx, &holdfastv1.WatchRequest{StockId: s.Stock})
		if err != nil {
			ends()
			return nil, fmt.Errorf("watch: %w", err)
		}
		first, err := watch.Recv()
		if err != nil {
			ends()
			return nil, fmt.Errorf("watch: %w", err)
		}
		if n == 0 {
			continue // this one reads nothing more
		}
		g.readers.Go(func() { g.done <- follow(first.GetPosition().GetSequence(), watch.Recv) })
	}
	return g, nil
}

// lastSKU is whose policy event is the last that a watcher reads.
const lastSKU = "the-last"

// follow reads events until the last one, and holds that none is missing.
func follow(
	last int64, receive func() (*holdfastv1.WatchResponse, error),
) error {
	for {
		batch, err := receive()
		if err != nil {
			return fmt.Errorf("a watcher at event %d: %w", last, err)
		}
		for _, event := range batch.GetEvents() {
			if event.GetSequence() != last+1 {
				return fmt.Errorf("a watcher saw event %d after %d", event.GetSequence(), last)
			}
			last = event.GetSequence()
			if event.GetType() == holdfastv1.EventType_EVENT_TYPE_POLICY_CHANGED {
				return nil
			}
		}
	}
}

// end writes one more event, waits until every reader has seen all of them, and ends the watches.
func (g *watcherGroup) end(ctx context.Context, s *lab.Subject) error {
	defer g.ends()
	_, err := holdfastv1.NewStockServiceClient(s.Server.Conn).SetPolicy(ctx,
		&holdfastv1.SetPolicyRequest{StockId: s.Stock, Sku: lastSKU, Policy: &holdfastv1.Policy{}})
	if err != nil {
		return fmt.Errorf("write the last event: %w", err)
	}
	var errs []error
	timeout := time.After(setupLimit)
	for range watcherCount - 1 {
		select {
		case err := <-g.done:
			errs = append(errs, err)
		case <-timeout:
			return errors.New("a watcher did not come to the last event")
		}
	}
	g.readers.Wait()
	return errors.Join(errs...)
}
