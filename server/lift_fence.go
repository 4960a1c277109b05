package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// LiftFence lets a stock grant again; see the proto for its reasons.
func (s *auditService) LiftFence(
	ctx context.Context, in *holdfastv1.LiftFenceRequest,
) (*holdfastv1.LiftFenceResponse, error) {
	if s.fencer == nil {
		return s.UnimplementedAuditServiceServer.LiftFence(ctx, in)
	}
	request, err := parseLiftFence(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.fencer.LiftFence(ctx, request)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.LiftFenceResponse{
		LiftTime:  timeMessage(answer.LiftTime),
		Sequence:  answer.Sequence,
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

func parseLiftFence(in *holdfastv1.LiftFenceRequest) (reservation.LiftFenceRequest, error) {
	var p parser
	request := reservation.LiftFenceRequest{Stock: p.stock(in.GetStockId())}
	fence, err := reservation.ParseFenceID(in.GetFenceId())
	p.check("fence_id", err)
	request.Fence = fence
	return request, p.err()
}
