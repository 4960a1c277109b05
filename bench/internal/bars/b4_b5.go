package bars

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// naivePools are those of which the best is chosen for a script a call; 0 is one connection with
// automatic pipelining.
func naivePools() []int { return []int{0, 16, 64} }

// bestNaive starts the arm of a script a call with the pool for which a short trial of the job gave
// the best figure, and says which. better says whether one sample is better than another.
func (b *bench) bestNaive(
	ctx context.Context, redis *lab.Redis, loader *lab.Loader, goods lab.Goods, job load.Job,
	better func(a, b lab.Sample) bool,
) (*lab.Subject, string, error) {
	var best *lab.Subject
	var bestSample lab.Sample
	var chosen string
	job.For = b.plan.Measure / 3
	for _, pool := range naivePools() {
		s, err := b.beside(ctx, redis, arm.Config{Arm: arm.Naive, Pool: pool}, cores{}, loader)
		if err != nil {
			return nil, "", err
		}
		sample, err := b.fresh(s, goods, job)(ctx)
		if err != nil {
			return nil, "", err
		}
		name := fmt.Sprintf("naive: %d connections", pool)
		if pool == 0 {
			name = "naive: automatic pipelining"
		}
		b.plan.Say(fmt.Sprintf("%s %s: %.0f/s, p50 %v", b.bar, name, sample.Rate, sample.P50))
		if best == nil || better(sample, bestSample) {
			best, bestSample, chosen = s, sample, name
		}
	}
	return best, chosen, nil
}

// runB4 measures the processor time inside Redis for a reservation.
func runB4(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	ours, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), b.closed(spread())
	naive, pool, err := b.bestNaive(ctx, redis, loader, goods, job,
		func(a, b lab.Sample) bool { return a.Rate > b.Rate })
	if err != nil {
		return nil, err
	}
	hotJob := b.closed(hot())
	hotSamples, err := b.alternate(ctx, b.fresh(naive, lab.Plenty(1), hotJob),
		b.fresh(ours, lab.Plenty(1), hotJob))
	if err != nil {
		return nil, err
	}
	var plain []float64
	samples, err := b.alternate(ctx, b.fresh(naive, goods, job), b.fresh(ours, goods, job),
		func(ctx context.Context) (lab.Sample, error) {
			took, err := b.plainScript(ctx, redis, goods)
			plain = append(plain, micros(took))
			return lab.Sample{}, err
		})
	if err != nil {
		return nil, err
	}
	first := ratio("B4", "CPU in Redis per reservation, naive ÷ ours, hot SKU", stats.AtLeast(2.5),
		storeCPU().arm("naive", hotSamples[0]), storeCPU().arm("ours", hotSamples[1]))
	first.Note = pool
	our := storeCPU().arm("ours", samples[1])
	return []report.Claim{
		first,
		ratio("B4", "CPU in Redis per reservation, naive ÷ ours, 3 lines over 1,000 SKUs",
			stats.AtLeast(1.6), storeCPU().arm("naive", samples[0]), our),
		ratio("B4", "CPU in Redis, one EVALSHA of 100 HMGETs ÷ our reservation of 3 lines",
			stats.Bound{}, report.Arm{Name: "100 HMGETs", Unit: "µs/call", Values: plain}, our),
	}, nil
}

// hundredReads reads two fields of a hundred hashes: what the plainest script of that size costs.
const hundredReads = `for i = 1, 100 do redis.call('HMGET', KEYS[i], 'h', 'r') end return 1`

// plainScript measures the processor time in Redis for a call of hundredReads on hashes like ours.
func (b *bench) plainScript(
	ctx context.Context, in *lab.Redis, goods lab.Goods,
) (time.Duration, error) {
	const reads, width = 100, 10
	keys := make([]string, reads)
	pipe := in.Client.Pipeline()
	for i := range keys {
		keys[i] = "plain:" + goods.SKUs[i*width]
		pipe.HSet(ctx, keys[i], "h", goods.Units[i], "r", i)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, fmt.Errorf("hashes to read: %w", err)
	}
	script := redis.NewScript(hundredReads)
	if err := script.Load(ctx, in.Client).Err(); err != nil {
		return 0, fmt.Errorf("plain script: %w", err)
	}
	before, err := in.CPU(ctx)
	if err != nil {
		return 0, err
	}
	calls := b.plan.size(5_000)
	for range calls {
		if err := script.EvalSha(ctx, in.Client, keys).Err(); err != nil {
			return 0, fmt.Errorf("plain script: %w", err)
		}
	}
	after, err := in.CPU(ctx)
	return (after - before) / time.Duration(calls), err
}

// runB5 measures a lone caller.
func runB5(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	ours, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), b.closed(spread())
	job.Callers, job.Connections = 1, 1
	job.For = b.plan.Measure * 2 / 3
	naive, pool, err := b.bestNaive(ctx, redis, loader, goods, job,
		func(a, b lab.Sample) bool { return a.P50 < b.P50 })
	if err != nil {
		return nil, err
	}
	samples, err := b.alternate(ctx, b.fresh(ours, goods, job), b.fresh(naive, goods, job))
	if err != nil {
		return nil, err
	}
	claim := ratio("B5", "lone caller, p50, ours ÷ naive", stats.AtMost(1.1),
		median().arm("ours", samples[0]), median().arm("naive", samples[1]))
	claim.Note = pool
	return []report.Claim{claim}, nil
}
