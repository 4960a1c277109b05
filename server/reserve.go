package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Reserve promises units to a reservation; see the proto for its reasons. A replay says so in the
// response's metadata, with the state of the reservation now.
func (s *reservationService) Reserve(
	ctx context.Context, in *holdfastv1.ReserveRequest,
) (*holdfastv1.ReserveResponse, error) {
	answer, err := s.reserve(ctx, in)
	if err != nil {
		return nil, err
	}
	if answer.Replayed {
		sayReplayedIn(ctx, answer.StateNow)
	}
	return &holdfastv1.ReserveResponse{
		Reservation: reservationMessage(&answer.Reservation),
		Sequence:    answer.Sequence,
		StoreTime:   timeMessage(answer.StoreTime),
	}, nil
}

// reserve is what Reserve and ReserveStream have in common.
func (s *reservationService) reserve(
	ctx context.Context, in *holdfastv1.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	if in.GetTtl() == nil {
		s.metrics.reservesWithoutTTL.Inc()
	}
	request, err := parseReserve(in, s.requireTTL)
	if err != nil {
		return reservation.ReserveAnswer{}, err
	}
	return s.store.Reserve(ctx, request)
}

func parseReserve(
	in *holdfastv1.ReserveRequest, requireTTL bool,
) (reservation.ReserveRequest, error) {
	var p parser
	request := reservation.ReserveRequest{
		Stock:    p.stock(in.GetStockId()),
		ID:       p.reservationID("reservation_id", in.GetReservationId()),
		Lines:    p.lines(in.GetLines()),
		TTL:      p.ttl(in.GetTtl(), requireTTL),
		Mode:     p.mode(in.GetMode()),
		Replaces: p.optionalReservationID("replaces", in.GetReplaces()),
	}
	if !request.Replaces.IsZero() && request.Replaces == request.ID {
		p.refuse("replaces", "is the reservation_id itself")
	}
	return request, p.err()
}
