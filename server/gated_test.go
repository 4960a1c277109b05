package server_test

import (
	"context"
	"sync"
	"testing"

	"google.golang.org/grpc"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// gated is a store whose Reserves wait until the test lets them go, each by its id; those whose id
// begins with "free" do not wait.
type gated struct {
	reservation.Store
	entered chan string // ids, as they come
	left    chan error  // contexts' errors of those that were not let go

	mu    sync.Mutex
	gates map[string]chan struct{}
	open  bool // for all
	now   int  // inside
	peak  int  // most that were inside at once
}

func newGated() *gated {
	return &gated{
		entered: make(chan string, 4*server.MaxStreamItems),
		left:    make(chan error, server.MaxStreamItems),
		gates:   make(map[string]chan struct{}),
	}
}

// gate returns what Reserves of an id wait for.
func (g *gated) gate(id string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gates[id] == nil {
		g.gates[id] = make(chan struct{})
		if g.open || len(id) > 4 && id[:4] == "free" {
			close(g.gates[id])
		}
	}
	return g.gates[id]
}

// letGo lets a Reserve go on.
func (g *gated) letGo(id string) { close(g.gate(id)) }

// letAllGo lets all go on that are there or will come.
func (g *gated) letAllGo() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = true
	for _, gate := range g.gates {
		close(gate)
	}
}

func (g *gated) count(by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += by
	g.peak = max(g.peak, g.now)
}

func (g *gated) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	gate := g.gate(request.ID.String())
	g.count(1)
	defer g.count(-1)
	g.entered <- request.ID.String()
	select {
	case <-gate:
		return g.Store.Reserve(ctx, request)
	case <-ctx.Done():
		g.left <- ctx.Err()
		return reservation.ReserveAnswer{}, &reservation.Error{
			Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err(),
		}
	}
}

type reserveStream = grpc.BidiStreamingClient[
	holdfastv1.ReserveStreamRequest, holdfastv1.ReserveStreamResponse]

// openStream begins a stream.
func (r *rig) openStream(ctx context.Context, options ...grpc.CallOption) reserveStream {
	r.t.Helper()
	stream, err := r.reservations.ReserveStream(ctx, options...)
	if err != nil {
		r.t.Fatalf("begin a stream: %v", err)
	}
	return stream
}

// gatedRig serves a gated store and has a stream begun.
func gatedRig(t *testing.T, opts server.Options) (*rig, *gated, reserveStream) {
	t.Helper()
	store := newGated()
	r := newRig(t, opts, func(inner reservation.Store) reservation.Store {
		store.Store = inner
		return store
	})
	r.restock("A", 1_000_000)
	return r, store, r.openStream(r.ctx)
}

func streamed(in *holdfastv1.ReserveRequest) *holdfastv1.ReserveStreamRequest {
	return &holdfastv1.ReserveStreamRequest{Reserve: in}
}

// ask sends a request for one unit of A.
func ask(t *testing.T, stream reserveStream, id string) {
	t.Helper()
	err := stream.Send(streamed(&holdfastv1.ReserveRequest{
		ReservationId: id, Lines: lines("A", 1),
	}))
	if err != nil {
		t.Fatalf("send %s: %v", id, err)
	}
}

// next receives an answer.
func next(t *testing.T, stream reserveStream) *holdfastv1.ReserveStreamResponse {
	t.Helper()
	answer, err := stream.Recv()
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return answer
}

// requireGranted receives an answer and holds it against the one that is to come.
func requireGranted(t *testing.T, stream reserveStream, id string) {
	t.Helper()
	answer := next(t, stream)
	if answer.GetReservationId() != id || answer.GetReserved() == nil {
		t.Fatalf("answered %v, want %s to be granted", answer, id)
	}
}
