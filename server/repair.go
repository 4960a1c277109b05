package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Repair counts a SKU's figures anew; see the proto for its reasons.
func (s *auditService) Repair(
	ctx context.Context, in *holdfastv1.RepairRequest,
) (*holdfastv1.RepairResponse, error) {
	if s.auditor == nil {
		return s.UnimplementedAuditServiceServer.Repair(ctx, in)
	}
	request, err := parseRepair(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.auditor.Repair(ctx, request)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.RepairResponse{
		Before: repairedMessage(answer.Before), After: repairedMessage(answer.After),
		Applied: answer.Applied, Sequence: answer.Sequence,
		StoreTime: timestamppb.New(answer.StoreTime),
	}, nil
}

func parseRepair(in *holdfastv1.RepairRequest) (reservation.RepairRequest, error) {
	var p parser
	request := reservation.RepairRequest{
		Stock: p.stock(in.GetStockId()), SKU: p.sku(in.GetSku()), Apply: in.GetApply(),
	}
	return request, p.err()
}
