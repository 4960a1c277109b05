package model

import (
	"cmp"
	"context"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// due returns the holds that have run out, in the order in which they are reclaimed.
func (s *stock) due() []*record {
	var list []*record
	for _, r := range s.records {
		if r.isDue(s.now) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *record) int {
		return cmp.Or(a.expireTime.Compare(b.expireTime), byName(a.id, b.id))
	})
	return list
}

// reclaim begins a change with one round of reclaiming: holds that have run out, until their lines
// have cost a budget. Only where the round is full may more be due, and they matter only where the
// call's answer would be worse for them: then it finishes the round as a change of its own and
// starts anew.
func (s *stock) reclaim() *change {
	c := s.begin()
	spent := 0
	for _, r := range s.due() {
		if spent >= reservation.LineBudget {
			break
		}
		spent += r.weight()
		c.expire(r)
		c.reclaimed++
	}
	c.isFull = spent >= reservation.LineBudget
	return c
}

// weight is what reclaiming a hold costs of a budget.
func (r *record) weight() int { return max(1, len(r.lines)) }

// reclaimAll reclaims every hold that has run out, round after round, each a change of its own:
// what comes before a read of figures.
func (s *stock) reclaimAll() {
	for len(s.due()) > 0 {
		s.reclaim().finish()
	}
}

// Sweep reclaims holds that have run out, about [reservation.LineBudget] lines of them, in the
// order of expire time and id, and returns how many holds. What it meets at the head of a queue
// besides is not counted.
func (m *Model) Sweep(ctx context.Context, stock reservation.StockID) (reclaimed int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return 0, err
	}
	c := s.reclaim()
	c.finish()
	return c.reclaimed, nil
}

// Drain works off about [reservation.LineBudget] queue lines that units are due to, SKU by SKU in
// the order of their bytes. It returns what that cost: one a line that was filled, and the lines of
// each hold that was reclaimed.
func (m *Model) Drain(ctx context.Context, stock reservation.StockID) (handled int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return 0, err
	}
	c := s.begin()
	var filling []reservation.SKU
	for _, sku := range s.sortedSKUs() {
		if s.items[sku].filling > 0 {
			filling = append(filling, sku)
		}
	}
	c.workOff(filling)
	c.compareThresholds()
	return c.handled, nil
}

// Purge forgets up to [reservation.LineBudget] finished reservations and, after them, request ids
// whose retention is over, each in the order of time and id, and returns how many. No other call
// can tell, but for the space.
func (m *Model) Purge(ctx context.Context, stock reservation.StockID) (purged int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return 0, err
	}
	for _, r := range s.forgottenRecords() {
		if purged < reservation.LineBudget {
			delete(s.records, r.id)
			purged++
		}
	}
	for _, r := range s.forgottenRequests() {
		if purged < reservation.LineBudget {
			delete(s.requests, r.id)
			purged++
		}
	}
	return purged, nil
}

func (s *stock) forgottenRecords() []*record {
	var list []*record
	for _, r := range s.records {
		if s.isForgotten(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *record) int {
		return cmp.Or(a.finishTime.Compare(b.finishTime), byName(a.id, b.id))
	})
	return list
}

func (s *stock) forgottenRequests() []*request {
	var list []*request
	for _, r := range s.requests {
		if s.isOver(r.time) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *request) int {
		return cmp.Or(a.time.Compare(b.time), byName(a.id, b.id))
	})
	return list
}
