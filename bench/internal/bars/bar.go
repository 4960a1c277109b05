package bars

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
)

// Bar is one bar.
type Bar struct {
	ID, Title string
	// Takes is about how long it takes with five pairs.
	Takes time.Duration
	run   func(ctx context.Context, b *bench) ([]report.Claim, error)
}

// All returns every bar, in the order in which they run.
func All() []Bar {
	return []Bar{
		{"B1", "unary Reserve beside an empty handler", 75 * time.Second, runB1},
		{"B2", "one hot SKU, durable, beside PostgreSQL", 95 * time.Second, runB2},
		{"B3", "3 lines over 1,000 SKUs, durable, beside PostgreSQL", 95 * time.Second, runB3},
		{"B4", "processor time inside Redis beside a script a call", 80 * time.Second, runB4},
		{"B5", "a lone caller beside a script a call", 25 * time.Second, runB5},
		{"B6", "durable beside not durable", 40 * time.Second, runB6},
		{"B7", "a queue of 100,000 and a SKU sold out", 65 * time.Second, runB7},
		{"B8", "a million SKUs and a million reservations", 85 * time.Second, runB8},
		{"B9", "ReserveStream beside unary Reserve", 40 * time.Second, runB9},
		{"B10", "100,000 holds expire at once", 105 * time.Second, runB10},
		{"B11", "a restock fills 10,000 who wait", 50 * time.Second, runB11},
		{"W", "fifty watchers of one stock", 60 * time.Second, runWatchers},
		{"S", "two servers before one Redis", 40 * time.Second, runServers},
		{"B14", "real orders, durable, beside PostgreSQL", 100 * time.Second, runB14},
	}
}

// Plan says how much is measured.
type Plan struct {
	Pairs int
	// Warm and Measure are how long each run of a closed loop warms up and is measured.
	Warm, Measure time.Duration
	// Quick is for a try: sizes are a hundredth, and the figures mean nothing.
	Quick bool
	// Orders is the file of real orders.
	Orders string
	// Say takes lines of progress.
	Say func(line string)
}

// NewPlan makes a plan of so many pairs.
func NewPlan(pairs int, quick bool, orders string, say func(line string)) Plan {
	p := Plan{
		Pairs: pairs, Warm: 500 * time.Millisecond, Measure: 3 * time.Second, Quick: quick,
		Orders: orders, Say: say,
	}
	if quick {
		p.Warm, p.Measure = 100*time.Millisecond, 300*time.Millisecond
	}
	return p
}

// size returns how many things a bar asks for, fewer in a try.
func (p *Plan) size(full int) int {
	if p.Quick {
		return max(1, full/100)
	}
	return full
}

// span returns how long a bar asks for, shorter in a try.
func (p *Plan) span(full time.Duration) time.Duration {
	if p.Quick {
		return full / 5
	}
	return full
}

// Run runs the bar in a lab.
func (b Bar) Run(ctx context.Context, in *lab.Lab, plan Plan) (claims []report.Claim, err error) {
	scope := in.Scope()
	defer func() {
		if closing := scope.Close(); closing != nil && err == nil {
			err = closing
		}
	}()
	claims, err = b.run(ctx, &bench{lab: scope, plan: plan, bar: b.ID})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.ID, err)
	}
	return claims, nil
}

// bench is what a bar works at.
type bench struct {
	lab  *lab.Lab
	plan Plan
	bar  string
}

const (
	// callers is how many call at once.
	callers = 256
	// connections is over how many connections: enough that none is what limits.
	connections = 8
	// spreadSKUs and spreadLines are the shop of most bars: 3 lines over 1,000 SKUs.
	spreadSKUs  = 1_000
	spreadLines = 3
	// holdFor is how long reservations are held where they are.
	holdFor = 15 * time.Minute
)

// hot is one unit of one SKU, spread is 3 lines over 1,000 SKUs; both as a checkout would, held.
func hot() load.Work { return load.Work{SKUs: 1, Lines: 1, TTL: holdFor} }

func spread() load.Work { return load.Work{SKUs: spreadSKUs, Lines: spreadLines, TTL: holdFor} }

// closed makes a job of a closed loop.
func (b *bench) closed(work load.Work) load.Job {
	return load.Job{
		Work: work, Callers: callers, Connections: connections, For: b.plan.Measure,
	}
}

// measure warms up, runs a job and checks the store's figures.
func (b *bench) measure(
	ctx context.Context, s *lab.Subject, job load.Job,
) (lab.Sample, error) {
	warm := job
	warm.For = b.plan.Warm
	if _, err := s.Run(ctx, warm); err != nil {
		return lab.Sample{}, err
	}
	sample, err := s.Run(ctx, job)
	if err != nil {
		return lab.Sample{}, err
	}
	return sample, s.Verify(ctx)
}

// fresh measures on a new stock in an empty store.
func (b *bench) fresh(s *lab.Subject, goods lab.Goods, job load.Job) turn {
	return func(ctx context.Context) (lab.Sample, error) {
		if err := s.Fill(ctx, goods); err != nil {
			return lab.Sample{}, err
		}
		return b.measure(ctx, s, job)
	}
}

// turn is one arm's run within a pair.
type turn func(ctx context.Context) (lab.Sample, error)

// alternate runs the turns of every pair, every other pair in reverse, and returns each one's
// samples.
func (b *bench) alternate(ctx context.Context, turns ...turn) ([][]lab.Sample, error) {
	samples := make([][]lab.Sample, len(turns))
	for pair := range b.plan.Pairs {
		for i := range turns {
			at := i
			if pair%2 == 1 {
				at = len(turns) - 1 - i
			}
			sample, err := turns[at](ctx)
			if err != nil {
				return nil, fmt.Errorf("pair %d: %w", pair+1, err)
			}
			samples[at] = append(samples[at], sample)
		}
		b.plan.Say(fmt.Sprintf("%s pair %d/%d: %s", b.bar, pair+1, b.plan.Pairs, rates(samples)))
	}
	return samples, nil
}

// rates says the newest rates of all turns.
func rates(samples [][]lab.Sample) string {
	var text string
	for i, list := range samples {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%.0f/s", list[len(list)-1].Rate)
	}
	return text
}
