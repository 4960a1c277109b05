package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// errStreamDraining is the cause of a ReserveStream's end that came because the server drains.
var errStreamDraining = fmt.Errorf("reads no more: %w", errDraining)

// errUndecoded is what is wrong with a request that is none.
var errUndecoded = errors.New("cannot be decoded")

// ReserveStream answers the requests of a stream as Reserve would, in order of completion; see the
// proto for its bounds and how it ends. What it costs beside the reservation is a third of what a
// Reserve costs (BenchmarkReserveStream_Chain).
func (s *reservationService) ReserveStream(
	stream grpc.BidiStreamingServer[
		holdfastv1.ReserveStreamRequest, holdfastv1.ReserveStreamResponse],
) error {
	return newReserveStream(s.drain, stream, s.answer).serve()
}

// streamItem is one request of a stream and its answer. The messages that an answer is made of are
// allocated with it.
type streamItem struct {
	request   holdfastv1.ReserveStreamRequest
	size      int   // of the request, encoded
	undecoded error // why request is not what was sent
	read      time.Time

	response  holdfastv1.ReserveStreamResponse
	granted   holdfastv1.ReserveStreamResponse_Reserved
	reserved  holdfastv1.ReserveResponse
	storeTime timestamppb.Timestamp
	refused   holdfastv1.ReserveStreamResponse_Refused
}

// answer does for one request what handler and interceptors do for a call.
func (s *reservationService) answer(ctx context.Context, item *streamItem) {
	in := item.request.GetReserve()
	err := s.reserveItem(ctx, item)
	item.response.StockId = shorten(in.GetStockId())
	if item.response.StockId == "" {
		item.response.StockId = reservation.DefaultStockID
	}
	item.response.ReservationId = shorten(in.GetReservationId())
	code := codes.OK
	if err != nil {
		err = s.metrics.counted(statusOf(ctx, in, err))
		refused := statusProto(err)
		code = codes.Code(refused.GetCode())
		item.refused.Refused = refused
		item.response.Result = &item.refused
	}
	elapsed := time.Since(item.read)
	s.metrics.streamAnswered(code, elapsed)
	if s.log.isDue(ctx, elapsed, err) {
		s.log.finished(ctx, holdfastv1.ReservationService_ReserveStream_FullMethodName, in,
			elapsed, err)
	}
}

// reserveItem asks the store and keeps what it granted. A panic is the failure of this request
// alone.
func (s *reservationService) reserveItem(ctx context.Context, item *streamItem) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	if err := checkItem(&item.request, item.undecoded); err != nil {
		return err
	}
	answer, err := s.reserve(ctx, item.request.GetReserve())
	if err == nil {
		item.grant(&answer)
	}
	return err
}

// checkItem refuses what holds no request; the request itself is parsed as Reserve's.
func checkItem(in *holdfastv1.ReserveStreamRequest, undecoded error) error {
	var p parser
	switch {
	case undecoded != nil:
		p.check("reserve", errUndecoded)
	case in.GetReserve() == nil:
		p.check("reserve", errMissing)
	}
	return p.err()
}

func (i *streamItem) grant(answer *reservation.ReserveAnswer) {
	i.reserved.Reservation = reservationMessage(&answer.Reservation)
	i.reserved.Sequence = answer.Sequence
	i.reserved.StoreTime = fillTime(&i.storeTime, answer.StoreTime)
	i.granted.Reserved = &i.reserved
	i.response.Result = &i.granted
	if answer.Replayed {
		i.response.Replayed = true
		i.response.CurrentState = stateMessage(answer.StateNow)
	}
}

// statusProto returns what goes to the caller of an error that statusOf made.
func statusProto(err error) *spb.Status {
	//nolint:errorlint // statusOf returns it unwrapped
	if f, ok := err.(*failure); ok {
		return f.public
	}
	return status.Convert(err).Proto()
}
