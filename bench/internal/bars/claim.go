package bars

import (
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// figure is one figure of a sample.
type figure struct {
	unit string
	of   func(s lab.Sample) float64
}

func throughput() figure {
	return figure{"calls/s", func(s lab.Sample) float64 { return s.Rate }}
}

func serverCPU() figure {
	return figure{"µs/call", func(s lab.Sample) float64 { return micros(s.ServerCPU) }}
}

func storeCPU() figure {
	return figure{"µs/call", func(s lab.Sample) float64 { return micros(s.StoreCPU) }}
}

func median() figure {
	return figure{"µs", func(s lab.Sample) float64 { return micros(s.P50) }}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// arm returns an arm's figures.
func (f figure) arm(name string, samples []lab.Sample) report.Arm {
	a := report.Arm{Name: name, Unit: f.unit}
	for _, sample := range samples {
		a.Values = append(a.Values, f.of(sample))
	}
	return a
}

// ratio claims that one arm's figure ÷ another's, pair by pair, is within a bound.
func ratio(bar, what string, bound stats.Bound, over, under report.Arm) report.Claim {
	c := report.Claim{Bar: bar, What: what, Bound: bound, Arms: []report.Arm{over, under}}
	for i, value := range over.Values {
		c.Values = append(c.Values, value/under.Values[i])
	}
	return c
}

// difference claims that one arm's figure less another's, pair by pair, is within a bound.
func difference(bar, what string, bound stats.Bound, from, less report.Arm) report.Claim {
	c := report.Claim{
		Bar: bar, What: what, Unit: from.Unit, Bound: bound, Arms: []report.Arm{from, less},
	}
	for i, value := range from.Values {
		c.Values = append(c.Values, value-less.Values[i])
	}
	return c
}

// single claims that a value that was measured itself is within a bound.
func single(bar, what, unit string, bound stats.Bound, values ...float64) report.Claim {
	return report.Claim{Bar: bar, What: what, Unit: unit, Bound: bound, Values: values}
}

// notRun says why there is no value.
func notRun(bar, what string, bound stats.Bound, why string) report.Claim {
	return report.Claim{Bar: bar, What: what, Bound: bound, NotRun: why}
}
