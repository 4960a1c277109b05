package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// ListStock pages through a stock's SKUs; see the proto for its reasons.
func (s *stockService) ListStock(
	ctx context.Context, in *holdfastv1.ListStockRequest,
) (*holdfastv1.ListStockResponse, error) {
	request, err := parseListStock(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.List(ctx, request)
	if err != nil {
		return nil, err
	}
	response := &holdfastv1.ListStockResponse{
		Items:     itemMessages(answer.Items),
		StoreTime: timeMessage(answer.StoreTime),
	}
	if last := len(answer.Items) - 1; answer.More && last >= 0 {
		response.NextPageToken = pageToken(answer.Items[last].SKU)
	}
	return response, nil
}

func parseListStock(in *holdfastv1.ListStockRequest) (reservation.ListRequest, error) {
	var p parser
	request := reservation.ListRequest{
		Stock: p.stock(in.GetStockId()),
		Limit: p.pageSize(in.GetPageSize()),
		After: p.pageToken(in.GetPageToken()),
	}
	return request, p.err()
}
