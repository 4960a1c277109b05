package server

import (
	"strings"

	"google.golang.org/grpc"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Audit walks a stock and sends what it finds; see the proto for its reasons.
func (s *auditService) Audit(
	in *holdfastv1.AuditRequest, stream grpc.ServerStreamingServer[holdfastv1.AuditResponse],
) error {
	if s.auditor == nil {
		return s.UnimplementedAuditServiceServer.Audit(in, stream)
	}
	ctx := stream.Context()
	request, err := parseAudit(in)
	if err != nil {
		return statusOf(ctx, in, err)
	}
	summary, err := s.auditor.Audit(ctx, request, func(report reservation.AuditReport) error {
		return stream.Send(auditMessage(report))
	})
	if err != nil {
		return statusOf(ctx, in, interrupted(ctx, err))
	}
	return stream.Send(&holdfastv1.AuditResponse{
		Report: &holdfastv1.AuditResponse_Summary{Summary: &holdfastv1.AuditSummary{
			Position: positionMessage(summary.Position), Findings: summary.Findings,
			Skus: summary.SKUs, Reservations: summary.Reservations, Folded: summary.Folded,
		}},
	})
}

func parseAudit(in *holdfastv1.AuditRequest) (reservation.AuditRequest, error) {
	var p parser
	request := reservation.AuditRequest{Stock: p.stock(in.GetStockId())}
	return request, p.err()
}

func auditMessage(in reservation.AuditReport) *holdfastv1.AuditResponse {
	if !in.Finding.Set {
		return &holdfastv1.AuditResponse{Report: &holdfastv1.AuditResponse_Progress{
			Progress: &holdfastv1.AuditProgress{Walked: in.Walked, Total: in.Total},
		}}
	}
	found := in.Finding.Value
	return &holdfastv1.AuditResponse{Report: &holdfastv1.AuditResponse_Finding{
		Finding: &holdfastv1.Finding{
			Type: findingTypeMessage(found.Type), Sku: readable(found.SKU),
			ReservationId: readable(found.Reservation), RequestId: readable(found.Request),
			LineNumber: int32(found.Line), What: found.What, Is: readable(found.Is),
			ShouldBe: readable(found.ShouldBe),
		},
	}}
}

// readable makes a text of a damaged store one that a message can hold.
func readable(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
