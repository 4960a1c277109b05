package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// GetPolicy answers a SKU's own policy and the one in force; see the proto for its reasons.
func (s *stockService) GetPolicy(
	ctx context.Context, in *holdfastv1.GetPolicyRequest,
) (*holdfastv1.GetPolicyResponse, error) {
	stock, sku, err := parseItemName(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Policy(ctx, stock, sku)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.GetPolicyResponse{
		Policy:          policyMessage(&answer.Own),
		EffectivePolicy: effectivePolicyMessage(&answer.Effective),
	}, nil
}
