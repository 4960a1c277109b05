package bars

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// runServers measures two servers before one Redis, both with callers of the same stock, beside one
// server with as many callers.
func runServers(ctx context.Context, b *bench) ([]report.Claim, error) {
	loaders := make([]*lab.Loader, 2)
	for i := range loaders {
		var err error
		if loaders[i], err = b.lab.Loader(nil); err != nil {
			return nil, err
		}
	}
	first, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loaders[0])
	if err != nil {
		return nil, err
	}
	second, err := b.beside(ctx, redis, arm.Config{Arm: arm.Ours}, cores{}, loaders[1])
	if err != nil {
		return nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), b.closed(spread())
	half := job
	half.Callers, half.Connections = callers/2, connections/2
	samples, err := b.alternate(ctx,
		func(ctx context.Context) (lab.Sample, error) {
			if err := first.Fill(ctx, goods); err != nil {
				return lab.Sample{}, err
			}
			return both(ctx, first, second, half)
		},
		b.fresh(first, goods, job))
	if err != nil {
		return nil, err
	}
	return []report.Claim{
		ratio("S", "two servers before one Redis, one stock ÷ one server, throughput, same cores",
			stats.Bound{}, throughput().arm("two", samples[0]), throughput().arm("one", samples[1])),
		ratio("S", "the same, CPU in Redis per reservation", stats.Bound{},
			storeCPU().arm("two", samples[0]), storeCPU().arm("one", samples[1])),
	}, nil
}

// both runs a job through two servers at once on the first one's stock, and checks the figures.
func both(ctx context.Context, first, second *lab.Subject, job load.Job) (lab.Sample, error) {
	second.Stock = first.Stock
	before, err := first.StoreCPU(ctx)
	if err != nil {
		return lab.Sample{}, err
	}
	results := make([]*load.Result, 2)
	faults := make([]error, 2)
	var running sync.WaitGroup
	for i, s := range []*lab.Subject{first, second} {
		own := s.Job(job)
		own.Work.Run = fmt.Sprintf("%c%s", 'a'+i, own.Work.Run[1:])
		running.Go(func() { results[i], faults[i] = s.Loader.Run(ctx, own) })
	}
	running.Wait()
	var sample lab.Sample
	for i, result := range results {
		if faults[i] != nil {
			return lab.Sample{}, faults[i]
		}
		first.Count(result)
		sample.Rate += result.Rate()
		sample.Granted += result.Granted
		sample.Refused += result.Refused
	}
	after, err := first.StoreCPU(ctx)
	if err != nil {
		return lab.Sample{}, err
	}
	sample.StoreCPU = (after - before) / time.Duration(max(1, sample.Granted+sample.Refused))
	return sample, first.Verify(ctx)
}
