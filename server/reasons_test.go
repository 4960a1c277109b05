package server_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

const storeTime = "2026-11-23T10:00:00.250Z"

func TestReason_InvalidRequest(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	_, err := r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		StockId: "a b", ReservationId: "r-1", Lines: lines("A", 1, "", 0), Replaces: "r-1",
		Ttl: durationpb.New(0), Mode: 9,
	})
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	requireMetadata(t, got, map[string]string{
		"stock_id": "a b", "reservation_id": "r-1", "replaces": "r-1",
		"violations": "6", "truncated": "false",
	})
	want := []string{"stock_id", "lines[1].sku", "lines[1].quantity", "ttl", "mode", "replaces"}
	if diff := cmp.Diff(want, fields(got)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	sentence := `stock_id may hold only A-Z a-z 0-9 and "._-", not " "; 6 violations in all`
	if got.message != sentence {
		t.Errorf("message %q, want %q", got.message, sentence)
	}
}

func TestReason_IDsReused(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.reserve("r-1", lines("A", 1))
	_, err := r.reservations.Reserve(r.ctx,
		&holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 2)})
	got := requireReason(t, err, codes.AlreadyExists, "RESERVATION_ID_REUSED")
	requireMetadata(t, got, map[string]string{
		"stock_id": "default", "reservation_id": "r-1",
		"sequence": got.info.GetMetadata()["sequence"], "store_time": storeTime,
	})

	_, err = r.stocks.Restock(r.ctx, &holdfastv1.RestockRequest{
		RequestId: "seed-A", Lines: lines("A", 1),
	})
	got = requireReason(t, err, codes.AlreadyExists, "REQUEST_ID_REUSED")
	requireMetadata(t, got, map[string]string{
		"stock_id": "default", "request_id": "seed-A",
		"sequence": got.info.GetMetadata()["sequence"], "store_time": storeTime,
	})
}

func TestReason_UnknownSKU_NamesAllOfThem(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	_, err := r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		ReservationId: "r-1", Lines: lines("X", 1, "A", 1, "Y", 1, "X", 2),
	})
	got := requireReason(t, err, codes.NotFound, "UNKNOWN_SKU")
	requireMetadata(t, got, map[string]string{
		"stock_id": "default", "reservation_id": "r-1", "unknown_skus": "2", "truncated": "false",
		"sequence": got.info.GetMetadata()["sequence"], "store_time": storeTime,
	})
	if len(got.resources) != 2 || got.resources[0].GetResourceName() != "X" ||
		got.resources[1].GetResourceName() != "Y" ||
		got.resources[0].GetResourceType() != "holdfast.dev/SKU" {
		t.Errorf("resources %v", got.resources)
	}
	if want := "stock default does not have X and 1 more"; got.message != want {
		t.Errorf("message %q, want %q", got.message, want)
	}
	_, err = r.stocks.GetStock(r.ctx, &holdfastv1.GetStockRequest{StockId: "s", Sku: "Z"})
	got = requireReason(t, err, codes.NotFound, "UNKNOWN_SKU")
	if got.info.GetMetadata()["sku"] != "Z" || got.info.GetMetadata()["stock_id"] != "s" {
		t.Errorf("metadata %v", got.info.GetMetadata())
	}
}

func TestReason_UnknownReservation(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	_, err := r.reservations.GetReservation(r.ctx,
		&holdfastv1.GetReservationRequest{ReservationId: "r-0"})
	got := requireReason(t, err, codes.NotFound, "UNKNOWN_RESERVATION")
	if want := "stock default has no reservation r-0, or no longer"; got.message != want {
		t.Errorf("message %q, want %q", got.message, want)
	}
	_, err = r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		ReservationId: "r-1", Lines: lines("A", 1), Replaces: "r-0",
	})
	got = requireReason(t, err, codes.NotFound, "UNKNOWN_RESERVATION")
	if !strings.Contains(got.message, "r-0") || got.info.GetMetadata()["replaces"] != "r-0" {
		t.Errorf("message %q, metadata %v: must name r-0", got.message, got.info.GetMetadata())
	}
}

func TestReason_StatesOfAReservation(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.reserve("firm", lines("A", 3))

	_, err := r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		ReservationId: "r-1", Lines: lines("A", 1), Replaces: "firm",
	})
	got := requireReason(t, err, codes.FailedPrecondition, "WRONG_STATE")
	if got.info.GetMetadata()["state"] != "COMMITTED" ||
		got.info.GetMetadata()["replaces"] != "firm" {
		t.Errorf("metadata %v", got.info.GetMetadata())
	}

	_, err = r.reservations.Release(r.ctx, &holdfastv1.ReleaseRequest{
		ReservationId: "firm", RequestId: "q-1", Lines: lines("A", 4),
	})
	got = requireReason(t, err, codes.FailedPrecondition, "MORE_THAN_OPEN")
	if got.info.GetMetadata()["skus"] != "1" || len(got.resources) != 1 ||
		got.resources[0].GetResourceName() != "A" || got.info.GetMetadata()["request_id"] != "q-1" {
		t.Errorf("metadata %v, resources %v", got.info.GetMetadata(), got.resources)
	}

	_, err = r.reservations.Release(r.ctx, &holdfastv1.ReleaseRequest{
		ReservationId: "late", AllowMissing: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.reservations.Reserve(r.ctx,
		&holdfastv1.ReserveRequest{ReservationId: "late", Lines: lines("A", 1)})
	requireReason(t, err, codes.FailedPrecondition, "RELEASED_BEFORE_RESERVED")
}

func TestReason_LinesRefused_HasADetailPerLine(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.restock("B", 3)
	r.setPolicy("B", &holdfastv1.Policy{Substitutes: []string{"A", "C"}})
	r.setPolicy("C", &holdfastv1.Policy{Sellable: proto.Bool(false)})
	_, err := r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		ReservationId: "r-1", Lines: lines("A", 1, "B", 5, "C", 1, "A", 2),
	})
	got := requireReason(t, err, codes.FailedPrecondition, "LINES_REFUSED")
	requireMetadata(t, got, map[string]string{
		"stock_id": "default", "reservation_id": "r-1", "refused_lines": "2", "truncated": "false",
		"sequence": got.info.GetMetadata()["sequence"], "store_time": storeTime,
	})
	want := []*holdfastv1.LineRefusal{{
		LineIndex: 1, Sku: "B", RequestedQuantity: 5, OrderableQuantity: proto.Int64(3),
		Reason:      holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_INSUFFICIENT_STOCK,
		Substitutes: []string{"A", "C"},
	}, {
		LineIndex: 2, Sku: "C", RequestedQuantity: 1, OrderableQuantity: proto.Int64(0),
		Reason: holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_NOT_SELLABLE,
	}}
	if diff := cmp.Diff(want, got.refusals, protocmp.Transform()); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	sentence := "line 2: 5 of B asked, 3 orderable (INSUFFICIENT_STOCK); 2 of 4 lines refused"
	if got.message != sentence {
		t.Errorf("message %q, want %q", got.message, sentence)
	}
}

func TestReason_EveryLineReasonReachesTheWire(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	for sku, policy := range map[string]*holdfastv1.Policy{
		"NOT_SELLABLE":   {Sellable: proto.Bool(false)},
		"BELOW_MINIMUM":  {MinQuantity: proto.Int64(5)},
		"ABOVE_MAXIMUM":  {MaxQuantity: proto.Int64(3)},
		"NOT_A_MULTIPLE": {QuantityIncrement: proto.Int64(3)},
		"BACKORDER_LIMIT": {
			BackorderMode:  holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW.Enum(),
			BackorderLimit: proto.Int64(1),
		},
		"INSUFFICIENT_STOCK": {},
	} {
		r.setPolicy(sku, policy)
		_, err := r.reservations.Reserve(r.ctx,
			&holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines(sku, 4)})
		got := requireReason(t, err, codes.FailedPrecondition, "LINES_REFUSED")
		if len(got.refusals) != 1 ||
			got.refusals[0].GetReason().String() != "LINE_REFUSAL_REASON_"+sku ||
			!strings.Contains(got.message, "("+sku+")") {
			t.Errorf("%s: refusals %v, message %q", sku, got.refusals, got.message)
		}
	}
}

func TestReason_StockItemInUse(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 1)
	_, err := r.stocks.DeleteStockItem(r.ctx, &holdfastv1.DeleteStockItemRequest{Sku: "A"})
	got := requireReason(t, err, codes.FailedPrecondition, "STOCK_ITEM_IN_USE")
	if got.info.GetMetadata()["sku"] != "A" || !strings.HasPrefix(got.message, "A has units") {
		t.Errorf("message %q, metadata %v", got.message, got.info.GetMetadata())
	}
}

func TestReason_FigureOutOfRange(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	many := make([]any, 0, 2*reservation.MaxLines)
	for range reservation.MaxLines {
		many = append(many, "A", reservation.MaxQuantity)
	}
	_, err := r.stocks.Restock(r.ctx,
		&holdfastv1.RestockRequest{RequestId: "q-1", Lines: lines(many...)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.stocks.Restock(r.ctx,
		&holdfastv1.RestockRequest{RequestId: "q-2", Lines: lines("A", 1)})
	got := requireReason(t, err, codes.OutOfRange, "FIGURE_OUT_OF_RANGE")
	if want := "a figure of A would pass 1000000000000"; got.message != want {
		t.Errorf("message %q, want %q", got.message, want)
	}
}
