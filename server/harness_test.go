package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/server"
)

// rig is a server over a model, its clients, and a clock that only tests move.
type rig struct {
	t            *testing.T
	ctx          context.Context
	model        *model.Model
	clock        *clock
	server       *server.Server
	conn         *grpc.ClientConn
	reservations holdfastv1.ReservationServiceClient
	stocks       holdfastv1.StockServiceClient
	events       holdfastv1.EventServiceClient
	log          *logBuffer
}

// newRig serves a model, or what wrap makes of it.
func newRig(
	t *testing.T, opts server.Options, wrap func(reservation.Store) reservation.Store,
) *rig {
	t.Helper()
	r := &rig{t: t, clock: newClock(), log: &logBuffer{}}
	r.model = model.New(model.Options{Retention: reservation.DefaultRetention, Now: r.clock.Now})
	var store reservation.Store = r.model
	if wrap != nil {
		store = wrap(store)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r.ctx = ctx
	r.server = server.New(store, opts)
	r.conn = serve(t, r.server)
	r.reservations = holdfastv1.NewReservationServiceClient(r.conn)
	r.stocks = holdfastv1.NewStockServiceClient(r.conn)
	r.events = holdfastv1.NewEventServiceClient(r.conn)
	return r
}

// serve runs a server until the end of the test and returns a connection to it.
func serve(t testing.TB, s *server.Server) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:///bufconn",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(16<<20)))
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return conn
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 23, 10, 0, 0, 250_000_000, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// restock puts units of a SKU on hand.
func (r *rig) restock(sku string, units int64) {
	r.t.Helper()
	_, err := r.stocks.Restock(r.ctx, &holdfastv1.RestockRequest{
		RequestId: "seed-" + strings.ReplaceAll(sku, " ", "_"), Lines: lines(sku, units),
	})
	if err != nil {
		r.t.Fatalf("restock: %v", err)
	}
}

func (r *rig) setPolicy(sku string, policy *holdfastv1.Policy) {
	r.t.Helper()
	_, err := r.stocks.SetPolicy(r.ctx, &holdfastv1.SetPolicyRequest{Sku: sku, Policy: policy})
	if err != nil {
		r.t.Fatalf("set policy: %v", err)
	}
}

func (r *rig) reserve(id string, list []*holdfastv1.LineQuantity) *holdfastv1.ReserveResponse {
	r.t.Helper()
	response, err := r.reservations.Reserve(r.ctx,
		&holdfastv1.ReserveRequest{ReservationId: id, Lines: list})
	if err != nil {
		r.t.Fatalf("reserve %s: %v", id, err)
	}
	return response
}

// snapshot is everything in the default stock.
func (r *rig) snapshot() reservation.Snapshot {
	r.t.Helper()
	id, err := reservation.ParseStockID("")
	if err != nil {
		r.t.Fatal(err)
	}
	snapshot, err := r.model.Snapshot(r.ctx, id)
	if err != nil {
		r.t.Fatalf("snapshot: %v", err)
	}
	return snapshot
}

func diffSnapshots(before, after reservation.Snapshot) string {
	return cmp.Diff(before, after, cmp.AllowUnexported(reservation.StockID{},
		reservation.ReservationID{}, reservation.RequestID{}, reservation.SKU{},
		reservation.AdjustReason{}))
}

// lines makes lines of pairs of SKU (string) and quantity (int or int64).
func lines(pairs ...any) []*holdfastv1.LineQuantity {
	out := make([]*holdfastv1.LineQuantity, 0, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		line := &holdfastv1.LineQuantity{Sku: pair[0].(string)}
		switch quantity := pair[1].(type) {
		case int:
			line.Quantity = int64(quantity)
		case int64:
			line.Quantity = quantity
		}
		out = append(out, line)
	}
	return out
}

// answered is an error as a caller takes it apart.
type answered struct {
	code       codes.Code
	message    string
	info       *errdetails.ErrorInfo
	refusals   []*holdfastv1.LineRefusal
	resources  []*errdetails.ResourceInfo
	violations []*errdetails.BadRequest_FieldViolation
	retry      *errdetails.RetryInfo
	size       int // of the encoded google.rpc.Status
}

func takeApart(t *testing.T, err error) answered {
	t.Helper()
	if err == nil {
		t.Fatal("the call was answered OK, want an error")
	}
	s, ok := status.FromError(err)
	if !ok {
		t.Fatalf("not a status: %v", err)
	}
	out := answered{code: s.Code(), message: s.Message(), size: proto.Size(s.Proto())}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			out.info = d
		case *holdfastv1.LineRefusal:
			out.refusals = append(out.refusals, d)
		case *errdetails.ResourceInfo:
			out.resources = append(out.resources, d)
		case *errdetails.BadRequest:
			out.violations = d.GetFieldViolations()
		case *errdetails.RetryInfo:
			out.retry = d
		default:
			t.Errorf("unexpected detail %T: %v", d, d)
		}
	}
	return out
}

// requireReason holds code, reason and domain of an error against what is wanted.
func requireReason(t *testing.T, err error, code codes.Code, reason string) answered {
	t.Helper()
	got := takeApart(t, err)
	if got.info == nil {
		t.Fatalf("no ErrorInfo in %v", err)
	}
	if got.code != code || got.info.GetReason() != reason ||
		got.info.GetDomain() != server.ErrorDomain {
		t.Fatalf("got %v %s of %s, want %v %s of %s (%v)", got.code, got.info.GetReason(),
			got.info.GetDomain(), code, reason, server.ErrorDomain, err)
	}
	return got
}

func requireMetadata(t *testing.T, got answered, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got.info.GetMetadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func fields(got answered) []string {
	var names []string
	for _, violation := range got.violations {
		names = append(names, violation.GetField())
	}
	return names
}

// failing is a store whose every call fails with what fail returns.
type failing struct {
	reservation.Store
	fail func(ctx context.Context) error
}

func (f *failing) Reserve(
	ctx context.Context, _ reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	return reservation.ReserveAnswer{}, f.fail(ctx)
}

func (f *failing) List(
	ctx context.Context, _ reservation.ListRequest,
) (reservation.ListAnswer, error) {
	return reservation.ListAnswer{}, f.fail(ctx)
}

func failWith(err error) func(reservation.Store) reservation.Store {
	return func(store reservation.Store) reservation.Store {
		return &failing{Store: store, fail: func(context.Context) error { return err }}
	}
}

var errPrivate = errors.New("dial tcp redis-7.internal:6379: {default}:meta EVALSHA refused")
