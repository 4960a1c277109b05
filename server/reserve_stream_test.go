package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

func requireEnd(t *testing.T, stream reserveStream) {
	t.Helper()
	if answer, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream goes on with %v, %v; want its end", answer, err)
	}
}

func TestReserveStream_AnswersInOrderOfCompletion(t *testing.T) {
	_, store, stream := gatedRig(t, server.Options{})
	for _, id := range []string{"slow", "slower", "fast"} {
		ask(t, stream, id)
		<-store.entered
	}
	for _, id := range []string{"fast", "slow", "slower"} {
		store.letGo(id)
		requireGranted(t, stream, id)
	}
}

func TestReserveStream_HalfCloseStillAnswersWhatIsUnderWay(t *testing.T) {
	_, store, stream := gatedRig(t, server.Options{})
	for _, id := range []string{"r-1", "r-2", "r-3"} {
		ask(t, stream, id)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-store.entered
	}
	for _, id := range []string{"r-2", "r-3", "r-1"} {
		store.letGo(id)
		requireGranted(t, stream, id)
	}
	requireEnd(t, stream)
}

func TestReserveStream_HalfCloseOfNothingEndsIt(t *testing.T) {
	_, _, stream := gatedRig(t, server.Options{})
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	requireEnd(t, stream)
}

// TestReserveStream_ReadsNoMoreThanItsBound has a caller who sends far more than the store answers.
func TestReserveStream_ReadsNoMoreThanItsBound(t *testing.T) {
	_, store, stream := gatedRig(t, server.Options{})
	const requests = 3 * server.MaxStreamItems
	sent := make(chan error, 1)
	go func() {
		for i := range requests {
			if err := stream.Send(streamed(&holdfastv1.ReserveRequest{
				ReservationId: fmt.Sprintf("r-%d", i), Lines: lines("A", 1),
			})); err != nil {
				sent <- err
				return
			}
		}
		sent <- stream.CloseSend()
	}()
	for range server.MaxStreamItems {
		<-store.entered
	}
	store.letAllGo()
	answered := map[string]bool{}
	for range requests {
		answered[next(t, stream).GetReservationId()] = true
	}
	requireEnd(t, stream)
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if len(answered) != requests {
		t.Errorf("%d ids were answered, want %d", len(answered), requests)
	}
	if store.peak != server.MaxStreamItems {
		t.Errorf("%d requests were under way at once, want %d", store.peak, server.MaxStreamItems)
	}
}

func TestReserveStream_NoFailureEndsIt(t *testing.T) {
	r := newRig(t, server.Options{}, func(store reservation.Store) reservation.Store {
		return &moody{Store: store}
	})
	r.restock("A", 10)
	stream := r.openStream(r.ctx)
	for _, test := range []struct {
		in     *holdfastv1.ReserveRequest
		code   codes.Code
		reason string
	}{
		{
			&holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 11)},
			codes.FailedPrecondition, "LINES_REFUSED",
		},
		{nil, codes.InvalidArgument, "INVALID_REQUEST"},
		{
			&holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 0)},
			codes.InvalidArgument, "INVALID_REQUEST",
		},
		{
			&holdfastv1.ReserveRequest{ReservationId: "panic", Lines: lines("A", 1)},
			codes.Internal, "INTERNAL",
		},
		{
			&holdfastv1.ReserveRequest{ReservationId: "away", Lines: lines("A", 1)},
			codes.Unavailable, "STORE_UNAVAILABLE",
		},
	} {
		if err := stream.Send(streamed(test.in)); err != nil {
			t.Fatal(err)
		}
		answer := next(t, stream)
		if answer.GetReservationId() != test.in.GetReservationId() ||
			answer.GetStockId() != "default" || answer.GetReplayed() {
			t.Errorf("%s: tagged as %v", test.reason, answer)
		}
		requireReason(t, refusal(answer), test.code, test.reason)
	}
	ask(t, stream, "r-1")
	requireGranted(t, stream, "r-1")

	metrics := scrape(t, r.server, "/metrics", http.StatusOK)
	for _, want := range []string{
		`holdfast_reserve_stream_answers_total{grpc_code="OK"} 1`,
		`holdfast_reserve_stream_answers_total{grpc_code="InvalidArgument"} 2`,
		`holdfast_reserve_stream_answers_total{grpc_code="Internal"} 1`,
		`holdfast_reserve_stream_answers_total{grpc_code="Aborted"} 0`,
		`holdfast_reserve_stream_handling_seconds_count 6`,
		`holdfast_errors_total{reason="LINES_REFUSED"} 1`,
		`holdfast_reserves_without_ttl_total 5`,
		`grpc_server_started_total{grpc_method="ReserveStream",` +
			`grpc_service="holdfast.v1.ReservationService",grpc_type="bidi_stream"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for _, want := range []string{
		"secret of redis-7.internal", "reserve_stream_test.go", "level=ERROR", "msg=\"call failed\"",
		"grpc.method=ReserveStream", "reservation_id=away",
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, r.log)
		}
	}
}

// moody panics and is away for two ids.
type moody struct{ reservation.Store }

func (m *moody) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	switch request.ID.String() {
	case "panic":
		panic("secret of redis-7.internal")
	case "away":
		return reservation.ReserveAnswer{}, &reservation.Error{
			Reason: reservation.ReasonStoreUnavailable, Cause: errPrivate,
		}
	}
	return m.Store.Reserve(ctx, request)
}

func TestReserveStream_MarksReplays(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	stream := r.openStream(r.ctx)
	request := streamed(&holdfastv1.ReserveRequest{
		StockId: "default", ReservationId: "r-1", Lines: lines("A", 2),
		Ttl: durationpb.New(reservation.MinTTL),
	})
	exchange := func() *holdfastv1.ReserveStreamResponse {
		if err := stream.Send(request); err != nil {
			t.Fatal(err)
		}
		return next(t, stream)
	}
	first := exchange()
	if first.GetReserved() == nil || first.GetReplayed() || first.GetCurrentState() != 0 {
		t.Fatalf("first answer: %v", first)
	}
	want := proto.CloneOf(first)
	want.Replayed = true
	want.CurrentState = holdfastv1.ReservationState_RESERVATION_STATE_HELD
	requireEqual(t, "replay", want, exchange())

	r.clock.advance(reservation.MinTTL)
	want.CurrentState = holdfastv1.ReservationState_RESERVATION_STATE_EXPIRED
	requireEqual(t, "replay of what expired", want, exchange())

	unary, err := r.reservations.Reserve(r.ctx, request.GetReserve())
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "replay by Reserve", first.GetReserved(), unary)
}

func TestReserveStream_SlowRequestsAreLogged(t *testing.T) {
	r, _, stream := gatedRig(t, server.Options{SlowCall: 1})
	ask(t, stream, "free-1")
	requireGranted(t, stream, "free-1")
	if log := r.log.String(); !strings.Contains(log, `msg="slow call"`) ||
		!strings.Contains(log, "reservation_id=free-1") {
		t.Errorf("the log lacks the slow request: %s", log)
	}
}

func TestReserveStream_RequireTTL(t *testing.T) {
	r := newRig(t, server.Options{RequireTTL: true}, nil)
	stream := r.openStream(r.ctx)
	ask(t, stream, "r-1")
	got := requireReason(t, refusal(next(t, stream)), codes.InvalidArgument, "INVALID_REQUEST")
	if names := fields(got); len(names) != 1 || names[0] != "ttl" {
		t.Errorf("fields %v", names)
	}
}
