package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// DeleteStockItem forgets a SKU that has no units and none waiting; see the proto for its reasons.
func (s *stockService) DeleteStockItem(
	ctx context.Context, in *holdfastv1.DeleteStockItemRequest,
) (*holdfastv1.DeleteStockItemResponse, error) {
	stock, sku, err := parseItemName(in)
	if err != nil {
		return nil, err
	}
	stamp, err := s.store.DeleteItem(ctx, stock, sku)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.DeleteStockItemResponse{
		Sequence:  stamp.Sequence,
		StoreTime: timeMessage(stamp.StoreTime),
	}, nil
}
