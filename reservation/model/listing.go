package model

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Reservations pages through the reservations in one state. What has run out is reclaimed first.
func (m *Model) Reservations(
	ctx context.Context, request reservation.ListReservationsRequest,
) (reservation.ReservationsAnswer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, err := m.enter(ctx, request.Stock)
	if err != nil {
		return reservation.ReservationsAnswer{}, err
	}
	s.reclaimAll()
	list := s.listed(request.State, request.After)
	var page []*record
	lines := 0
	for _, r := range list {
		if len(page) == request.Limit || lines >= reservation.MaxPageLines {
			break
		}
		page = append(page, r)
		lines += len(r.lines)
	}
	answer := reservation.ReservationsAnswer{StoreTime: s.now}
	for _, r := range page {
		answer.Reservations = append(answer.Reservations, s.view(r))
	}
	if len(list) > len(page) {
		answer.Next = reservation.Some(s.cursor(page[len(page)-1]))
	}
	return answer, nil
}

// listed returns the reservations in a state that stand behind a place in the list, in its order.
func (s *stock) listed(state reservation.State, after reservation.Cursor) []*record {
	var list []*record
	for _, r := range s.records {
		isListed := r.state == state && !s.isForgotten(r) && !r.isDue(s.now)
		if isListed && compareCursors(s.cursor(r), after) > 0 {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *record) int {
		return compareCursors(s.cursor(a), s.cursor(b))
	})
	return list
}

// cursor is a reservation's place in the list of its state.
func (s *stock) cursor(r *record) reservation.Cursor {
	return reservation.Cursor{Score: s.listedBy(r).UnixMilli(), Name: r.id.String()}
}

// listedBy is the time by which the list of a reservation's state is ordered.
func (s *stock) listedBy(r *record) time.Time {
	switch r.state {
	case reservation.StateHeld:
		return r.expireTime
	case reservation.StateCommitted:
		return r.createTime
	case reservation.StateFulfilled, reservation.StateReleased, reservation.StateExpired:
		return r.finishTime.Add(s.retention)
	}
	return time.Time{}
}

func compareCursors(a, b reservation.Cursor) int {
	return cmp.Or(cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Score, b.Score),
		cmp.Compare(a.Name, b.Name))
}
