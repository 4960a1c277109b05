package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// SetDefaultPolicy sets or clears fields of a stock's default policy; see the proto for its
// reasons.
func (s *stockService) SetDefaultPolicy(
	ctx context.Context, in *holdfastv1.SetDefaultPolicyRequest,
) (*holdfastv1.SetDefaultPolicyResponse, error) {
	stock, change, err := parseSetDefaultPolicy(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.SetDefaultPolicy(ctx, stock, change)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.SetDefaultPolicyResponse{
		Policy:          policyMessage(&answer.Own),
		EffectivePolicy: effectivePolicyMessage(&answer.Effective),
		Sequence:        answer.Sequence,
		StoreTime:       timeMessage(answer.StoreTime),
	}, nil
}

func parseSetDefaultPolicy(
	in *holdfastv1.SetDefaultPolicyRequest,
) (reservation.StockID, reservation.PolicyChange, error) {
	var p parser
	stock := p.stock(in.GetStockId())
	change := p.policyChange(policyOwner{isDefault: true}, in.GetPolicy(), in.GetUpdateMask())
	return stock, change, p.err()
}
