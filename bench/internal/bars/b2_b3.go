package bars

import (
	"context"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// runB2 measures one hot SKU.
func runB2(ctx context.Context, b *bench) ([]report.Claim, error) {
	return b.besidePostgres(ctx, "one hot SKU", stats.AtLeast(5), lab.Plenty(1), b.closed(hot()))
}

// runB3 measures 3 lines over 1,000 SKUs.
func runB3(ctx context.Context, b *bench) ([]report.Claim, error) {
	return b.besidePostgres(ctx, "3 lines over 1,000 SKUs", stats.AtLeast(2.5),
		lab.Plenty(spreadSKUs), b.closed(spread()))
}

// besidePostgres measures ours, durable, beside both forms over PostgreSQL.
func (b *bench) besidePostgres(
	ctx context.Context, what string, bound stats.Bound, goods lab.Goods, job load.Job,
) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	ours, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours, Durable: true}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	postgres, size, err := b.overPostgres(ctx, arm.Postgres, loader, goods, job)
	if err != nil {
		return nil, err
	}
	batched, lanes, err := b.overPostgres(ctx, arm.PostgresBatched, loader, goods, job)
	if err != nil {
		return nil, err
	}
	samples, err := b.alternate(ctx, b.fresh(ours, goods, job), b.fresh(postgres, goods, job),
		b.fresh(batched, goods, job))
	if err != nil {
		return nil, err
	}
	our := throughput().arm("ours", samples[0])
	theirs := throughput().arm("postgres", samples[1])
	best := throughput().arm("postgres-batched", samples[2])
	first := ratio(b.bar, "ours ÷ postgres, throughput, "+what+", durable", bound, our, theirs)
	first.Note = size
	second := ratio(b.bar, "ours ÷ postgres-batched, "+what+", durable", stats.Bound{}, our, best)
	second.Note = lanes
	return []report.Claim{first, second}, nil
}
