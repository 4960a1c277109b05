package arm

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// echo answers every Reserve with a message of the size of a real answer, made beforehand. It has
// no interceptor and looks at nothing but the number of lines: what is left is gRPC.
type echo struct {
	holdfastv1.UnimplementedReservationServiceServer
	answers []*holdfastv1.ReserveResponse // by number of lines
}

// Reserve answers.
func (e *echo) Reserve(
	_ context.Context, in *holdfastv1.ReserveRequest,
) (*holdfastv1.ReserveResponse, error) {
	return e.answers[min(len(in.GetLines()), len(e.answers)-1)], nil
}

// echoServer serves an echo.
type echoServer struct{ *grpc.Server }

// maxStreams is what the server of Holdfast allows.
const maxStreams = 4096

func newEcho() *echoServer {
	e := &echo{answers: make([]*holdfastv1.ReserveResponse, reservation.MaxLines+1)}
	for lines := range e.answers {
		e.answers[lines] = echoAnswer(lines)
	}
	s := grpc.NewServer(grpc.MaxConcurrentStreams(maxStreams))
	holdfastv1.RegisterReservationServiceServer(s, e)
	return &echoServer{s}
}

func echoAnswer(lines int) *holdfastv1.ReserveResponse {
	now := time.Now()
	out := &holdfastv1.Reservation{
		StockId: "bench-stock1", ReservationId: "b00000000000000001",
		State:      holdfastv1.ReservationState_RESERVATION_STATE_HELD,
		CreateTime: timestamppb.New(now), ExpireTime: timestamppb.New(now.Add(time.Hour)), Term: 1,
	}
	available := int64(999_990_000)
	for i := range lines {
		out.Lines = append(out.Lines, &holdfastv1.ReservationLine{
			Sku: fmt.Sprintf("sku-%06d", i), RequestedQuantity: 1, ReservedQuantity: 1,
			AvailableQuantity: &available,
		})
	}
	return &holdfastv1.ReserveResponse{
		Reservation: out, Sequence: 123_456, StoreTime: timestamppb.New(now),
	}
}

// Serve takes calls until Shutdown.
func (s *echoServer) Serve(listener net.Listener) error { return s.Server.Serve(listener) }

// Shutdown ends all calls.
func (s *echoServer) Shutdown(context.Context) error {
	s.Stop()
	return nil
}
