package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// BatchGetStock answers many SKUs' figures as of one moment; see the proto for its reasons.
func (s *stockService) BatchGetStock(
	ctx context.Context, in *holdfastv1.BatchGetStockRequest,
) (*holdfastv1.BatchGetStockResponse, error) {
	stock, skus, err := parseBatchGetStock(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Items(ctx, stock, skus)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.BatchGetStockResponse{
		Items:     itemMessages(answer.Items),
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

func parseBatchGetStock(
	in *holdfastv1.BatchGetStockRequest,
) (reservation.StockID, []reservation.SKU, error) {
	var p parser
	stock := p.stock(in.GetStockId())
	skus := p.skus("skus", in.GetSkus())
	return stock, skus, p.err()
}
