package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Fulfill ships covered units, all or by lines; see the proto for its reasons. A replay of a
// fulfilment by lines says so in the response's metadata.
func (s *reservationService) Fulfill(
	ctx context.Context, in *holdfastv1.FulfillRequest,
) (*holdfastv1.FulfillResponse, error) {
	request, err := parseFulfill(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Fulfill(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer.Replayed {
		sayReplayed(ctx)
	}
	return &holdfastv1.FulfillResponse{
		Reservation: reservationMessage(&answer.Reservation),
		Sequence:    answer.Sequence,
		StoreTime:   timeMessage(answer.StoreTime),
	}, nil
}

func parseFulfill(in *holdfastv1.FulfillRequest) (reservation.FulfillRequest, error) {
	var p parser
	request := reservation.FulfillRequest{
		Stock: p.stock(in.GetStockId()),
		ID:    p.reservationID("reservation_id", in.GetReservationId()),
	}
	request.Request, request.Lines = p.part(in.GetRequestId(), in.GetLines())
	return request, p.err()
}
