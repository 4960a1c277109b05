package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// TestOrderOfChecks sends requests that are wrong in two ways at once: the earlier check of the
// contract's section 5 answers. Each leaves the stock as it was.
func TestOrderOfChecks(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.setPolicy("FULL", &holdfastv1.Policy{
		BackorderMode: holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW.Enum(),
	})
	r.reserve("used", lines("A", 9))
	r.reserve("firm", fullLines())
	before := r.snapshot()

	for _, test := range []struct {
		name    string
		request *holdfastv1.ReserveRequest
		code    codes.Code
		reason  string
	}{
		{"shape before replay", &holdfastv1.ReserveRequest{
			ReservationId: "used", Lines: lines("A", 0),
		}, codes.InvalidArgument, "INVALID_REQUEST"},
		{"replay before reference", &holdfastv1.ReserveRequest{
			ReservationId: "used", Lines: lines("NONE", 1),
		}, codes.AlreadyExists, "RESERVATION_ID_REUSED"},
		{"replay before state", &holdfastv1.ReserveRequest{
			ReservationId: "used", Lines: lines("A", 9), Replaces: "firm",
		}, codes.AlreadyExists, "RESERVATION_ID_REUSED"},
		{"reference before state", &holdfastv1.ReserveRequest{
			ReservationId: "new", Lines: lines("NONE", 1), Replaces: "firm",
		}, codes.NotFound, "UNKNOWN_SKU"},
		{"reference before policy", &holdfastv1.ReserveRequest{
			ReservationId: "new", Lines: lines("A", 1, "NONE", 1),
		}, codes.NotFound, "UNKNOWN_SKU"},
		{"state before stock", &holdfastv1.ReserveRequest{
			ReservationId: "new", Lines: lines("A", 100), Replaces: "firm",
		}, codes.FailedPrecondition, "WRONG_STATE"},
		{"stock before magnitude", &holdfastv1.ReserveRequest{
			ReservationId: "new", Lines: lines("A", 100, "FULL", 1),
		}, codes.FailedPrecondition, "LINES_REFUSED"},
		{"magnitude", &holdfastv1.ReserveRequest{
			ReservationId: "new", Lines: lines("FULL", 1),
		}, codes.OutOfRange, "FIGURE_OUT_OF_RANGE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.reservations.Reserve(r.ctx, test.request)
			requireReason(t, err, test.code, test.reason)
			if diff := diffSnapshots(before, r.snapshot()); diff != "" {
				t.Errorf("the refused call changed the stock:\n%s", diff)
			}
		})
	}
}

// fullLines reserve as much of FULL as a figure can say.
func fullLines() []*holdfastv1.LineQuantity {
	out := make([]*holdfastv1.LineQuantity, reservation.MaxLines)
	for i := range out {
		out[i] = &holdfastv1.LineQuantity{Sku: "FULL", Quantity: reservation.MaxQuantity}
	}
	return out
}

// TestOrderOfChecks_ReplayBeforePolicy: what was granted is answered again, whatever holds now.
func TestOrderOfChecks_ReplayBeforePolicy(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	first := r.reserve("r-1", lines("A", 9))
	r.setPolicy("A", &holdfastv1.Policy{Sellable: proto.Bool(false)})
	before := r.snapshot()
	if again := r.reserve("r-1", lines("A", 9)); !proto.Equal(first, again) {
		t.Errorf("replayed %v, first was %v", again, first)
	}
	if diff := diffSnapshots(before, r.snapshot()); diff != "" {
		t.Errorf("the replay changed the stock:\n%s", diff)
	}
}
