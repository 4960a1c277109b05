package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// GetFence says whether a stock is fenced; see the proto for its reasons.
func (s *auditService) GetFence(
	ctx context.Context, in *holdfastv1.GetFenceRequest,
) (*holdfastv1.GetFenceResponse, error) {
	if s.fencer == nil {
		return s.UnimplementedAuditServiceServer.GetFence(ctx, in)
	}
	var p parser
	stock := p.stock(in.GetStockId())
	if err := p.err(); err != nil {
		return nil, err
	}
	answer, err := s.fencer.Fence(ctx, stock)
	if err != nil {
		return nil, err
	}
	response := &holdfastv1.GetFenceResponse{
		LiftedFenceId: answer.Lifted.Value.ID.String(),
		LiftTime:      timeMessage(answer.Lifted.Value.LiftTime),
		Position:      positionMessage(answer.Position),
		StoreTime:     timeMessage(answer.StoreTime),
	}
	if answer.Fence.Set {
		response.Fence = fenceMessage(answer.Fence.Value)
	}
	return response, nil
}

func fenceMessage(in reservation.Fence) *holdfastv1.Fence {
	return &holdfastv1.Fence{
		FenceId:       in.ID.String(),
		SinceTime:     timeMessage(in.Since),
		NoticeTime:    timeMessage(in.NoticedTime),
		SeenPosition:  positionMessage(in.Seen),
		KeptSequence:  in.KeptSequence,
		FoundPosition: positionMessage(in.Found),
		LostEvents:    in.LostEvents,
		Server:        in.Server,
	}
}
