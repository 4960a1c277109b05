package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// ListBackorders pages through the lines that wait; see the proto for its reasons.
func (s *stockService) ListBackorders(
	ctx context.Context, in *holdfastv1.ListBackordersRequest,
) (*holdfastv1.ListBackordersResponse, error) {
	request, err := parseListBackorders(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Backorders(ctx, request)
	if err != nil {
		return nil, err
	}
	response := &holdfastv1.ListBackordersResponse{
		Backorders: backorderMessages(answer.Backorders),
		StoreTime:  timeMessage(answer.StoreTime),
	}
	if answer.Next.Set {
		response.NextPageToken = backordersToken(request, answer.Next.Value)
	}
	return response, nil
}

func parseListBackorders(
	in *holdfastv1.ListBackordersRequest,
) (reservation.BackordersRequest, error) {
	var p parser
	request := reservation.BackordersRequest{
		Stock: p.stock(in.GetStockId()),
		Limit: p.pageSize(in.GetPageSize()),
	}
	if in.GetSku() != "" {
		request.SKU = reservation.Some(p.sku(in.GetSku()))
	}
	request.After = p.backordersToken(in.GetPageToken(), request)
	return request, p.err()
}
