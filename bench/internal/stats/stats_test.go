package stats_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

func TestSpreadOf_TakesTheMiddle(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   stats.Spread
	}{
		{nil, stats.Spread{}},
		{[]float64{3}, stats.Spread{Median: 3, Low: 3, High: 3}},
		{[]float64{4, 1, 2, 9}, stats.Spread{Median: 3, Low: 1, High: 9}},
		{[]float64{5, 1, 2}, stats.Spread{Median: 2, Low: 1, High: 5}},
	} {
		if got := stats.SpreadOf(c.values); got != c.want {
			t.Errorf("spread of %v is %+v, want %+v", c.values, got, c.want)
		}
	}
}

func TestBound_HoldsWhenFourOfFivePairsHold(t *testing.T) {
	least, most := stats.AtLeast(0.8), stats.AtMost(10)
	for _, c := range []struct {
		bound   stats.Bound
		values  []float64
		holding int
		holds   bool
	}{
		{least, []float64{0.8, 0.9, 1, 2, 0.1}, 4, true},
		{least, []float64{0.8, 0.9, 1, 0.79, 0.1}, 3, false},
		{most, []float64{10, 10.1, 3, 3, 3}, 4, true},
		{most, []float64{11}, 0, false},
		{most, []float64{9}, 1, true},
		{most, nil, 0, false},
		{stats.Bound{}, []float64{1e9}, 1, true},
	} {
		holding, holds := c.bound.Verdict(c.values)
		if holding != c.holding || holds != c.holds {
			t.Errorf("%v of %v: %d, %v; want %d, %v", c.values, c.bound, holding, holds, c.holding,
				c.holds)
		}
	}
}
