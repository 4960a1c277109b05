package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// CheckAvailability answers what Reserve would answer now; see the proto for its reasons.
func (s *reservationService) CheckAvailability(
	ctx context.Context, in *holdfastv1.CheckAvailabilityRequest,
) (*holdfastv1.CheckAvailabilityResponse, error) {
	request, err := parseCheckAvailability(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Check(ctx, request)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.CheckAvailabilityResponse{
		Grantable: answer.Grantable,
		Lines:     lineMessages(answer.Lines),
		Refusals:  refusalMessages(answer.Refusals),
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

func parseCheckAvailability(
	in *holdfastv1.CheckAvailabilityRequest,
) (reservation.CheckRequest, error) {
	var p parser
	request := reservation.CheckRequest{
		Stock: p.stock(in.GetStockId()),
		Lines: p.lines(in.GetLines()),
		Mode:  p.mode(in.GetMode()),
	}
	return request, p.err()
}
