package report

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Plot draws the latencies of every arm over its throughput, as SVG: the 50th percentile as a line,
// the 99th dashed.
func (r *Report) Plot() ([]byte, error) {
	p := plot.New()
	p.Title.Text = "Reserve, 3 lines over 1,000 SKUs, open loop"
	p.X.Label.Text = "answered, calls a second"
	p.Y.Label.Text = "latency, ms (line: p50, dashed: p99)"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.X.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for i, curve := range r.Curves {
		if len(curve.Points) == 0 {
			continue
		}
		if err := addCurve(p, curve, i); err != nil {
			return nil, fmt.Errorf("plot arm %s: %w", curve.Arm, err)
		}
	}
	const width, height = 9 * vg.Inch, 5.5 * vg.Inch
	canvas := vgsvg.New(width, height)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	return out.Bytes(), nil
}

func addCurve(p *plot.Plot, curve Curve, i int) error {
	line, points, err := plotter.NewLinePoints(pointsOf(curve, func(at Point) time.Duration {
		return at.P50
	}))
	if err != nil {
		return err
	}
	tail, err := plotter.NewLine(pointsOf(curve, func(at Point) time.Duration { return at.P99 }))
	if err != nil {
		return err
	}
	colour := plotutil.Color(i)
	line.Color, points.Color, tail.Color = colour, colour, colour
	points.Shape = plotutil.Shape(i)
	tail.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(line, points, tail)
	p.Legend.Add(curve.Arm, line, points)
	return nil
}

func pointsOf(curve Curve, latency func(at Point) time.Duration) plotter.XYs {
	points := make(plotter.XYs, len(curve.Points))
	for i, at := range curve.Points {
		points[i].X = at.Answered
		points[i].Y = math.Max(latency(at).Seconds()*1e3, 1e-3) // the scale knows no zero
	}
	return points
}
