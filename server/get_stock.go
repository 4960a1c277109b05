package server

import (
	"context"
	"fmt"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// GetStock answers one SKU's figures; see the proto for its reasons.
func (s *stockService) GetStock(
	ctx context.Context, in *holdfastv1.GetStockRequest,
) (*holdfastv1.GetStockResponse, error) {
	stock, sku, err := parseItemName(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Items(ctx, stock, []reservation.SKU{sku})
	if err != nil {
		return nil, err
	}
	if len(answer.Items) != 1 {
		return nil, fmt.Errorf("store answered %d items for 1 SKU", len(answer.Items))
	}
	return &holdfastv1.GetStockResponse{
		Item:      itemMessages(answer.Items)[0],
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

// parseItemName reads a request that names one SKU of a stock and nothing else.
func parseItemName(in interface {
	GetStockId() string
	GetSku() string
},
) (reservation.StockID, reservation.SKU, error) {
	var p parser
	stock := p.stock(in.GetStockId())
	sku := p.sku(in.GetSku())
	return stock, sku, p.err()
}
