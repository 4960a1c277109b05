package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Commit makes a hold firm; see the proto for its reasons.
func (s *reservationService) Commit(
	ctx context.Context, in *holdfastv1.CommitRequest,
) (*holdfastv1.CommitResponse, error) {
	request, err := parseCommit(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Commit(ctx, request)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.CommitResponse{
		Reservation: reservationMessage(&answer.Reservation),
		Sequence:    answer.Sequence,
		StoreTime:   timeMessage(answer.StoreTime),
	}, nil
}

func parseCommit(in *holdfastv1.CommitRequest) (reservation.CommitRequest, error) {
	var p parser
	request := reservation.CommitRequest{
		Stock:     p.stock(in.GetStockId()),
		ID:        p.reservationID("reservation_id", in.GetReservationId()),
		Reacquire: in.GetReacquire(),
	}
	return request, p.err()
}
