package load

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/bench/internal/orders"
)

// SKU returns the name of the SKU with a number, 10 bytes long up to the millionth.
func SKU(number int) string { return fmt.Sprintf("sku-%06d", number) }

// source makes the requests of a job. Each caller draws from it with its own hand.
type source struct {
	work    Work
	skus    []string
	history *orders.History // nil: lines are drawn
	next    atomic.Int64
	ttl     *durationpb.Duration
	units   []atomic.Int64 // granted, by SKU
}

// newSource makes a source; history is that of work.Orders, if it names one.
func newSource(work Work, history *orders.History) *source {
	s := &source{work: work, history: history}
	if work.TTL > 0 {
		s.ttl = durationpb.New(work.TTL)
	}
	if history != nil {
		s.skus = history.SKUs
	} else {
		s.skus = make([]string, work.FirstSKU+work.SKUs)
		for i := range s.skus {
			s.skus[i] = SKU(i)
		}
	}
	s.units = make([]atomic.Int64, len(s.skus))
	return s
}

// hand is one caller's place to make requests in: nothing is allocated for a request but its id.
type hand struct {
	source  *source
	random  *rand.Rand
	request holdfastv1.ReserveRequest
	lines   []holdfastv1.LineQuantity
	numbers []int // of the SKUs of the request's lines
}

func (s *source) newHand(caller int) *hand {
	h := &hand{
		source: s, random: rand.New(rand.NewPCG(s.work.Seed, uint64(caller))), //nolint:gosec // draws
	}
	h.request.StockId, h.request.Ttl = s.work.Stock, s.ttl
	h.setLines(s.work.Lines)
	for _, line := range h.request.Lines {
		line.Quantity = 1
	}
	return h
}

// setLines gives the request so many lines.
func (h *hand) setLines(n int) {
	if n > len(h.lines) {
		h.lines = make([]holdfastv1.LineQuantity, n)
	}
	h.request.Lines, h.numbers = h.request.Lines[:0], h.numbers[:0]
	for i := range n {
		h.request.Lines = append(h.request.Lines, &h.lines[i])
		h.numbers = append(h.numbers, 0)
	}
}

// take makes the next request; false when there is none left.
func (h *hand) take() bool {
	number := h.source.next.Add(1) - 1
	h.request.ReservationId = ID(h.source.work.Run, h.source.work.First+number)
	if h.source.history != nil {
		return h.takeOrder(h.source.work.From + int(number))
	}
	if until := h.source.work.Until; !until.IsZero() {
		h.request.Ttl = durationpb.New(time.Until(until))
	}
	for i, line := range h.request.Lines {
		h.numbers[i] = h.draw(i)
		line.Sku = h.source.skus[h.numbers[i]]
	}
	return true
}

// draw returns a SKU that none of the lines before has.
func (h *hand) draw(line int) int {
	for {
		number := h.source.work.FirstSKU + h.random.IntN(h.source.work.SKUs)
		isNew := true
		for _, before := range h.numbers[:line] {
			isNew = isNew && before != number
		}
		if isNew {
			return number
		}
	}
}

func (h *hand) takeOrder(at int) bool {
	if at >= len(h.source.history.Orders) {
		return false
	}
	order := h.source.history.Orders[at]
	h.setLines(len(order))
	for i, line := range order {
		h.numbers[i] = line.SKU
		h.lines[i].Sku, h.lines[i].Quantity = h.source.skus[line.SKU], line.Units
	}
	return true
}

// granted notes what the request was granted.
func (h *hand) granted(answer *holdfastv1.ReserveResponse) {
	for i, line := range answer.GetReservation().GetLines() {
		h.source.units[h.numbers[i]].Add(line.GetReservedQuantity())
	}
}

// idDigits is how many digits an id's number has.
const idDigits = 12

// ID returns the id of a run's reservation with a number, 18 bytes long.
func ID(run string, number int64) string {
	var id [RunLength + idDigits]byte
	copy(id[:], run)
	for i := len(id) - 1; i >= RunLength; i-- {
		id[i] = byte('0' + number%10)
		number /= 10
	}
	return string(id[:])
}
