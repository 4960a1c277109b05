package bars

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/process"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// runB1 measures Reserve beside an empty handler: with Redis on one core and server and load on
// another, in both arms, and with all of them on all cores.
func runB1(ctx context.Context, b *bench) ([]report.Claim, error) {
	throughputBound, cpuBound := stats.AtLeast(0.8), stats.AtMost(10)
	const onTwo = ", Redis on one core, server and load on another"
	var claims []report.Claim
	if available := process.Cores(); process.CanPin && len(available) >= 2 {
		at := cores{store: available[:1], rest: available[1:2]}
		ours, echo, err := b.besideEcho(ctx, at)
		if err != nil {
			return nil, err
		}
		claims = append(claims,
			ratio("B1", "ours ÷ echo, throughput"+onTwo, throughputBound,
				throughput().arm("ours", ours), throughput().arm("echo", echo)),
			difference("B1", "server CPU per call, ours − echo"+onTwo, cpuBound,
				serverCPU().arm("ours", ours), serverCPU().arm("echo", echo)))
	} else {
		why := fmt.Sprintf("needs two cores to hold programs to, on Linux; here are %d",
			len(available))
		claims = append(claims, notRun("B1", "ours ÷ echo, throughput"+onTwo, throughputBound, why),
			notRun("B1", "server CPU per call, ours − echo"+onTwo, cpuBound, why))
	}
	ours, echo, err := b.besideEcho(ctx, cores{})
	if err != nil {
		return nil, err
	}
	return append(claims,
		ratio("B1", "ours ÷ echo, throughput, shared cores", stats.Bound{},
			throughput().arm("ours", ours), throughput().arm("echo", echo)),
		difference("B1", "server CPU per call, ours − echo, shared cores", stats.Bound{},
			serverCPU().arm("ours", ours), serverCPU().arm("echo", echo))), nil
}

// besideEcho runs the pairs in a scope of their own.
func (b *bench) besideEcho(
	ctx context.Context, at cores,
) (ourSamples, echoSamples []lab.Sample, err error) {
	scope := b.lab.Scope()
	defer func() {
		if closing := scope.Close(); closing != nil && err == nil {
			err = closing
		}
	}()
	in := &bench{lab: scope, plan: b.plan, bar: b.bar}
	loader, err := scope.Loader(at.rest)
	if err != nil {
		return nil, nil, err
	}
	ours, _, err := in.overRedis(ctx, arm.Config{Arm: arm.Ours}, at, loader)
	if err != nil {
		return nil, nil, err
	}
	echo, err := in.echo(ctx, at, loader)
	if err != nil {
		return nil, nil, err
	}
	goods, job := lab.Plenty(spreadSKUs), in.closed(spread())
	samples, err := in.alternate(ctx, in.fresh(ours, goods, job), in.fresh(echo, goods, job))
	if err != nil {
		return nil, nil, err
	}
	return samples[0], samples[1], nil
}
