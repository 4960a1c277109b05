package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

func TestReserveStream_CancelEndsWhatIsUnderWay(t *testing.T) {
	r, store, _ := gatedRig(t, server.Options{})
	ctx, cancel := context.WithCancel(r.ctx)
	stream := r.openStream(ctx)
	for _, id := range []string{"r-1", "r-2"} {
		ask(t, stream, id)
		<-store.entered
	}
	cancel()
	for range 2 {
		if err := <-store.left; !errors.Is(err, context.Canceled) {
			t.Errorf("a request under way ended with %v", err)
		}
	}
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if err := r.server.Shutdown(r.ctx); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); log != "" {
		t.Errorf("a cancel is logged: %s", log)
	}
	if metrics := scrape(t, r.server, "/metrics", http.StatusOK); !strings.Contains(metrics,
		`holdfast_reserve_stream_answers_total{grpc_code="Canceled"} 2`) {
		t.Error("the requests under way are not counted")
	}
}

// TestReserveStream_DeadlineIsTheStreams: a request has none but that of its stream.
func TestReserveStream_DeadlineIsTheStreams(t *testing.T) {
	deadlines := make(chan bool, 1)
	r := newRig(t, server.Options{}, func(store reservation.Store) reservation.Store {
		return &failing{Store: store, fail: func(ctx context.Context) error {
			_, isSet := ctx.Deadline()
			deadlines <- isSet
			<-ctx.Done()
			return &reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err()}
		}}
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.ctx))
	defer cancel()
	ask(t, r.openStream(ctx), "r-1")
	if <-deadlines {
		t.Error("a request of a stream without a deadline has one")
	}
	ctx, cancelLate := context.WithTimeout(r.ctx, 10*time.Millisecond)
	defer cancelLate()
	stream := r.openStream(ctx)
	ask(t, stream, "r-2")
	if !<-deadlines {
		t.Error("a request of a stream with a deadline has none")
	}
	if _, err := stream.Recv(); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
}

func TestReserveStream_DrainAnswersWhatWasRead(t *testing.T) {
	r, store, stream := gatedRig(t, server.Options{})
	watch, err := healthpb.NewHealthClient(r.conn).Watch(r.ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"r-1", "r-2"} {
		ask(t, stream, id)
		<-store.entered
	}
	shut := make(chan error, 1)
	go func() { shut <- r.server.Shutdown(r.ctx) }()
	for err == nil { // the drain ends this stream
		_, err = watch.Recv()
	}
	for _, id := range []string{"r-2", "r-1"} {
		store.letGo(id)
		requireGranted(t, stream, id)
	}
	_, err = stream.Recv()
	got := requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
	if !strings.Contains(got.message, "shutting down") ||
		!strings.Contains(got.message, "another stream") {
		t.Errorf("message %q", got.message)
	}
	if err := <-shut; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if metrics := scrape(t, r.server, "/metrics", http.StatusOK); !strings.Contains(metrics,
		`holdfast_errors_total{reason="STORE_UNAVAILABLE"} 0`) {
		t.Error("a shutdown is counted as the store's failure")
	}
	if log := r.log.String(); log != "" {
		t.Errorf("a shutdown is logged: %s", log)
	}
}

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) ([]byte, error) { return message.([]byte), nil }

func (rawCodec) Unmarshal(data []byte, message any) error {
	return proto.Unmarshal(data, message.(proto.Message))
}

// TestReserveStream_MessageThatCannotBeDecodedIsRefused: gRPC would end the stream.
func TestReserveStream_MessageThatCannotBeDecodedIsRefused(t *testing.T) {
	r, store, _ := gatedRig(t, server.Options{})
	stream := r.openStream(r.ctx, grpc.ForceCodec(rawCodec{}))
	good := func(id string) []byte {
		return must(proto.Marshal(streamed(&holdfastv1.ReserveRequest{
			ReservationId: id, Lines: lines("A", 1),
		})))
	}
	line := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "\xff")
	inner := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), "r-2")
	inner = protowire.AppendBytes(protowire.AppendTag(inner, 3, protowire.BytesType), line)
	notUTF8 := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), inner)

	if err := stream.SendMsg(good("r-1")); err != nil { // under way all the while
		t.Fatal(err)
	}
	<-store.entered
	for _, test := range []struct {
		id      string
		message []byte
	}{{"", []byte("\xff\xff\xff")}, {"r-2", notUTF8}} {
		if err := stream.SendMsg(test.message); err != nil {
			t.Fatal(err)
		}
		answer := next(t, stream)
		got := requireReason(t, refusal(answer), codes.InvalidArgument, "INVALID_REQUEST")
		if names := fields(got); len(names) != 1 || names[0] != "reserve" {
			t.Errorf("fields %v", names)
		}
		if answer.GetReservationId() != test.id {
			t.Errorf("tagged as %v", answer)
		}
	}
	store.letGo("r-1")
	requireGranted(t, stream, "r-1")
}

func TestReserveStream_MessageThatIsTooLargeEndsIt(t *testing.T) {
	r, store, stream := gatedRig(t, server.Options{})
	ask(t, stream, "r-1")
	<-store.entered
	if err := stream.Send(streamed(&holdfastv1.ReserveRequest{
		ReservationId: strings.Repeat("x", server.MaxStreamBytes+1),
	})); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("ended with %v", err)
	}
	if err := <-store.left; !errors.Is(err, context.Canceled) {
		t.Errorf("the request under way ended with %v", err)
	}
	if err := r.server.Shutdown(r.ctx); err != nil {
		t.Error(err)
	}
}

func TestReserveStream_NamesThatAreTooLongAreCut(t *testing.T) {
	_, _, stream := gatedRig(t, server.Options{})
	long := strings.Repeat("ü", 1<<20) // and again in the answer: more than gRPC sends
	if err := stream.Send(streamed(&holdfastv1.ReserveRequest{
		StockId: long[:1<<10], ReservationId: long,
	})); err != nil {
		t.Fatal(err)
	}
	answer := next(t, stream)
	if answer.GetReservationId() != long[:64] || answer.GetStockId() != long[:64] {
		t.Errorf("tagged as %q in %q", answer.GetReservationId(), answer.GetStockId())
	}
}

// TestReserveStream_ManyStreamsSellWhatThereIs has callers who race for fewer units than they want,
// half of them asking twice under one id.
func TestReserveStream_ManyStreamsSellWhatThereIs(t *testing.T) {
	const callers, orders, units = 8, 200, 1_000
	r := newRig(t, server.Options{}, nil)
	r.restock("A", units)
	var granted, refused [callers]int
	var running sync.WaitGroup
	for caller := range callers {
		running.Go(func() {
			stream := r.openStream(r.ctx)
			go func() {
				for i := range 2 * orders {
					_ = stream.Send(streamed(&holdfastv1.ReserveRequest{ // Recv says what went wrong
						ReservationId: fmt.Sprintf("%d-%d", caller, i/2), Lines: lines("A", 1),
					}))
				}
				_ = stream.CloseSend()
			}()
			for range 2 * orders {
				answer, err := stream.Recv()
				switch {
				case err != nil:
					t.Error(err)
					return
				case answer.GetRefused() != nil:
					refused[caller]++
				case !answer.GetReplayed():
					granted[caller]++
				}
			}
			requireEnd(t, stream)
		})
	}
	running.Wait()
	sold, turnedAway := 0, 0
	for caller := range callers {
		sold += granted[caller]
		turnedAway += refused[caller]
	}
	if sold != units || turnedAway != 2*(callers*orders-units) {
		t.Errorf("%d units were sold of %d, %d requests refused", sold, units, turnedAway)
	}
}
