package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// SetPolicy sets or clears fields of a SKU's own policy and creates the SKU; see the proto for its
// reasons.
func (s *stockService) SetPolicy(
	ctx context.Context, in *holdfastv1.SetPolicyRequest,
) (*holdfastv1.SetPolicyResponse, error) {
	stock, sku, change, err := parseSetPolicy(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.SetPolicy(ctx, stock, sku, change)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.SetPolicyResponse{
		Policy:          policyMessage(&answer.Own),
		EffectivePolicy: effectivePolicyMessage(&answer.Effective),
		Sequence:        answer.Sequence,
		StoreTime:       timeMessage(answer.StoreTime),
	}, nil
}

func parseSetPolicy(
	in *holdfastv1.SetPolicyRequest,
) (reservation.StockID, reservation.SKU, reservation.PolicyChange, error) {
	var p parser
	stock := p.stock(in.GetStockId())
	sku := p.sku(in.GetSku())
	change := p.policyChange(policyOwner{sku: sku}, in.GetPolicy(), in.GetUpdateMask())
	return stock, sku, change, p.err()
}
