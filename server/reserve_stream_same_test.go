package server_test

import (
	"testing"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// refusal is a refused answer as the error that Reserve would have ended with.
func refusal(answer *holdfastv1.ReserveStreamResponse) error {
	return status.ErrorProto(answer.GetRefused())
}

// requireSame makes a request by Reserve and on a stream: both are refused, and alike to the byte.
func requireSame(
	t *testing.T, r *rig, stream reserveStream, in *holdfastv1.ReserveRequest,
) *spb.Status {
	t.Helper()
	_, err := r.reservations.Reserve(r.ctx, in)
	want := takeApart(t, err)
	if err := stream.Send(streamed(in)); err != nil {
		t.Fatal(err)
	}
	answer := next(t, stream)
	got := answer.GetRefused()
	if got == nil {
		t.Fatalf("on the stream granted: %v", answer)
	}
	if want.info.GetReason() == "INTERNAL" { // each fault has an incident of its own
		if incident := takeApart(t, refusal(answer)).info.GetMetadata()["incident"]; incident == "" {
			t.Error("the fault has no incident")
		}
		return got
	}
	requireEqual(t, "refusal of "+in.GetReservationId(), status.Convert(err).Proto(), got)
	return got
}

func TestReserveStream_RefusesAsReserveDoes(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.setPolicy("FULL", &holdfastv1.Policy{
		BackorderMode: holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW.Enum(),
	})
	r.setPolicy("MIN", &holdfastv1.Policy{
		MinQuantity: proto.Int64(5), Substitutes: []string{"A", "B"},
	})
	r.setPolicy("CLOSED", &holdfastv1.Policy{Sellable: proto.Bool(false)})
	r.reserve("used", lines("A", 1))
	r.reserve("firm", fullLines())
	if _, err := r.reservations.Release(r.ctx, &holdfastv1.ReleaseRequest{
		ReservationId: "late", AllowMissing: true,
	}); err != nil {
		t.Fatal(err)
	}
	stream := r.openStream(r.ctx)
	before := r.snapshot()
	met := map[string]bool{}
	for _, in := range []*holdfastv1.ReserveRequest{
		{ReservationId: "used", Lines: lines("A", 2)},
		{ReservationId: "new", Lines: lines("X", 1, "A", 1, "Y", 1)},
		{ReservationId: "new", Lines: lines("A", 1), Replaces: "nobody"},
		{ReservationId: "new", Lines: lines("A", 1), Replaces: "firm"},
		{ReservationId: "late", Lines: lines("A", 1)},
		{ReservationId: "new", Lines: lines("A", 100, "MIN", 1, "CLOSED", 1)},
		{ReservationId: "new", Lines: lines("FULL", 1)},
		{StockId: "a b", Replaces: "!"},
	} {
		got := requireSame(t, r, stream, in)
		met[takeApart(t, status.ErrorProto(got)).info.GetReason()] = true
	}
	if diff := diffSnapshots(before, r.snapshot()); diff != "" {
		t.Errorf("refusals changed the stock:\n%s", diff)
	}
	for _, reason := range []string{
		"INVALID_REQUEST", "RESERVATION_ID_REUSED", "UNKNOWN_SKU", "UNKNOWN_RESERVATION",
		"RELEASED_BEFORE_RESERVED", "WRONG_STATE", "LINES_REFUSED", "FIGURE_OUT_OF_RANGE",
	} {
		if !met[reason] {
			t.Errorf("%s was not met", reason)
		}
	}
}

func TestReserveStream_RefusesEveryEdgeAsReserveDoes(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	stream := r.openStream(r.ctx)
	compared := 0
	for _, test := range allEdges() {
		if in, ok := test.request.(*holdfastv1.ReserveRequest); ok && len(test.fields) > 0 {
			requireSame(t, r, stream, in)
			compared++
		}
	}
	if compared < 30 {
		t.Errorf("only %d edges were compared", compared)
	}
}

// TestReserveStream_PassesEveryReasonOfTheStoreAsReserveDoes has also those that a model cannot be
// brought to.
func TestReserveStream_PassesEveryReasonOfTheStoreAsReserveDoes(t *testing.T) {
	for name, reason := range allReasons() {
		t.Run(name, func(t *testing.T) {
			failure := &reservation.Error{
				Reason: reason, Cause: errPrivate, SKUs: []reservation.SKU{sku("A"), sku("B")},
				Stamp: reservation.Stamp{Sequence: 7, StoreTime: decided},
				State: reservation.StateExpired, Oldest: 3,
			}
			switch name {
			case "OUTCOME_UNKNOWN":
				failure.SettlesAt = decided.Add(time.Second)
			case "OVERLOADED":
				failure.RetryAfter = 3 * time.Second
			case "LINES_REFUSED":
				failure.Refusals = []reservation.LineRefusal{{
					SKU: sku("A"), Requested: 5, Orderable: reservation.Some[int64](2),
					Reason: reservation.LineBackorderLimit, Substitutes: []reservation.SKU{sku("B")},
				}}
			}
			r := newRig(t, server.Options{}, failWith(failure))
			requireSame(t, r, r.openStream(r.ctx), &holdfastv1.ReserveRequest{
				StockId: "s", ReservationId: "r-1", Lines: lines("A", 5),
			})
		})
	}
}
