package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/books"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
)

// report prints the table and what must not be, and says whether all is well. ending stands before
// the verdict.
func (t *torture) report(ending string) bool {
	t.printTable()
	h := t.histories
	fmt.Fprintf(t.stdout, "\nhistories judged: %d of %d calls, %d of them open; "+
		"no order explains %d, undecided %d\n", h.Judged, h.Operations, h.Open, h.Illegal,
		h.Undecided)
	var notes, findings []string
	for _, scenario := range fault.Scenarios() {
		result := t.results[scenario.Name]
		for _, note := range result.Notes {
			notes = append(notes, scenario.Name+": "+note)
		}
		if result.Expected > 0 {
			notes = append(notes, fmt.Sprintf("%s: %s changes that were acknowledged are gone, "+
				"as durability none lets it; not counted as lost in the total", scenario.Name,
				grouped(result.Expected)))
		}
		findings = append(findings, result.Findings...)
	}
	notes, findings = append(notes, h.Notes...), append(findings, h.Findings...)
	for _, note := range notes {
		fmt.Fprintln(t.stdout, "  "+note)
	}
	total := t.total()
	isWell := len(findings) == 0 && total.Lost == 0 && total.Doubled == 0 &&
		total.Resolved == total.Unknown
	for _, finding := range findings {
		fmt.Fprintln(t.stdout, "MUST NOT BE: "+finding)
	}
	word := "all is well"
	if !isWell {
		word = "NOT well"
	}
	fmt.Fprintf(t.stdout, "%s%s: %v, %d rounds, seed %d\n", ending, word,
		time.Since(t.began).Round(time.Second), t.rounds, t.seed)
	return isWell
}

func (t *torture) printTable() {
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "fault\tinjected\tcalls\tacknowledged\trefused\tnot done\tunknown\t"+
		"resolved\tlost\tdoubled\t")
	var injected int64
	for _, scenario := range fault.Scenarios() {
		if result, ran := t.results[scenario.Name]; ran {
			injected += result.Injected
			counts := result.Counts
			counts.Lost -= result.Expected
			printRow(table, scenario.Name, result.Injected, counts)
		}
	}
	printRow(table, "total", injected, t.total())
	_ = table.Flush() // nothing is to be done about a terminal that takes no text
}

func printRow(table io.Writer, name string, injected int64, counts books.Counts) {
	fmt.Fprint(table, name, "\t", grouped(injected), "\t")
	for _, n := range []int64{
		counts.Calls, counts.Acknowledged, counts.Refused, counts.NothingDone, counts.Unknown,
		counts.Resolved, counts.Lost, counts.Doubled,
	} {
		fmt.Fprint(table, grouped(n), "\t")
	}
	fmt.Fprintln(table)
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// quietly is how often progress is told where it goes to a file.
const quietly = time.Minute

// progress tells where a run is: on one line of a terminal, or now and then.
type progress struct {
	out        io.Writer
	began      time.Time
	duration   time.Duration
	isTerminal bool
	last       time.Time
}

func newProgress(out io.Writer, began time.Time, duration time.Duration) progress {
	p := progress{out: out, began: began, duration: duration}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.isTerminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) tell(round int, what string, counts books.Counts) {
	if !p.isTerminal && time.Since(p.last) < quietly {
		return
	}
	p.last = time.Now()
	text := fmt.Sprintf("%v of %v, round %d, %s: %s calls, %s unknown, lost %d, doubled %d",
		time.Since(p.began).Round(time.Second), p.duration, round, what, grouped(counts.Calls),
		grouped(counts.Unknown), counts.Lost, counts.Doubled)
	if p.isTerminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintln(p.out, text)
}

func (p *progress) end() {
	if p.isTerminal {
		fmt.Fprintln(p.out)
	}
}
