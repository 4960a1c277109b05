package bars

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/orders"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// ordersAPair is how many real orders each arm gets in a pair, the same ones: with a median of 9
// and at most some 700 lines, PostgreSQL works at them for some seconds.
const ordersAPair = 4_000

// runB14 replays real orders.
func runB14(ctx context.Context, b *bench) ([]report.Claim, error) {
	const what = "real orders, ours ÷ postgres, throughput, durable"
	bound := stats.AtLeast(2)
	if _, err := os.Stat(b.plan.Orders); errors.Is(err, os.ErrNotExist) {
		return []report.Claim{notRun("B14", what, bound,
			"there are no real orders here (--orders, HOLDFAST_ORDERS)")}, nil
	}
	history, err := orders.Open(b.plan.Orders)
	if err != nil {
		return nil, err
	}
	goods := lab.Goods{SKUs: history.SKUs, Units: make([]int64, len(history.SKUs))}
	for sku, units := range history.Demand() {
		// Warming up and the trials of pool sizes take from the same stock.
		goods.Units[sku] = 4 * units
	}
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	ours, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours, Durable: true}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	count := min(b.plan.size(ordersAPair), len(history.Orders))
	job := b.closed(load.Work{Orders: b.plan.Orders, TTL: holdFor})
	job.Calls = int64(count)
	postgres, size, err := b.overPostgres(ctx, arm.Postgres, loader, goods, job)
	if err != nil {
		return nil, err
	}
	batched, lanes, err := b.overPostgres(ctx, arm.PostgresBatched, loader, goods, job)
	if err != nil {
		return nil, err
	}
	pair := 0
	next := func(s *lab.Subject) turn { return b.replay(s, goods, job, history, &pair) }
	samples, err := b.alternate(ctx, next(ours), next(postgres), next(batched))
	if err != nil {
		return nil, err
	}
	our := throughput().arm("ours", samples[0])
	first := ratio("B14", what, bound, our, throughput().arm("postgres", samples[1]))
	first.Note = size
	second := ratio("B14", "real orders, ours ÷ postgres-batched, durable", stats.Bound{}, our,
		throughput().arm("postgres-batched", samples[2]))
	second.Note = lanes
	return []report.Claim{first, second}, nil
}

// replay sends the orders of a pair to an arm: all arms of a pair the same, each pair others.
// turns counts the runs.
func (b *bench) replay(
	s *lab.Subject, goods lab.Goods, job load.Job, history *orders.History, turns *int,
) turn {
	const arms = 3
	return func(ctx context.Context) (lab.Sample, error) {
		pair := *turns / arms
		*turns++
		if err := s.Fill(ctx, goods); err != nil {
			return lab.Sample{}, err
		}
		warm := job
		warm.For = b.plan.Warm
		if _, err := s.Run(ctx, warm); err != nil {
			return lab.Sample{}, err
		}
		whole := job
		whole.For = setupLimit
		if last := len(history.Orders) - int(job.Calls); last > 0 {
			whole.Work.From = pair * int(job.Calls) % (last + 1)
		}
		sample, err := s.Run(ctx, whole)
		if err != nil {
			return lab.Sample{}, err
		}
		if sample.Refused > 0 || sample.Granted != job.Calls {
			return lab.Sample{}, fmt.Errorf("arm %s granted %d of %d orders", s.Arm,
				sample.Granted, job.Calls)
		}
		return sample, s.Verify(ctx)
	}
}
