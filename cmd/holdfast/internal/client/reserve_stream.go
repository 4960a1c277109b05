package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// ReserveStream makes the Reserves of many callers over one stream. When the stream ends, the next
// Reserve begins another. It is safe for concurrent use; whoever makes one calls Close in the end.
type ReserveStream struct {
	reservations holdfastv1.ReservationServiceClient
	ctx          context.Context // of its streams
	cancel       context.CancelFunc
	receivers    sync.WaitGroup

	mu      sync.Mutex
	current *reserving // nil: none is open
}

// NewReserveStream returns a ReserveStream of the client; it begins a stream at the first Reserve.
func (c *Client) NewReserveStream() *ReserveStream {
	s := &ReserveStream{reservations: c.Reservations}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Close ends the stream. Reserves must have ended before.
func (s *ReserveStream) Close() {
	s.cancel()
	s.receivers.Wait()
}

// Reserve makes one Reserve and waits for its answer, which is granted, or else an error with the
// status that Reserve would have had. The error is the stream's when that ends first, and that of
// ctx when it does: then the request may have taken effect. A full stream holds it up beyond ctx.
func (s *ReserveStream) Reserve(
	ctx context.Context, request *holdfastv1.ReserveRequest,
) (*holdfastv1.ReserveStreamResponse, error) {
	open, err := s.open()
	if err != nil {
		return nil, err
	}
	name := nameOf(request)
	waiter := open.await(name)
	defer open.forget(name, waiter)
	open.send(request)
	select {
	case answer := <-waiter:
		return grantedOr(answer)
	case <-open.ended:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	select {
	case answer := <-waiter: // it came before the end
		return grantedOr(answer)
	default:
		return nil, open.err
	}
}

// grantedOr returns an answer, or the error that it is.
func grantedOr(
	answer *holdfastv1.ReserveStreamResponse,
) (*holdfastv1.ReserveStreamResponse, error) {
	if refused := answer.GetRefused(); refused != nil {
		return nil, status.ErrorProto(refused)
	}
	return answer, nil
}

// open returns the stream that is open, or begins one.
func (s *ReserveStream) open() (*reserving, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil && s.current.isOpen() {
		return s.current, nil
	}
	stream, err := s.reservations.ReserveStream(s.ctx)
	if err != nil {
		return nil, err
	}
	s.current = &reserving{
		stream: stream, ended: make(chan struct{}), waiting: make(map[name][]waiter),
	}
	s.receivers.Go(s.current.receive)
	return s.current, nil
}

// name is what an answer is known by.
type name struct{ stock, reservation string }

// nameOf returns what the answer to a request will name: a server cuts what is longer than a valid
// id.
func nameOf(request *holdfastv1.ReserveRequest) name {
	stock := request.GetStockId()
	if stock == "" {
		stock = "default"
	}
	return name{cut(stock), cut(request.GetReservationId())}
}

func cut(id string) string {
	longest := 64
	if len(id) <= longest {
		return id
	}
	for longest > 0 && !utf8.RuneStart(id[longest]) {
		longest--
	}
	return id[:longest]
}

// waiter takes the answer that one caller waits for. It holds one, so that nobody waits for the
// caller.
type waiter chan *holdfastv1.ReserveStreamResponse

// reserving is one stream under way.
type reserving struct {
	stream grpc.BidiStreamingClient[
		holdfastv1.ReserveStreamRequest, holdfastv1.ReserveStreamResponse]
	ended chan struct{} // closed when nothing more is received
	err   error         // why; read it after ended

	sending sync.Mutex

	mu      sync.Mutex
	waiting map[name][]waiter
}

func (r *reserving) isOpen() bool {
	select {
	case <-r.ended:
		return false
	default:
		return true
	}
}

// send sends a request. When it cannot, the stream has ended and the receiver hears why.
func (r *reserving) send(request *holdfastv1.ReserveRequest) {
	r.sending.Lock()
	defer r.sending.Unlock()
	_ = r.stream.Send(&holdfastv1.ReserveStreamRequest{Reserve: request})
}

// receive hands answers to those who wait for them, until the stream ends.
func (r *reserving) receive() {
	for {
		answer, err := r.stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) { // nobody here had closed it
				err = status.Error(codes.Unavailable, "the server ended the stream")
			}
			r.err = err
			close(r.ended)
			return
		}
		r.deliver(answer)
	}
}

// await announces a caller who waits for an answer.
func (r *reserving) await(name name) waiter {
	waiter := make(waiter, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[name] = append(r.waiting[name], waiter)
	return waiter
}

// deliver gives an answer to the first who waits for it. Two who sent the same request wait for the
// same answer. Nobody may wait for it any more.
func (r *reserving) deliver(answer *holdfastv1.ReserveStreamResponse) {
	name := name{answer.GetStockId(), answer.GetReservationId()}
	r.mu.Lock()
	defer r.mu.Unlock()
	waiting := r.waiting[name]
	if len(waiting) == 0 {
		return
	}
	waiting[0] <- answer
	r.keep(name, waiting[1:])
}

// forget takes a caller out who waits no longer.
func (r *reserving) forget(name name, left waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var others []waiter
	for _, waiter := range r.waiting[name] {
		if waiter != left {
			others = append(others, waiter)
		}
	}
	r.keep(name, others)
}

// keep keeps only these who wait for an answer; r.mu is held.
func (r *reserving) keep(name name, others []waiter) {
	if len(others) == 0 {
		delete(r.waiting, name)
		return
	}
	r.waiting[name] = others
}
