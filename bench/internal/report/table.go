package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/holdfast-dev/holdfast/bench/internal/stats"
)

// Table returns the claims as a table for a terminal.
func (r *Report) Table() string { return r.rows().Render() }

// Markdown returns the claims as a table for a document.
func (r *Report) Markdown() string { return r.rows().RenderMarkdown() }

func (r *Report) rows() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = 0
	t.AppendHeader(table.Row{"Bar", "What", "Asked", "Median", "Spread", "Pairs", "Verdict", "Arms"})
	for _, c := range r.Claims {
		t.AppendRow(table.Row{
			c.Bar, c.What, c.Bound, c.median(), c.spread(), c.pairs(), c.Verdict(), c.arms(),
		})
	}
	return t
}

func (c *Claim) median() string {
	if len(c.Values) == 0 {
		return ""
	}
	return withUnit(stats.SpreadOf(c.Values).Median, c.Unit)
}

func (c *Claim) spread() string {
	if len(c.Values) < 2 {
		return ""
	}
	s := stats.SpreadOf(c.Values)
	return figure(s.Low) + "–" + figure(s.High)
}

func (c *Claim) pairs() string {
	if len(c.Values) == 0 || !c.Bound.Set {
		return ""
	}
	holding, _ := c.Bound.Verdict(c.Values)
	return fmt.Sprintf("%d/%d", holding, len(c.Values))
}

// arms tells the median of each arm, or why there is none.
func (c *Claim) arms() string {
	parts := make([]string, 0, len(c.Arms)+1)
	for _, arm := range c.Arms {
		parts = append(parts, arm.Name+" "+withUnit(stats.SpreadOf(arm.Values).Median, arm.Unit))
	}
	for _, text := range []string{c.Note, c.NotRun} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "; ")
}

func withUnit(value float64, unit string) string {
	if unit == "" {
		return figure(value)
	}
	return figure(value) + " " + unit
}

// figure writes a value with three digits that count, and whole from a hundred on.
func figure(value float64) string {
	size := math.Abs(value)
	switch {
	case size >= 1_000:
		whole := int64(math.Round(value))
		return fmt.Sprintf("%d,%03d", whole/1_000, max(whole, -whole)%1_000)
	case size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

// Origin says in a few lines what the figures were made with.
func (r *Report) Origin() string {
	m := r.Machine
	var b strings.Builder
	fmt.Fprintf(&b, "Measured %s at commit %s in %s by `%s`.\n",
		r.Started.UTC().Format("2 January 2006"), r.Commit, r.Took.Round(time.Second), r.Command)
	fmt.Fprintf(&b, "Machine: %s, %d cores, %d GiB, %s, %s; load average before the run %s.\n",
		m.Processor, m.Cores, m.MemoryBytes>>30, m.System, m.Go, m.Load)
	fmt.Fprintf(&b, "Stores: %s", m.Redis)
	if m.Postgres != "" {
		fmt.Fprintf(&b, ", %s", m.Postgres)
	}
	fmt.Fprintf(&b, ". Disk: write and fdatasync of 4 KiB %s (99th percentile %s)",
		m.Fdatasync.Median.Round(time.Microsecond), m.Fdatasync.P99.Round(time.Microsecond))
	if m.PgTestFsync > 0 {
		fmt.Fprintf(&b, "; pg_test_fsync, fdatasync of 8 KiB: %s", m.PgTestFsync.Round(time.Microsecond))
	}
	b.WriteString(".\n")
	if r.Quick {
		b.WriteString("A quick try: the figures mean nothing.\n")
	}
	return b.String()
}
