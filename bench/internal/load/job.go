package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Work is what to reserve.
type Work struct {
	Stock string
	// Run begins every reservation id; RunLength bytes. First numbers the first reservation.
	Run   string
	First int64
	// SKUs is over how many SKUs lines are drawn, evenly, from FirstSKU on; Lines how many
	// different ones a reservation has, a unit of each.
	SKUs, FirstSKU, Lines int
	// Orders is a file of real orders to send instead, in its order and each once; From is the
	// first of them.
	Orders string
	From   int
	TTL    time.Duration // 0: firm at once
	// Until is when all holds expire together; it takes the place of TTL.
	Until time.Time
	// Seed decides which SKUs are drawn.
	Seed uint64
}

// RunLength is how long a run's name is: with the number an id has 18 bytes.
const RunLength = 6

// Job is one measurement.
type Job struct {
	Work        Work
	Address     string
	Connections int
	// Callers is how many calls may be under way at once.
	Callers int
	// Stream sends them over one ReserveStream a connection instead of one call each.
	Stream bool
	// For is how long calls are begun; with Calls at most so many are.
	For   time.Duration
	Calls int64
	// Rate, in calls a second, makes it an open loop.
	Rate float64
	// Interval divides an open loop's latencies; 0: not divided.
	Interval time.Duration
	// Stop ends the job under way instead of being one.
	Stop bool
}

func (j *Job) check() error {
	switch {
	case len(j.Work.Run) != RunLength:
		return fmt.Errorf("run %q is not %d bytes long", j.Work.Run, RunLength)
	case j.Callers < 1, j.Connections < 1:
		return errors.New("a job needs callers and connections")
	case j.For <= 0 && j.Calls <= 0:
		return errors.New("a job needs an end")
	case j.Rate < 0:
		return fmt.Errorf("rate %v is below 0", j.Rate)
	case j.Work.Orders == "" && (j.Work.Lines < 1 || j.Work.Lines > j.Work.SKUs):
		return fmt.Errorf("%d lines cannot be drawn from %d SKUs", j.Work.Lines, j.Work.SKUs)
	}
	return nil
}

// Result is what a job measured.
type Result struct {
	Started          time.Time
	Took             time.Duration
	Granted, Refused int64
	// Failed counts answers that are neither; Failure is the first of them.
	Failed  int64
	Failure string
	// Units are those granted, by the number of the SKU.
	Units []int64
	// Latency is a histogram of nanoseconds, encoded.
	Latency []byte
	// Late is how late the 99th percentile of an open loop's calls was sent although a caller was
	// free: what the load itself adds.
	Late time.Duration
	// Intervals are an open loop's latencies by scheduled time.
	Intervals []Interval
	// CPU is processor time that the load used.
	CPU time.Duration
}

// Interval is the latencies of the calls that were due from At, counted from Started, on.
type Interval struct {
	At      time.Duration
	Latency []byte // a histogram of nanoseconds, encoded; none: no call
}

// Answered is how many calls were answered as the contract says.
func (r *Result) Answered() int64 { return r.Granted + r.Refused }

// Rate is the calls answered in a second.
func (r *Result) Rate() float64 {
	if r.Took <= 0 {
		return 0
	}
	return float64(r.Answered()) / r.Took.Seconds()
}

// Quantile returns a latency, q from 0 to 100.
func (r *Result) Quantile(q float64) (time.Duration, error) {
	histogram, err := hdrhistogram.Decode(r.Latency)
	if err != nil {
		return 0, fmt.Errorf("read the latencies: %w", err)
	}
	return time.Duration(histogram.ValueAtQuantile(q)), nil
}

// QuantileBetween returns a latency of the calls that were due from one time to another.
func (r *Result) QuantileBetween(from, to time.Duration, q float64) (time.Duration, error) {
	merged := newHistogram()
	for _, interval := range r.Intervals {
		if interval.At < from || interval.At >= to || len(interval.Latency) == 0 {
			continue
		}
		histogram, err := hdrhistogram.Decode(interval.Latency)
		if err != nil {
			return 0, fmt.Errorf("read the latencies: %w", err)
		}
		merged.Merge(histogram)
	}
	if merged.TotalCount() == 0 {
		return 0, fmt.Errorf("no call was due between %v and %v", from, to)
	}
	return time.Duration(merged.ValueAtQuantile(q)), nil
}

// The range of latencies that are told apart, ns, by three digits.
const (
	shortest = 100
	longest  = int64(time.Minute)
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(shortest, longest, 3) }

func encode(histogram *hdrhistogram.Histogram) ([]byte, error) {
	return histogram.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}
