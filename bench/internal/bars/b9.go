package bars

import (
	"context"

	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// runB9 says that there is nothing to measure yet.
func runB9(context.Context, *bench) ([]report.Claim, error) {
	return []report.Claim{notRun("B9",
		"ReserveStream ÷ unary Reserve, throughput per core of the server", stats.AtLeast(1.5),
		"the server has no ReserveStream yet")}, nil
}
