package model

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Extend counts a hold's expiry anew from now.
func (m *Model) Extend(
	ctx context.Context, request reservation.ExtendRequest,
) (reservation.ChangeAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ChangeAnswer{}, err
	}
	c := s.reclaim()
	r := s.record(request.ID)
	if r == nil {
		c.finish()
		refusal := &reservation.Error{Reason: reservation.ReasonUnknownReservation}
		return reservation.ChangeAnswer{}, s.refuse(refusal)
	}
	c.expireIfDue(r)
	if r.state != reservation.StateHeld {
		c.finish()
		refusal := &reservation.Error{Reason: reservation.ReasonWrongState, State: r.state}
		return reservation.ChangeAnswer{}, s.refuse(refusal)
	}
	ttl := time.Duration(request.TTL.Milliseconds()) * time.Millisecond
	r.expireTime = s.now.Add(ttl)
	s.emit(reservation.Event{
		Type:        reservation.EventExtended,
		Reservation: r.id,
		State:       r.state,
		ExpireTime:  r.expireTime,
	})
	c.finish()
	return s.changed(r), nil
}

// changed answers with a reservation as it is after a call.
func (s *stock) changed(r *record) reservation.ChangeAnswer {
	return reservation.ChangeAnswer{Reservation: s.view(r), Stamp: s.stamp()}
}
