package bars

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// The big shop of B8 and what its parts may take, in bytes.
const (
	bigSKUs      = 1_000_000
	bigFirm      = 500_000
	bigHeld      = 500_000
	bytesFirm    = 500
	bytesHeld    = 600
	bytesPerItem = 270
)

// runB8 measures a shop of a million SKUs and a million open reservations, and what they take.
func runB8(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	big, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	small, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	memory, err := b.fillBig(ctx, big, redis)
	if err != nil {
		return nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), b.closed(spread())
	bigJob := job
	bigJob.Work.SKUs = b.plan.size(bigSKUs)
	samples, err := b.alternate(ctx,
		func(ctx context.Context) (lab.Sample, error) { return b.unverified(ctx, big, bigJob) },
		b.fresh(small, goods, job))
	if err != nil {
		return nil, err
	}
	// Reading a million SKUs back takes seconds, so that it is done once, for all runs.
	if err := big.Verify(ctx); err != nil {
		return nil, err
	}
	throughputs := ratio("B8", "1M SKUs and 1M open reservations ÷ 1,000 SKUs without, throughput",
		stats.AtLeast(0.8), throughput().arm("1M and 1M", samples[0]),
		throughput().arm("1,000", samples[1]))
	cpu := ratio("B8", "1M SKUs and 1M open reservations ÷ 1,000 SKUs without, CPU in Redis",
		stats.Bound{}, storeCPU().arm("1M and 1M", samples[0]), storeCPU().arm("1,000", samples[1]))
	return append([]report.Claim{throughputs, cpu}, memory...), nil
}

// unverified warms up and measures.
func (b *bench) unverified(
	ctx context.Context, s *lab.Subject, job load.Job,
) (lab.Sample, error) {
	warm := job
	warm.For = b.plan.Warm
	if _, err := s.Run(ctx, warm); err != nil {
		return lab.Sample{}, err
	}
	return s.Run(ctx, job)
}

// fillBig makes the big shop and says what its parts take. The journal is not written on the way,
// so that nothing of it is counted.
func (b *bench) fillBig(
	ctx context.Context, big *lab.Subject, redis *lab.Redis,
) ([]report.Claim, error) {
	if err := big.Open(ctx, lab.Plenty(1)); err != nil { // the stock is known from now on
		return nil, err
	}
	s := shop{
		redis: redis, stock: big.Stock, skus: b.plan.size(bigSKUs), firm: b.plan.size(bigFirm),
		held: b.plan.size(bigHeld), now: time.Now(),
	}
	if err := sameAsCalls(ctx, redis, s); err != nil {
		return nil, err
	}
	s.count()
	perItem, err := s.grows(ctx, s.skus, func() error { return s.writeSKUs(ctx) })
	if err != nil {
		return nil, err
	}
	firm, err := s.grows(ctx, s.firm, func() error { return s.writeReservations(ctx, false) })
	if err != nil {
		return nil, err
	}
	held, err := s.grows(ctx, s.held, func() error { return s.writeReservations(ctx, true) })
	if err != nil {
		return nil, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	b.plan.Say(fmt.Sprintf("B8: %d SKUs, %d firm and %d held reservations are there",
		s.skus, s.firm, s.held))
	goods := lab.Plenty(s.skus)
	for i := range goods.Units {
		goods.Units[i] = shopOnHand
	}
	big.Adopt(goods, s.reserved)
	return []report.Claim{
		single("B8", "memory of a firm 3-line reservation", "B", stats.AtMost(bytesFirm), firm),
		single("B8", "memory of a held 3-line reservation", "B", stats.AtMost(bytesHeld), held),
		single("B8", "memory of a SKU with a policy", "B", stats.AtMost(bytesPerItem), perItem),
	}, nil
}

// grows returns by how many bytes, for each of so many things, what Redis has allocated grows.
func (s *shop) grows(ctx context.Context, things int, write func() error) (float64, error) {
	before, err := s.redis.UsedMemory(ctx)
	if err != nil {
		return 0, err
	}
	if err := write(); err != nil {
		return 0, err
	}
	after, err := s.redis.UsedMemory(ctx)
	return float64(after-before) / float64(things), err
}
