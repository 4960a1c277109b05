package model

import (
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// stock is everything that one stock holds.
type stock struct {
	id        reservation.StockID
	retention time.Duration
	now       time.Time // store time of the call that is being served

	byDefault reservation.Policy
	items     map[reservation.SKU]*item
	records   map[reservation.ReservationID]*record
	requests  map[reservation.RequestID]*request
	events    []reservation.Event
	told      chan struct{} // closed at the next event
}

func newStock(id reservation.StockID, retention time.Duration) *stock {
	return &stock{
		id:        id,
		retention: retention,
		items:     map[reservation.SKU]*item{},
		records:   map[reservation.ReservationID]*record{},
		requests:  map[reservation.RequestID]*request{},
		told:      make(chan struct{}),
	}
}

// item is one SKU: its figures, its own policy and the lines that wait, first in, first out.
type item struct {
	figures
	own     reservation.Policy
	queue   []entry
	tickets int64 // given to those who joined the queue
}

// entry is the place of one line in a queue. How many units it waits for stands in the line.
type entry struct {
	id     reservation.ReservationID
	index  int
	ticket int64 // rises from the head to the tail; a page of the queue ends at one
}

// policy returns the policy in force for a known SKU.
func (s *stock) policy(sku reservation.SKU) reservation.EffectivePolicy {
	return reservation.Resolve(s.items[sku].own, s.byDefault)
}

// record finds a reservation; one whose retention is over is as if it had never been, purged or
// not.
func (s *stock) record(id reservation.ReservationID) *record {
	r, there := s.records[id]
	if !there || s.isForgotten(r) {
		return nil
	}
	return r
}

func (s *stock) isForgotten(r *record) bool {
	return r.state.IsFinished() && s.isOver(r.finishTime)
}

// isOver says whether the retention of what ended at this time is over.
func (s *stock) isOver(end time.Time) bool {
	return !s.now.Before(end.Add(s.retention))
}

// sequence is the journal's after its last event. It is gap-free from 1 and nothing is trimmed
// here.
func (s *stock) sequence() int64 { return int64(len(s.events)) }

func (s *stock) emit(event reservation.Event) {
	event.Sequence = s.sequence() + 1
	event.Time = s.now
	s.events = append(s.events, event)
	close(s.told)
	s.told = make(chan struct{})
}

func (s *stock) stamp() reservation.Stamp {
	return reservation.Stamp{Sequence: s.sequence(), StoreTime: s.now}
}

// refuse stamps a refusal. It is called last, so that the stamp counts what the call reclaimed.
func (s *stock) refuse(refusal *reservation.Error) error {
	refusal.Stamp = s.stamp()
	return refusal
}

// unknown returns the SKUs that the stock does not have, in the order of the lines, each once.
func (s *stock) unknown(skus []reservation.SKU) []reservation.SKU {
	var missing []reservation.SKU
	for _, sku := range once(skus) {
		if s.items[sku] == nil {
			missing = append(missing, sku)
		}
	}
	return missing
}

// once returns each SKU at its first place only.
func once(skus []reservation.SKU) []reservation.SKU {
	seen := map[reservation.SKU]bool{}
	var list []reservation.SKU
	for _, sku := range skus {
		if !seen[sku] {
			seen[sku] = true
			list = append(list, sku)
		}
	}
	return list
}

func skusOf(lines []reservation.Line) []reservation.SKU {
	var skus []reservation.SKU
	for _, line := range lines {
		skus = append(skus, line.SKU)
	}
	return skus
}
