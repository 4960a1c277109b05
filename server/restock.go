package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Restock adds units that arrived; see the proto for its reasons. A replay says so in the
// response's metadata.
func (s *stockService) Restock(
	ctx context.Context, in *holdfastv1.RestockRequest,
) (*holdfastv1.RestockResponse, error) {
	request, err := parseRestock(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Restock(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer.Replayed {
		sayReplayed(ctx)
	}
	return &holdfastv1.RestockResponse{
		Lines:     restockLineMessages(answer.Lines),
		Fills:     fillMessages(answer.Fills),
		Sequence:  answer.Sequence,
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

func parseRestock(in *holdfastv1.RestockRequest) (reservation.RestockRequest, error) {
	var p parser
	request := reservation.RestockRequest{
		Stock:   p.stock(in.GetStockId()),
		Request: p.requestID(in.GetRequestId()),
		Lines:   p.lines(in.GetLines()),
	}
	return request, p.err()
}
