package load

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// reserver is a way to send a Reserve and wait for its answer.
type reserver interface {
	reserve(ctx context.Context, request *holdfastv1.ReserveRequest) (
		*holdfastv1.ReserveResponse, error)
}

// unary sends each Reserve as a call of its own.
type unary struct {
	client holdfastv1.ReservationServiceClient
}

func (u unary) reserve(
	ctx context.Context, request *holdfastv1.ReserveRequest,
) (*holdfastv1.ReserveResponse, error) {
	return u.client.Reserve(ctx, request)
}

// stream is one ReserveStream that many callers share, as a checkout gateway would.
type stream struct {
	open grpc.BidiStreamingClient[holdfastv1.ReserveStreamRequest, holdfastv1.ReserveStreamResponse]
	ends context.CancelFunc
	read chan struct{} // closed when the reader has ended

	sending sync.Mutex

	mu      sync.Mutex
	waiting map[string]chan *holdfastv1.ReserveStreamResponse // by reservation id
	err     error                                             // why the stream ended
}

func openStream(ctx context.Context, client holdfastv1.ReservationServiceClient) (*stream, error) {
	// A call that was begun is finished, also when the job is stopped.
	ctx, ends := context.WithCancel(context.WithoutCancel(ctx))
	open, err := client.ReserveStream(ctx)
	if err != nil {
		ends()
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	s := &stream{
		open: open, ends: ends, read: make(chan struct{}),
		waiting: map[string]chan *holdfastv1.ReserveStreamResponse{},
	}
	go s.receive()
	return s, nil
}

// close ends the stream; every caller must have its answer.
func (s *stream) close() {
	_ = s.open.CloseSend() // the reader sees what becomes of it
	s.ends()
	<-s.read
}

func (s *stream) reserve(
	_ context.Context, request *holdfastv1.ReserveRequest,
) (*holdfastv1.ReserveResponse, error) {
	answered := make(chan *holdfastv1.ReserveStreamResponse, 1)
	s.mu.Lock()
	s.waiting[request.GetReservationId()] = answered
	s.mu.Unlock()
	s.sending.Lock()
	err := s.open.Send(&holdfastv1.ReserveStreamRequest{Reserve: request})
	s.sending.Unlock()
	if err != nil {
		return nil, fmt.Errorf("send on the stream: %w", err)
	}
	answer, ok := <-answered
	if !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, s.err
	}
	if refused := answer.GetRefused(); refused != nil {
		return nil, status.ErrorProto(refused)
	}
	return answer.GetReserved(), nil
}

// receive hands answers to those who wait until the stream ends.
func (s *stream) receive() {
	defer close(s.read)
	for {
		answer, err := s.open.Recv()
		s.mu.Lock()
		if err != nil {
			s.err = fmt.Errorf("the stream ended: %w", err)
			for _, waiting := range s.waiting {
				close(waiting)
			}
			s.waiting = nil
			s.mu.Unlock()
			return
		}
		waiting := s.waiting[answer.GetReservationId()]
		delete(s.waiting, answer.GetReservationId())
		s.mu.Unlock()
		if waiting != nil {
			waiting <- answer
		}
	}
}
