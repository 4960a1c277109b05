// Package stats says what a few runs amount to.
package stats

import (
	"fmt"
	"slices"
)

// Spread is the median of values and between what they lie.
type Spread struct{ Median, Low, High float64 }

// SpreadOf returns the spread of values; of none it is zero.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Low: sorted[0], High: sorted[len(sorted)-1]}
}

// Bound is what a figure must reach. The zero value asks nothing.
type Bound struct {
	// AtLeast says that Limit is the least; otherwise it is the most.
	AtLeast bool
	Limit   float64
	Set     bool
}

// AtLeast makes a lower bound.
func AtLeast(limit float64) Bound { return Bound{AtLeast: true, Limit: limit, Set: true} }

// AtMost makes an upper bound.
func AtMost(limit float64) Bound { return Bound{Limit: limit, Set: true} }

// Holds says whether a value is within the bound.
func (b Bound) Holds(value float64) bool {
	switch {
	case !b.Set:
		return true
	case b.AtLeast:
		return value >= b.Limit
	}
	return value <= b.Limit
}

// String returns the bound as people write it; empty where nothing is asked.
func (b Bound) String() string {
	switch {
	case !b.Set:
		return ""
	case b.AtLeast:
		return fmt.Sprintf("≥ %g", b.Limit)
	}
	return fmt.Sprintf("≤ %g", b.Limit)
}

// Verdict counts the values within the bound; a bar holds when at least four of five pairs hold it,
// or as great a part of another number.
func (b Bound) Verdict(values []float64) (holding int, holds bool) {
	for _, value := range values {
		if b.Holds(value) {
			holding++
		}
	}
	const of, most = 5, 4
	return holding, len(values) > 0 && holding*of >= len(values)*most
}
