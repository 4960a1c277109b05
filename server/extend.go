package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Extend counts a hold's expiry anew from now; see the proto for its reasons.
func (s *reservationService) Extend(
	ctx context.Context, in *holdfastv1.ExtendRequest,
) (*holdfastv1.ExtendResponse, error) {
	request, err := parseExtend(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Extend(ctx, request)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.ExtendResponse{
		Reservation: reservationMessage(&answer.Reservation),
		Sequence:    answer.Sequence,
		StoreTime:   timeMessage(answer.StoreTime),
	}, nil
}

func parseExtend(in *holdfastv1.ExtendRequest) (reservation.ExtendRequest, error) {
	var p parser
	request := reservation.ExtendRequest{
		Stock: p.stock(in.GetStockId()),
		ID:    p.reservationID("reservation_id", in.GetReservationId()),
		TTL:   p.ttl(in.GetTtl(), false),
	}
	if in.GetTtl() == nil {
		p.check("ttl", errMissing)
	}
	return request, p.err()
}
