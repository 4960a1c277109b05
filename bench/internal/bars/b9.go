package bars

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// runB9 measures ReserveStream beside unary Reserve: the same server and callers, one stream a
// connection or one call each.
func runB9(ctx context.Context, b *bench) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	s, _, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	goods, unary := lab.Plenty(spreadSKUs), b.closed(spread())
	stream := unary
	stream.Stream = true
	samples, err := b.alternate(ctx, b.fresh(s, goods, stream), b.fresh(s, goods, unary))
	if err != nil {
		return nil, err
	}
	perCore := figure{"calls/s of a core", func(s lab.Sample) float64 {
		return float64(time.Second) / float64(s.ServerCPU)
	}}
	return []report.Claim{
		ratio("B9", "ReserveStream ÷ unary Reserve, throughput per core of the server",
			stats.AtLeast(1.5), perCore.arm("stream", samples[0]), perCore.arm("unary", samples[1])),
		ratio("B9", "ReserveStream ÷ unary Reserve, throughput, load on the same cores",
			stats.Bound{}, throughput().arm("stream", samples[0]), throughput().arm("unary", samples[1])),
	}, nil
}
