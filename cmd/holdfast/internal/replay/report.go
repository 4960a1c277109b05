package replay

import (
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"google.golang.org/grpc/codes"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Report is what came of a run. Its JSON form is for scripts.
type Report struct {
	Stock       string `json:"stock"`
	Run         string `json:"run"`
	Concurrency int    `json:"concurrency"`
	// Stream says that the orders were sent over one ReserveStream.
	Stream  bool    `json:"stream"`
	Seconds float64 `json:"seconds"`
	// Interrupted says that the run was stopped before its end.
	Interrupted bool `json:"interrupted"`

	// Rows counts the file's; SkippedRows those that no call says.
	Rows        int `json:"rows"`
	SkippedRows int `json:"skipped_rows"`

	Asked       Volume `json:"asked"`
	Reserved    Volume `json:"reserved"`
	Backordered Volume `json:"backordered"`
	Refused     Volume `json:"refused"`
	// Refusals has the refused orders and lines by reason. An order that is refused for two reasons
	// counts under both; lines that did not fit into an answer's details are under NotDetailed.
	Refusals map[string]*Volume `json:"refusals"`

	// Held is what the accepted orders hold or held, by what became of it: Committed, Expired, or
	// StillHeld. Cancelled are released orders, held or not.
	Held      Volume `json:"held"`
	Committed Volume `json:"committed"`
	Cancelled Volume `json:"cancelled"`
	Expired   Volume `json:"expired"`
	StillHeld Volume `json:"still_held"`

	Reserve     Calls `json:"reserve"`
	Restock     Calls `json:"restock"`
	AdjustStock Calls `json:"adjust_stock"`
	Commit      Calls `json:"commit"`
	Release     Calls `json:"release"`

	// OtherRefusals counts refused calls that are no orders, by reason.
	OtherRefusals map[string]int64 `json:"other_refusals,omitempty"`

	Latency        Latency `json:"latency"`
	CallsPerSecond float64 `json:"calls_per_second"`

	// Errors are the first few errors that are no refusals of the contract.
	Errors []string `json:"errors,omitempty"`

	Verification *Verification `json:"verification,omitempty"`

	histogram *hdr.Histogram
}

// NotDetailed stands for the reason of refused lines that did not fit into an answer's details.
const NotDetailed = "NOT_DETAILED"

// Volume is how much: orders, their lines and their units.
type Volume struct {
	Orders int64 `json:"orders"`
	Lines  int64 `json:"lines"`
	Units  int64 `json:"units"`
}

func (v *Volume) add(lines []Line) {
	v.Orders++
	v.Lines += int64(len(lines))
	for _, line := range lines {
		v.Units += line.Units
	}
}

// Calls is what came of the calls of one kind. Sent = Accepted + Replayed + Refused + Invalid +
// Failed.
type Calls struct {
	Sent     int64 `json:"sent"`
	Accepted int64 `json:"accepted"`
	Replayed int64 `json:"replayed"`
	// Refused are refusals by the contract but those that are Invalid: shape or a limit.
	Refused int64 `json:"refused"`
	Invalid int64 `json:"invalid"`
	// Failed got no answer of the contract, whatever was tried.
	Failed int64 `json:"failed"`
	// Retried counts the tries after the first.
	Retried int64 `json:"retried"`
}

// Latency is how long single tries took, as the caller saw it.
type Latency struct {
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p99_9_ns"`
	Max  time.Duration `json:"max_ns"`
}

// IsClean says whether nothing went wrong: every answer was one of the contract's, all were sent,
// and the stock holds what the fold says.
func (r *Report) IsClean() bool {
	failed := r.Reserve.Failed + r.Restock.Failed + r.AdjustStock.Failed + r.Commit.Failed +
		r.Release.Failed
	return !r.Interrupted && failed == 0 && (r.Verification == nil || r.Verification.isClean())
}

// Tries are recorded in microseconds, to three digits.
const (
	longestTry = 2 * tryTimeout
	digits     = 3
)

func newReport(o Options, history History) *Report {
	return &Report{
		Stock: o.Stock, Run: o.Run, Concurrency: o.Concurrency, Stream: o.Stream,
		Rows: history.Rows, SkippedRows: history.SkippedRows,
		Refusals: map[string]*Volume{}, OtherRefusals: map[string]int64{},
		histogram: hdr.New(1, longestTry.Microseconds(), digits),
	}
}

// add counts an answer.
func (r *Report) add(a *Answer) {
	for _, took := range a.Tries {
		// It fails only above the longest, which is as good as that here.
		_ = r.histogram.RecordValue(min(max(1, took.Microseconds()), longestTry.Microseconds()))
	}
	calls := r.calls(a.Entry.Kind)
	if a.Entry.Kind == Order {
		r.Asked.add(a.Entry.Lines)
	}
	calls.Sent++
	calls.Retried += int64(len(a.Tries) - 1)
	if a.Err != nil {
		r.addError(calls, a)
		return
	}
	if a.Replayed {
		calls.Replayed++
	} else {
		calls.Accepted++
	}
	if a.Entry.Kind == Order {
		r.Reserved.add(a.Entry.Lines)
		r.addBackordered(a)
	}
}

// calls returns the counts of the call that a kind is sent as.
func (r *Report) calls(kind Kind) *Calls {
	switch kind {
	case Order:
		return &r.Reserve
	case Cancellation, Supply, Refill:
		return &r.Restock
	case Correction:
		return &r.AdjustStock
	case Placing:
		return &r.Commit
	case Abandoning:
		return &r.Release
	}
	panic("an entry is of one of the kinds")
}

// addEnd counts what became of an order by an answer that the fold has.
func (r *Report) addEnd(a *Answer, f *fold) {
	if a.Err != nil {
		return
	}
	state := a.reservation().GetState()
	switch {
	case a.Entry.Kind == Order && a.reservation().GetExpireTime() != nil:
		r.Held.add(a.Entry.Lines)
		if a.Replayed && a.StateNow == "EXPIRED" {
			r.Expired.add(a.Entry.Lines)
		}
	case a.Entry.Kind == Placing:
		r.Committed.add(f.order(a.ID).lines)
	case a.Entry.Kind == Abandoning &&
		state == holdfastv1.ReservationState_RESERVATION_STATE_RELEASED:
		r.Cancelled.add(f.order(a.ID).lines)
	}
}

func (r *Report) addBackordered(a *Answer) {
	reservation := a.reservation()
	if reservation.GetBackordered() {
		r.Backordered.Orders++
	}
	for _, line := range reservation.GetLines() {
		if line.GetBackordered() {
			r.Backordered.Lines++
			r.Backordered.Units += line.GetBackorderedQuantity()
		}
	}
}

func (r *Report) addError(calls *Calls, a *Answer) {
	const shownErrors = 5
	p := problem.Of(a.Err)
	switch {
	case !p.IsRefusal():
		calls.Failed++
		if len(r.Errors) < shownErrors {
			r.Errors = append(r.Errors, a.String()+": "+p.Name()+": "+p.Message)
		}
		return
	case p.Code == codes.InvalidArgument:
		calls.Invalid++
	default:
		calls.Refused++
	}
	if a.Entry.Kind == Order {
		r.Refused.add(a.Entry.Lines)
		r.addRefusal(a, p)
	} else {
		r.OtherRefusals[a.Entry.Kind.Call()+" "+p.Name()]++
	}
}

// addRefusal counts a refused order by reason: by that of each refused line, or else by that of the
// whole, which then counts for all of its lines.
func (r *Report) addRefusal(a *Answer, p problem.Problem) {
	if len(p.Refusals) == 0 {
		r.refusals(p.Name()).add(a.Entry.Lines)
		return
	}
	seen := map[string]bool{}
	count := func(reason string, lines, units int64) {
		volume := r.refusals(reason)
		volume.Lines += lines
		volume.Units += units
		if !seen[reason] {
			seen[reason] = true
			volume.Orders++
		}
	}
	for _, refusal := range p.Refusals {
		count(output.Reason(refusal.GetReason()), 1, refusal.GetRequestedQuantity())
	}
	if more := p.RefusedLines - len(p.Refusals); more > 0 {
		count(NotDetailed, int64(more), 0)
	}
}

func (r *Report) refusals(reason string) *Volume {
	if r.Refusals[reason] == nil {
		r.Refusals[reason] = &Volume{}
	}
	return r.Refusals[reason]
}

// finish works out what the counts come to.
func (r *Report) finish(took time.Duration) {
	at := func(percentile float64) time.Duration {
		return time.Duration(r.histogram.ValueAtPercentile(percentile)) * time.Microsecond
	}
	r.Latency = Latency{
		P50: at(50), P99: at(99), P999: at(99.9),
		Max: time.Duration(r.histogram.Max()) * time.Microsecond,
	}
	r.Seconds = took.Seconds()
	if took > 0 {
		r.CallsPerSecond = float64(r.histogram.TotalCount()) / took.Seconds()
	}
}
