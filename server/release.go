package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Release gives units back, all or by lines; see the proto for its reasons. A replay of a release
// by lines says so in the response's metadata.
func (s *reservationService) Release(
	ctx context.Context, in *holdfastv1.ReleaseRequest,
) (*holdfastv1.ReleaseResponse, error) {
	request, err := parseRelease(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Release(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer.Replayed {
		sayReplayed(ctx)
	}
	return &holdfastv1.ReleaseResponse{
		Reservation: reservationMessage(&answer.Reservation),
		Sequence:    answer.Sequence,
		StoreTime:   timeMessage(answer.StoreTime),
	}, nil
}

func parseRelease(in *holdfastv1.ReleaseRequest) (reservation.ReleaseRequest, error) {
	var p parser
	request := reservation.ReleaseRequest{
		Stock:        p.stock(in.GetStockId()),
		ID:           p.reservationID("reservation_id", in.GetReservationId()),
		AllowMissing: in.GetAllowMissing(),
	}
	request.Request, request.Lines = p.part(in.GetRequestId(), in.GetLines())
	if in.GetAllowMissing() && len(in.GetLines()) > 0 {
		p.refuse("allow_missing", "stands only without lines")
	}
	return request, p.err()
}
