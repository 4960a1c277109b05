package model

import (
	"context"
	"reflect"
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// SetPolicy changes a SKU's own policy and creates the SKU; a repeat changes nothing.
func (m *Model) SetPolicy(
	ctx context.Context,
	stock reservation.StockID, sku reservation.SKU, change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	s.reclaim().finish()
	it, known := s.items[sku]
	if !known {
		it = &item{}
		s.items[sku] = it
	}
	after := apply(change, it.own)
	if !known || !reflect.DeepEqual(after, it.own) {
		it.own = after
		s.emit(reservation.Event{
			Type:   reservation.EventPolicyChanged,
			Lines:  []reservation.EventLine{{SKU: sku}},
			Policy: after,
		})
	}
	return reservation.PolicyAnswer{Own: it.own, Effective: s.policy(sku), Stamp: s.stamp()}, nil
}

// Policy returns a SKU's own policy and the one in force.
func (m *Model) Policy(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
) (reservation.PolicyAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	if unknown := s.unknown([]reservation.SKU{sku}); unknown != nil {
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownSKU, SKUs: unknown}
		return reservation.PolicyAnswer{}, s.refuse(refusal)
	}
	return reservation.PolicyAnswer{Own: s.items[sku].own, Effective: s.policy(sku)}, nil
}

// SetDefaultPolicy changes the stock's default policy; a repeat changes nothing.
func (m *Model) SetDefaultPolicy(
	ctx context.Context, stock reservation.StockID, change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	s.reclaim().finish()
	after := apply(change, s.byDefault)
	if !reflect.DeepEqual(after, s.byDefault) {
		s.byDefault = after
		s.emit(reservation.Event{Type: reservation.EventPolicyChanged, Policy: after})
	}
	answer := s.defaultPolicy()
	answer.Stamp = s.stamp()
	return answer, nil
}

// DefaultPolicy returns the stock's default policy.
func (m *Model) DefaultPolicy(
	ctx context.Context, stock reservation.StockID,
) (reservation.PolicyAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, stock)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	return s.defaultPolicy(), nil
}

func (s *stock) defaultPolicy() reservation.PolicyAnswer {
	inForce := reservation.Resolve(reservation.Policy{}, s.byDefault)
	return reservation.PolicyAnswer{Own: s.byDefault, Effective: inForce}
}

// apply changes a policy; the result shares no list with the caller's change.
func apply(change reservation.PolicyChange, own reservation.Policy) reservation.Policy {
	after := change.Apply(own)
	after.Substitutes.Value = slices.Clone(after.Substitutes.Value)
	return after
}
