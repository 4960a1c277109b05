package model

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Commit makes a hold firm; with Reacquire also one that expired.
func (m *Model) Commit(
	ctx context.Context, request reservation.CommitRequest,
) (reservation.ChangeAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ChangeAnswer{}, err
	}
	for {
		c := s.reclaim()
		r, refusal := c.commit(request)
		c.finish()
		if refusal != nil {
			return reservation.ChangeAnswer{}, s.refuse(refusal)
		}
		if r != nil {
			return s.changed(r), nil
		}
	}
}

// commit makes a reservation firm or refuses. With neither a reservation nor a refusal the call has
// to start anew.
func (c *change) commit(request reservation.CommitRequest) (*record, *reservation.Error) {
	r := c.record(request.ID)
	if r == nil {
		return nil, &reservation.Error{Reason: reservation.ReasonUnknownReservation}
	}
	if r.isDue(c.now) {
		c.expire(r)
	}
	switch r.state {
	case reservation.StateHeld:
		r.state = reservation.StateCommitted
		c.emit(reservation.Event{
			Type:        reservation.EventCommitted,
			Reservation: r.id,
			State:       r.state,
			Term:        r.term,
		})
		return r, nil
	case reservation.StateCommitted, reservation.StateFulfilled:
		return r, nil
	case reservation.StateExpired:
		if request.Reacquire {
			return c.reacquire(r)
		}
	case reservation.StateReleased:
	}
	return nil, &reservation.Error{Reason: reservation.ReasonWrongState, State: r.state}
}
