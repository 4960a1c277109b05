package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// GetDefaultPolicy answers a stock's default policy; see the proto for its reasons.
func (s *stockService) GetDefaultPolicy(
	ctx context.Context, in *holdfastv1.GetDefaultPolicyRequest,
) (*holdfastv1.GetDefaultPolicyResponse, error) {
	var p parser
	stock := p.stock(in.GetStockId())
	if err := p.err(); err != nil {
		return nil, err
	}
	answer, err := s.store.DefaultPolicy(ctx, stock)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.GetDefaultPolicyResponse{
		Policy:          policyMessage(&answer.Own),
		EffectivePolicy: effectivePolicyMessage(&answer.Effective),
	}, nil
}
