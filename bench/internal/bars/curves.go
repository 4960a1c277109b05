package bars

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
)

// CurvesTake is about how long the curves take.
const CurvesTake = 100 * time.Second

// curveLoads are the parts of an arm's own capacity at which its latencies are measured.
func curveLoads() []float64 { return []float64{0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1} }

// Curves measures latency over throughput: every arm on 3 lines over 1,000 SKUs, what keeps
// anything durable, by an open loop at parts of the capacity that a closed loop found.
func Curves(ctx context.Context, in *lab.Lab, plan Plan) (curves []report.Curve, err error) {
	scope := in.Scope()
	defer func() { err = errors.Join(err, scope.Close()) }()
	b := &bench{lab: scope, plan: plan, bar: "curves"}
	loader, err := scope.Loader(nil)
	if err != nil {
		return nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), b.closed(spread())
	ours, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours, Durable: true}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	naive, _, err := b.bestNaive(ctx, redis, loader, goods, job,
		func(a, b lab.Sample) bool { return a.Rate > b.Rate })
	if err != nil {
		return nil, err
	}
	postgres, _, err := b.overPostgres(ctx, arm.Postgres, loader, goods, job)
	if err != nil {
		return nil, err
	}
	batched, _, err := b.overPostgres(ctx, arm.PostgresBatched, loader, goods, job)
	if err != nil {
		return nil, err
	}
	echo, err := b.echo(ctx, cores{}, loader)
	if err != nil {
		return nil, err
	}
	for _, s := range []*lab.Subject{echo, ours, naive, postgres, batched} {
		curve, err := b.curve(ctx, s, goods)
		if err != nil {
			return nil, err
		}
		curves = append(curves, curve)
	}
	return curves, nil
}

func (b *bench) curve(
	ctx context.Context, s *lab.Subject, goods lab.Goods,
) (report.Curve, error) {
	curve := report.Curve{Arm: string(s.Arm)}
	full, err := b.fresh(s, goods, b.closed(spread()))(ctx)
	if err != nil {
		return curve, err
	}
	for _, part := range curveLoads() {
		if err := s.Fill(ctx, goods); err != nil {
			return curve, err
		}
		job := b.open(spread(), part*full.Rate, b.plan.span(1500*time.Millisecond))
		job.Interval = 0
		sample, err := s.Run(ctx, job)
		if err != nil {
			return curve, err
		}
		if err := s.Verify(ctx); err != nil {
			return curve, err
		}
		curve.Points = append(curve.Points, report.Point{
			Offered: job.Rate, Answered: sample.Rate, P50: sample.P50, P99: sample.P99,
		})
	}
	b.plan.Say(fmt.Sprintf("curves: %s up to %.0f/s", s.Arm, full.Rate))
	return curve, nil
}
