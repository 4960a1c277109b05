package server_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/server"
)

// told returns what a response's metadata says of a replay.
func told(header metadata.MD) map[string][]string {
	out := map[string][]string{}
	for _, key := range []string{server.ReplayedHeader, server.StateHeader} {
		if values := header.Get(key); len(values) > 0 {
			out[key] = values
		}
	}
	return out
}

func requireTold(t *testing.T, header metadata.MD, want map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(want, told(header)); diff != "" {
		t.Errorf("response metadata (-want +got):\n%s", diff)
	}
}

func TestReserve_ReplayReturnsFirstAnswerAndTheStateNow(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	request := &holdfastv1.ReserveRequest{
		ReservationId: "r-1", Lines: lines("A", 2), Ttl: durationpb.New(time.Minute),
	}
	var header metadata.MD
	first, err := r.reservations.Reserve(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, map[string][]string{})

	again, err := r.reservations.Reserve(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header,
		map[string][]string{"holdfast-replayed": {"true"}, "holdfast-state": {"HELD"}})
	if !proto.Equal(first, again) {
		t.Errorf("replayed %v, first was %v", again, first)
	}

	r.clock.advance(time.Minute)
	again, err = r.reservations.Reserve(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header,
		map[string][]string{"holdfast-replayed": {"true"}, "holdfast-state": {"EXPIRED"}})
	if !proto.Equal(first, again) {
		t.Errorf("replayed %v, first was %v", again, first)
	}
}

func TestRelease_ReplayByLinesSaysSo(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.reserve("r-1", lines("A", 5))
	request := &holdfastv1.ReleaseRequest{ReservationId: "r-1", RequestId: "q-1", Lines: lines("A",
		2)}
	var header metadata.MD
	first, err := r.reservations.Release(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, map[string][]string{})
	again, err := r.reservations.Release(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, map[string][]string{"holdfast-replayed": {"true"}})
	if !proto.Equal(first, again) {
		t.Errorf("replayed %v, first was %v", again, first)
	}
}

func TestRestock_ReplaySaysSo(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	request := &holdfastv1.RestockRequest{RequestId: "q-1", Lines: lines("A", 2, "A", 3)}
	var header metadata.MD
	first, err := r.stocks.Restock(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, map[string][]string{})
	again, err := r.stocks.Restock(r.ctx, request, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, map[string][]string{"holdfast-replayed": {"true"}})
	if !proto.Equal(first, again) {
		t.Errorf("replayed %v, first was %v", again, first)
	}
}
