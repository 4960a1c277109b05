package server

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// maxRestoreParts is how many parts one request may have.
const maxRestoreParts = 1_000

var errPartMissing = errors.New("is none that this server knows")

// Restore builds a stock from an export; see the proto for its reasons.
func (s *auditService) Restore(
	stream grpc.ClientStreamingServer[holdfastv1.RestoreRequest, holdfastv1.RestoreResponse],
) error {
	if s.exporter == nil {
		return s.UnimplementedAuditServiceServer.Restore(stream)
	}
	ctx := stream.Context()
	first, err := stream.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	request, err := parseRestore(first)
	if err != nil {
		return statusOf(ctx, first, err)
	}
	receiver := restoreReceiver{stream: stream, parts: first.GetParts()}
	answer, err := s.exporter.Restore(ctx, request, receiver.next)
	if err != nil {
		return statusOf(ctx, first, interrupted(ctx, apart(err)))
	}
	return stream.SendAndClose(&holdfastv1.RestoreResponse{
		Position: positionMessage(answer.Position), Items: answer.Items,
		Reservations: answer.Reservations, Requests: answer.Requests,
	})
}

func parseRestore(in *holdfastv1.RestoreRequest) (reservation.RestoreRequest, error) {
	var p parser
	request := reservation.RestoreRequest{Stock: p.stock(in.GetStockId())}
	id, err := reservation.ParseRequestID(in.GetExportId())
	p.check("export_id", err)
	request.Export = id
	if len(in.GetParts()) > maxRestoreParts {
		p.refuse("parts", fmt.Sprintf("has %d parts, at most %d are allowed", len(in.GetParts()),
			maxRestoreParts))
	}
	return request, p.err()
}

// apart says of parts that do not hang together why; the store knows, and it is no secret.
func apart(err error) error {
	var refused *reservation.Error
	if !errors.As(err, &refused) || refused.Reason != reservation.ReasonInvalidRequest {
		return err
	}
	var p parser
	p.refuse("parts", fmt.Sprintf("do not hang together: %v", refused.Cause))
	return p.err()
}

// restoreReceiver takes requests apart into parts.
type restoreReceiver struct {
	stream grpc.ClientStreamingServer[holdfastv1.RestoreRequest, holdfastv1.RestoreResponse]
	parts  []*holdfastv1.ExportPart // of the present request, that are left
	taken  int                      // of the present request
}

// next returns the next part, and io.EOF behind the last one.
func (r *restoreReceiver) next() (reservation.ExportPart, error) {
	for len(r.parts) == 0 {
		request, err := r.stream.Recv()
		if err != nil {
			return reservation.ExportPart{}, err
		}
		if len(request.GetParts()) > maxRestoreParts {
			_, err := parseRestore(request)
			return reservation.ExportPart{}, err
		}
		r.parts, r.taken = request.GetParts(), 0
	}
	p := partParser{index: r.taken}
	part := p.part(r.parts[0])
	r.parts = r.parts[1:]
	r.taken++
	return part, p.err()
}
