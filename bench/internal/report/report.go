// Package report keeps what a run of the benchmarks found and shows it to people.
package report

import (
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/machine"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// Report is one run of the benchmarks.
type Report struct {
	Machine machine.Facts
	// Commit is what was measured; with "+" behind it there were changes that no commit has.
	Commit  string
	Command string
	// Quick says that it was a try whose figures mean nothing.
	Quick   bool `json:",omitempty"`
	Started time.Time
	Took    time.Duration
	Claims  []Claim
	Curves  []Curve `json:",omitempty"`
}

// Claim is one thing that a bar asks, or that is reported beside it.
type Claim struct {
	Bar  string // as benchmarks.md names it
	What string
	// Unit of the values; empty for a ratio.
	Unit  string `json:",omitempty"`
	Bound stats.Bound
	// Values are one a pair, in the order of the run.
	Values []float64
	// Arms are what the values were made of.
	Arms []Arm `json:",omitempty"`
	// NotRun says why there is nothing; empty where there is.
	NotRun string `json:",omitempty"`
	Note   string `json:",omitempty"`
}

// Arm is one arm's figures, one a pair.
type Arm struct {
	Name   string
	Unit   string
	Values []float64
}

// Curve is an arm's latency over throughput.
type Curve struct {
	Arm    string
	Points []Point
}

// Point is one load of an open loop.
type Point struct {
	Offered, Answered float64 // calls a second
	P50, P99          time.Duration
}

// The verdicts.
const (
	Holds    = "holds"
	Missed   = "MISSED"
	Reported = "reported"
	NotRun   = "not run"
)

// Verdict says whether the claim holds.
func (c *Claim) Verdict() string {
	switch _, holds := c.Bound.Verdict(c.Values); {
	case c.NotRun != "":
		return NotRun
	case !c.Bound.Set:
		return Reported
	case holds:
		return Holds
	}
	return Missed
}
