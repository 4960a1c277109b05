package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
)

func TestPanic_IsAnIncidentAndTheServerLivesOn(t *testing.T) {
	var panics atomic.Bool
	panics.Store(true)
	r := newRig(t, server.Options{}, func(store reservation.Store) reservation.Store {
		return &failing{Store: store, fail: func(context.Context) error {
			if panics.Load() {
				panic("secret of redis-7.internal")
			}
			return &reservation.Error{Reason: reservation.ReasonStoreUnavailable}
		}}
	})
	request := &holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 1)}
	_, err := r.reservations.Reserve(r.ctx, request)
	got := requireReason(t, err, codes.Internal, "INTERNAL")
	requireNothingPrivate(t, err, got)
	incident := got.info.GetMetadata()["incident"]
	requireMetadata(t, got, map[string]string{
		"stock_id": "default", "reservation_id": "r-1", "incident": incident,
	})
	for _, want := range []string{
		incident, "secret of redis-7.internal", "lifecycle_test.go", "level=ERROR",
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, r.log)
		}
	}
	metrics := scrape(t, r.server, "/metrics", http.StatusOK)
	want := `grpc_server_handled_total{grpc_code="Internal",grpc_method="Reserve",` +
		`grpc_service="holdfast.v1.ReservationService",grpc_type="unary"} 1`
	if !strings.Contains(metrics, want) {
		t.Error("the metrics skipped the panic")
	}
	panics.Store(false)
	_, err = r.reservations.Reserve(r.ctx, request)
	requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
}

// awaitHealth reads a health stream until it says want.
func awaitHealth(
	t *testing.T, stream healthpb.Health_WatchClient,
	want healthpb.HealthCheckResponse_ServingStatus,
) {
	t.Helper()
	for {
		response, err := stream.Recv()
		if err != nil {
			t.Fatalf("waiting for %v: %v", want, err)
		}
		if response.GetStatus() == want {
			return
		}
	}
}

func TestHealth_FollowsTheStore(t *testing.T) {
	answers := make(chan error)
	last := errPrivate
	r := newRig(t, server.Options{
		ReadyEvery: time.Millisecond,
		Ready: func(ctx context.Context) error {
			select {
			case last = <-answers:
			case <-ctx.Done():
			}
			return last
		},
	}, nil)
	// The second is taken only when what the first means has been told.
	storeSays := func(err error) {
		answers <- err
		answers <- err
	}
	checks := healthpb.NewHealthClient(r.conn)
	var streams []healthpb.Health_WatchClient
	for _, service := range []string{
		"", "holdfast.v1.ReservationService", "holdfast.v1.StockService",
		"holdfast.v1.EventService",
	} {
		stream, err := checks.Watch(r.ctx, &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		awaitHealth(t, stream, notServing)
		streams = append(streams, stream)
	}
	weak := &reservation.Error{Reason: reservation.ReasonStoreNotDurable}
	for _, step := range []struct {
		err    error
		health healthpb.HealthCheckResponse_ServingStatus
		code   int
		says   string
	}{
		{errPrivate, notServing, 503, "the store is not ready\n"},
		{nil, serving, 200, "its store is ready"},
		{weak, notServing, 503, "durability"},
		{nil, serving, 200, "its store is ready"},
	} {
		storeSays(step.err)
		body := scrape(t, r.server, "/readyz", step.code)
		if !strings.Contains(body, step.says) || strings.Contains(body, "redis") {
			t.Errorf("/readyz says %q, want %q and no host", body, step.says)
		}
		for i, stream := range streams {
			if step.err != errPrivate { //nolint:errorlint // the very same
				awaitHealth(t, stream, step.health)
			} else if i == 0 && !strings.Contains(r.log.String(), "redis-7.internal") {
				t.Errorf("the log lacks why the store is not ready: %s", r.log)
			}
		}
	}
	_, err := checks.Check(r.ctx, &healthpb.HealthCheckRequest{Service: "no.such.Service"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("unknown service: %v", err)
	}
}

func TestHealth_SetServing(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	stream, err := healthpb.NewHealthClient(r.conn).Watch(r.ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	awaitHealth(t, stream, serving)
	r.server.SetServing(false)
	awaitHealth(t, stream, notServing)
	scrape(t, r.server, "/readyz", 503)
	r.server.SetServing(true)
	awaitHealth(t, stream, serving)
}

func TestShutdown_EndsHealthStreamsAndLetsCallsFinish(t *testing.T) {
	entered, proceed := make(chan struct{}), make(chan struct{})
	r := newRig(t, server.Options{}, func(store reservation.Store) reservation.Store {
		return &failing{Store: store, fail: func(context.Context) error {
			close(entered)
			<-proceed
			return &reservation.Error{Reason: reservation.ReasonTooLate}
		}}
	})
	stream, err := healthpb.NewHealthClient(r.conn).Watch(r.ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	awaitHealth(t, stream, serving)
	called := make(chan error, 1)
	go func() {
		_, err := r.stocks.ListStock(r.ctx, &holdfastv1.ListStockRequest{})
		called <- err
	}()
	<-entered
	shut := make(chan error, 1)
	go func() { shut <- r.server.Shutdown(r.ctx) }()
	for err == nil {
		_, err = stream.Recv()
	}
	close(proceed)
	if err := <-called; status.Code(err) != codes.Unavailable {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-shut; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestShutdown_IsBoundedByItsContext(t *testing.T) {
	entered := make(chan struct{})
	r := newRig(t, server.Options{}, func(store reservation.Store) reservation.Store {
		return &failing{Store: store, fail: func(ctx context.Context) error {
			close(entered)
			<-ctx.Done()
			return &reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err()}
		}}
	})
	called := make(chan error, 1)
	go func() {
		_, err := r.stocks.ListStock(r.ctx, &holdfastv1.ListStockRequest{})
		called <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	if err := r.server.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v", err)
	}
	if err := <-called; err == nil {
		t.Error("the call that was cut off was answered OK")
	}
}

func TestShutdown_OfAServerThatNeverServed(t *testing.T) {
	s := server.New(nil, server.Options{Ready: func(context.Context) error { return nil }})
	scrape(t, s, "/readyz", 503)
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestReflection_ListsTheServices(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	stream, err := reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(r.ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{
		"holdfast.v1.ReservationService", "holdfast.v1.StockService", "holdfast.v1.EventService",
	} {
		if !strings.Contains(response.String(), service) {
			t.Errorf("%s is not listed: %v", service, response)
		}
	}
}
