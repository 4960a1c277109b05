package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
)

// WriteJSON writes the report for scripts.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Write writes the report for people.
func (r *Report) Write(w io.Writer) {
	stream, interrupted := "", ""
	if r.Stream {
		stream = " over one stream"
	}
	if r.Interrupted {
		interrupted = ", interrupted"
	}
	fmt.Fprintf(w, "run %s in stock %s: %d callers%s, %.1f s%s\n\n",
		r.Run, r.Stock, r.Concurrency, stream, r.Seconds, interrupted)
	r.writeVolumes(w)
	fmt.Fprintln(w)
	r.writeCalls(w)
	fmt.Fprintln(w)
	r.writeLatency(w)
	fmt.Fprintf(w, "\n%s of %d skipped: no call says them\n",
		output.Count(r.SkippedRows, "row"), r.Rows)
	for _, call := range slices.Sorted(maps.Keys(r.OtherRefusals)) {
		fmt.Fprintf(w, "refused beside the orders: %d by %s\n", r.OtherRefusals[call], call)
	}
	for _, message := range r.Errors {
		fmt.Fprintf(w, "error: %s\n", message)
	}
	r.writeVerification(w)
}

func (r *Report) writeVolumes(w io.Writer) {
	t := output.NewTable(output.Left(""), output.Right("orders", "lines", "units"))
	row := func(name string, v Volume) { t.Row(name, v.Orders, v.Lines, v.Units) }
	row("asked", r.Asked)
	row("reserved", r.Reserved)
	row("  backordered", r.Backordered)
	for _, end := range []struct {
		name string
		Volume
	}{
		{"  held", r.Held},
		{"  committed", r.Committed},
		{"  cancelled", r.Cancelled},
		{"  expired", r.Expired},
		{"  still held", r.StillHeld},
	} {
		if end.Orders > 0 || (r.Held.Orders > 0 && end.name != "  still held") {
			row(end.name, end.Volume)
		}
	}
	row("refused", r.Refused)
	for _, reason := range slices.Sorted(maps.Keys(r.Refusals)) {
		v := r.Refusals[reason]
		if reason == NotDetailed {
			t.Row("  (beyond the details)", v.Orders, v.Lines, "-")
			continue
		}
		row("  "+reason, *v)
	}
	t.Write(w)
}

func (r *Report) writeCalls(w io.Writer) {
	t := output.NewTable(output.Left("call"), output.Right(
		"sent", "accepted", "replayed", "refused", "invalid", "errors", "retries"))
	row := func(name string, c Calls) {
		t.Row(name, c.Sent, c.Accepted, c.Replayed, c.Refused, c.Invalid, c.Failed, c.Retried)
	}
	row("Reserve", r.Reserve)
	row("Restock", r.Restock)
	for _, kind := range []Kind{Correction, Placing, Abandoning} {
		if calls := r.calls(kind); calls.Sent > 0 {
			row(kind.Call(), *calls)
		}
	}
	t.Write(w)
}

func (r *Report) writeLatency(w io.Writer) {
	t := output.NewTable(output.Right("calls a second", "p50", "p99", "p99.9", "longest"))
	t.Row(fmt.Sprintf("%.0f", r.CallsPerSecond), milliseconds(r.Latency.P50),
		milliseconds(r.Latency.P99), milliseconds(r.Latency.P999), milliseconds(r.Latency.Max))
	t.Write(w)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func (r *Report) writeVerification(w io.Writer) {
	v := r.Verification
	if v == nil {
		fmt.Fprintln(w, "not verified")
		return
	}
	switch {
	case v.Skipped != "":
		fmt.Fprintf(w, "not held against the file and the answers: %s\n", v.Skipped)
	case len(v.Differences) == 0:
		fmt.Fprintf(w, "%s verified: on hand, reserved, available and backordered are what the "+
			"file and the answers give\n", output.Count(v.SKUs, "SKU"))
	default:
		writeDifferences(w, v.Differences, "the file and the answers give "+
			"(does somebody else use this stock?)")
	}
	v.Journal.write(w)
}

func (v *JournalVerification) write(w io.Writer) {
	for _, fault := range v.Faults {
		fmt.Fprintf(w, "a fault of the journal: %s\n", fault)
	}
	switch {
	case v.Skipped != "":
		fmt.Fprintf(w, "not held against the journal: %s\n", v.Skipped)
	case len(v.Differences) > 0:
		writeDifferences(w, v.Differences, "the journal gives")
	case len(v.Faults) == 0:
		fmt.Fprintf(w, "journal verified: on hand, reserved and backordered are what its %s, "+
			"%d EXPIRED, give\n", output.Count(v.Events, "event"), v.Expired)
	}
}

func writeDifferences(w io.Writer, differences []Difference, from string) {
	const shownDifferences = 20
	fmt.Fprintf(w, "%s from what %s\n", output.Count(len(differences), "difference"), from)
	t := output.NewTable(output.Left("sku", "figure"), output.Right("expected", "found"))
	for _, d := range differences[:min(len(differences), shownDifferences)] {
		t.Row(d.SKU, d.Figure, d.Expected, d.Found)
	}
	t.Write(w)
	if more := len(differences) - shownDifferences; more > 0 {
		fmt.Fprintf(w, "and %d more\n", more)
	}
}
