package server

import (
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// maxExportBytes bounds the parts of one response, in bytes: a reservation of 1,000 lines with all
// that is kept of them is below it as well.
const maxExportBytes = 1 << 20

// Export sends all of a stock; see the proto for its reasons.
func (s *auditService) Export(
	in *holdfastv1.ExportRequest, stream grpc.ServerStreamingServer[holdfastv1.ExportResponse],
) error {
	if s.exporter == nil {
		return s.UnimplementedAuditServiceServer.Export(in, stream)
	}
	ctx := stream.Context()
	var p parser
	request := reservation.ExportRequest{Stock: p.stock(in.GetStockId())}
	if err := p.err(); err != nil {
		return statusOf(ctx, in, err)
	}
	sender := exportSender{send: stream.Send}
	if err := s.exporter.Export(ctx, request, sender.deliver); err != nil {
		return statusOf(ctx, in, interrupted(ctx, err))
	}
	return sender.flush()
}

// exportSender gathers parts into responses.
type exportSender struct {
	send  func(*holdfastv1.ExportResponse) error
	parts []*holdfastv1.ExportPart
	size  int // of parts, encoded
}

func (s *exportSender) deliver(part reservation.ExportPart) error {
	if p := part.Progress; p != nil {
		if err := s.flush(); err != nil {
			return err
		}
		return s.send(&holdfastv1.ExportResponse{
			Progress: &holdfastv1.AuditProgress{Walked: p.Walked, Total: p.Total},
		})
	}
	message := exportPartMessage(part)
	size := proto.Size(message)
	if len(s.parts) > 0 && s.size+size > maxExportBytes {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.parts = append(s.parts, message)
	s.size += size
	return nil
}

func (s *exportSender) flush() error {
	if len(s.parts) == 0 {
		return nil
	}
	response := &holdfastv1.ExportResponse{Parts: s.parts}
	s.parts, s.size = nil, 0
	return s.send(response)
}
