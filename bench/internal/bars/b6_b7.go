package bars

import (
	"context"
	"fmt"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/machine"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// quickDisk is how long an fdatasync may take for B6 to be asked.
const quickDisk = 150 * time.Microsecond

// runB6 measures what durability costs.
func runB6(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	durable, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours, Durable: true}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	volatile, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	disk, err := machine.ProbeDisk(b.lab.Dir(), b.plan.span(time.Second))
	if err != nil {
		return nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), b.closed(spread())
	samples, err := b.alternate(ctx, b.fresh(durable, goods, job), b.fresh(volatile, goods, job))
	if err != nil {
		return nil, err
	}
	claim := ratio("B6", "durable ÷ not durable, throughput", stats.AtLeast(0.85),
		throughput().arm("durable", samples[0]), throughput().arm("not durable", samples[1]))
	claim.Note = fmt.Sprintf("fdatasync takes %v", disk.Median.Round(time.Microsecond))
	if disk.Median > quickDisk {
		claim.Bound = stats.Bound{}
		claim.Note += fmt.Sprintf(": asked (≥ 0.85) only up to %v", quickDisk)
	}
	return []report.Claim{claim}, nil
}

// runB7 measures one hot SKU in stock, with a long queue, and sold out.
func runB7(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	stocked, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	if err := redis.Empty(ctx); err != nil {
		return nil, err
	}
	queued := &lab.Subject{}
	*queued = *stocked
	soldOut := &lab.Subject{}
	*soldOut = *stocked
	stocked.Label, queued.Label, soldOut.Label = "stocked", "queued", "sold-out"
	none := lab.Goods{SKUs: []string{load.SKU(0)}, Units: []int64{0}}
	for s, goods := range map[*lab.Subject]lab.Goods{
		stocked: lab.Plenty(1), queued: none, soldOut: none,
	} {
		if err := s.Open(ctx, goods); err != nil {
			return nil, err
		}
	}
	if err := setMode(ctx, soldOut, 0, holdfastv1.BackorderMode_BACKORDER_MODE_DENY); err != nil {
		return nil, err
	}
	if err := setMode(ctx, queued, 0, holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW); err != nil {
		return nil, err
	}
	waiting := b.plan.size(100_000)
	if _, err := b.reserveMany(ctx, queued, hot(), waiting); err != nil {
		return nil, err
	}
	b.plan.Say(fmt.Sprintf("B7: %d wait", waiting))
	job := b.closed(hot())
	run := func(s *lab.Subject) turn {
		return func(ctx context.Context) (lab.Sample, error) { return b.measure(ctx, s, job) }
	}
	samples, err := b.alternate(ctx, run(queued), run(stocked), run(soldOut))
	if err != nil {
		return nil, err
	}
	if err := allRefused(samples[2]); err != nil {
		return nil, err
	}
	inStock := throughput().arm("in stock", samples[1])
	return []report.Claim{
		ratio("B7", "hot SKU, ALLOW with 100,000 waiting ÷ in stock, throughput",
			stats.AtLeast(0.9), throughput().arm("100,000 waiting", samples[0]), inStock),
		ratio("B7", "hot SKU, sold out and refused ÷ in stock, throughput",
			stats.AtLeast(1), throughput().arm("sold out", samples[2]), inStock),
	}, nil
}

func allRefused(samples []lab.Sample) error {
	for _, sample := range samples {
		if sample.Granted > 0 {
			return fmt.Errorf("%d of a SKU that is sold out were granted", sample.Granted)
		}
	}
	return nil
}

// setMode gives a SKU a backorder mode and creates it if need be.
func setMode(
	ctx context.Context, s *lab.Subject, sku int, mode holdfastv1.BackorderMode,
) error {
	_, err := holdfastv1.NewStockServiceClient(s.Server.Conn).SetPolicy(ctx,
		&holdfastv1.SetPolicyRequest{
			StockId: s.Stock, Sku: load.SKU(sku), Policy: &holdfastv1.Policy{BackorderMode: &mode},
		})
	if err != nil {
		return fmt.Errorf("set a policy: %w", err)
	}
	return nil
}

// reserveMany makes so many reservations and checks the store's figures.
func (b *bench) reserveMany(
	ctx context.Context, s *lab.Subject, work load.Work, count int,
) (lab.Sample, error) {
	job := b.closed(work)
	job.For, job.Calls = setupLimit, int64(count)
	sample, err := s.Run(ctx, job)
	if err != nil {
		return lab.Sample{}, err
	}
	if sample.Granted != int64(count) {
		return lab.Sample{}, fmt.Errorf("%d of %d reservations were granted", sample.Granted, count)
	}
	return sample, s.Verify(ctx)
}

// setupLimit bounds what is done before anything is measured.
const setupLimit = 2 * time.Minute
