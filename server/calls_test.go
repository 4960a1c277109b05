package server_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/server"
)

// allowing makes a SKU that takes backorders and says when more comes and what to offer instead.
func (r *rig) allowing(sku string) *timestamppb.Timestamp {
	restock := timestamppb.New(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC))
	r.setPolicy(sku, &holdfastv1.Policy{
		BackorderMode: holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW_AND_NOTIFY.Enum(),
		RestockTime:   restock, Substitutes: []string{"X", "Y"},
	})
	return restock
}

// granted is a line without backordered units.
func granted(sku string, requested, reserved, available int64) *holdfastv1.ReservationLine {
	return &holdfastv1.ReservationLine{
		Sku: sku, RequestedQuantity: requested, ReservedQuantity: reserved,
		AvailableQuantity: proto.Int64(available),
	}
}

func TestReserve_AnswersEveryFieldOfALine(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	r.restock("B", 3)
	restock := r.allowing("B")
	request := &holdfastv1.ReserveRequest{
		StockId: "default", ReservationId: "r-1", Lines: lines("A", 2, "B", 5, "A", 1),
		// Rounded up to the next millisecond.
		Ttl: durationpb.New(time.Minute + 1),
	}
	got, err := r.reservations.Reserve(r.ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	now := r.clock.Now()
	want := &holdfastv1.Reservation{
		StockId: "default", ReservationId: "r-1",
		State:       holdfastv1.ReservationState_RESERVATION_STATE_HELD,
		CreateTime:  timestamppb.New(now),
		ExpireTime:  timestamppb.New(now.Add(60_001 * time.Millisecond)),
		Backordered: true, Term: 1,
		Lines: []*holdfastv1.ReservationLine{
			granted("A", 2, 2, 7),
			{
				Sku: "B", RequestedQuantity: 5, ReservedQuantity: 5,
				AvailableQuantity: proto.Int64(-2),
				Backordered:       true, BackorderedQuantity: 2, NotifyCustomer: true,
				RestockTime: restock, Substitutes: []string{"X", "Y"},
			},
			granted("A", 1, 1, 6),
		},
	}
	requireEqual(t, "reservation", want, got.GetReservation())
	requireEqual(t, "store time", timestamppb.New(now), got.GetStoreTime())
	if last := r.snapshot().Sequence; got.GetSequence() != last {
		t.Errorf("sequence %d, the journal's is %d", got.GetSequence(), last)
	}

	for _, line := range want.GetLines() {
		line.AvailableQuantity = nil
	}
	read, err := r.reservations.GetReservation(r.ctx,
		&holdfastv1.GetReservationRequest{ReservationId: "r-1"})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "read", want, read.GetReservation())
}

func TestCheckAvailability_AnswersRefusalsAsOK(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 3)
	r.restock("B", 3)
	before := r.snapshot()
	got, err := r.reservations.CheckAvailability(r.ctx, &holdfastv1.CheckAvailabilityRequest{
		Lines: lines("A", 5, "B", 1), Mode: holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL,
	})
	if err != nil {
		t.Fatal(err)
	}
	cut := granted("A", 5, 3, 0)
	cut.RefusalReason = holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_INSUFFICIENT_STOCK
	cut.OrderableQuantity = proto.Int64(3)
	want := &holdfastv1.CheckAvailabilityResponse{
		Grantable: true,
		Lines: []*holdfastv1.ReservationLine{
			cut,
			granted("B", 1, 1, 2),
		},
		Refusals: []*holdfastv1.LineRefusal{{
			LineIndex: 0, Sku: "A", RequestedQuantity: 5, OrderableQuantity: proto.Int64(3),
			Reason: holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_INSUFFICIENT_STOCK,
		}},
		StoreTime: timestamppb.New(r.clock.Now()),
	}
	requireEqual(t, "answer", want, got)
	if diff := diffSnapshots(before, r.snapshot()); diff != "" {
		t.Errorf("the check changed the stock:\n%s", diff)
	}
}

func TestRelease_AnswersWhatIsLeft(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("B", 3)
	r.allowing("B")
	r.reserve("r-1", lines("B", 5))
	got, err := r.reservations.Release(r.ctx, &holdfastv1.ReleaseRequest{
		ReservationId: "r-1", RequestId: "q-1", Lines: lines("B", 3),
	})
	if err != nil {
		t.Fatal(err)
	}
	// The backordered units go first; what was said of them is over with them.
	want := &holdfastv1.ReservationLine{
		Sku: "B", RequestedQuantity: 5, ReservedQuantity: 2, NotifyCustomer: true,
		ReleasedQuantity: 3,
	}
	requireEqual(t, "line", want, got.GetReservation().GetLines()[0])
	got, err = r.reservations.Release(r.ctx, &holdfastv1.ReleaseRequest{ReservationId: "r-1"})
	if err != nil {
		t.Fatal(err)
	}
	const released = holdfastv1.ReservationState_RESERVATION_STATE_RELEASED
	if state := got.GetReservation().GetState(); state != released {
		t.Errorf("state %v", state)
	}
}

func TestRelease_OfWhatNeverWas(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	got, err := r.reservations.Release(r.ctx,
		&holdfastv1.ReleaseRequest{ReservationId: "r-1", AllowMissing: true})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "reservation", &holdfastv1.Reservation{
		StockId: "default", ReservationId: "r-1",
		State: holdfastv1.ReservationState_RESERVATION_STATE_RELEASED,
	}, got.GetReservation())
}

func TestRestock_AnswersLinesAndFills(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.allowing("B")
	r.reserve("r-1", lines("B", 5))
	got, err := r.stocks.Restock(r.ctx,
		&holdfastv1.RestockRequest{RequestId: "q-1", Lines: lines("B", 2, "B", 9)})
	if err != nil {
		t.Fatal(err)
	}
	want := &holdfastv1.RestockResponse{
		Lines: []*holdfastv1.RestockLine{
			{
				Sku: "B", Quantity: 2, OnHandQuantity: 2, AvailableQuantity: -3, FilledQuantity: 2,
				BackorderedQuantity: 3,
			},
			{Sku: "B", Quantity: 9, OnHandQuantity: 11, AvailableQuantity: 6, FilledQuantity: 3},
		},
		Sequence: got.GetSequence(), StoreTime: timestamppb.New(r.clock.Now()),
	}
	filled := int64(0)
	for _, fill := range got.GetFills() {
		if fill.GetReservationId() != "r-1" || fill.GetSku() != "B" {
			t.Errorf("fill %v", fill)
		}
		filled += fill.GetFilledQuantity()
	}
	if filled != 5 {
		t.Errorf("fills %v", got.GetFills())
	}
	want.Fills = got.GetFills()
	requireEqual(t, "answer", want, got)
}

func TestStockReads_AnswerEveryFigure(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 3)
	r.setPolicy("A", &holdfastv1.Policy{
		BackorderMode:  holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW.Enum(),
		BackorderLimit: proto.Int64(10),
	})
	r.reserve("r-1", lines("A", 5))
	r.restock("B", 1)
	policy := builtIn()
	policy.BackorderMode = holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW.Enum()
	policy.BackorderLimit = proto.Int64(10)
	a := &holdfastv1.StockItem{
		Sku: "A", OnHandQuantity: 3, ReservedQuantity: 5, AvailableQuantity: -2,
		OrderableQuantity: proto.Int64(8), BackorderedQuantity: 2, Policy: policy,
	}
	b := &holdfastv1.StockItem{
		Sku: "B", OnHandQuantity: 1, AvailableQuantity: 1, OrderableQuantity: proto.Int64(1),
		Policy: builtIn(),
	}
	one, err := r.stocks.GetStock(r.ctx, &holdfastv1.GetStockRequest{Sku: "A"})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "GetStock", a, one.GetItem())
	many, err := r.stocks.BatchGetStock(r.ctx,
		&holdfastv1.BatchGetStockRequest{Skus: []string{"B", "A", "B"}})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "BatchGetStock", &holdfastv1.BatchGetStockResponse{
		Items: []*holdfastv1.StockItem{b, a, b}, StoreTime: timestamppb.New(r.clock.Now()),
	}, many)
}

func TestListStock_PagesThroughAll(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	want := []string{"A b", "A}", "B", "a", "ü"}
	for _, sku := range want {
		r.setPolicy(sku, nil)
	}
	var got []string
	request := &holdfastv1.ListStockRequest{PageSize: 2}
	for page := 0; page == 0 || request.GetPageToken() != ""; page++ {
		response, err := r.stocks.ListStock(r.ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range response.GetItems() {
			got = append(got, item.GetSku())
		}
		request.PageToken = response.GetNextPageToken()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SKUs (-want +got):\n%s", diff)
	}
	none, err := r.stocks.ListStock(r.ctx, &holdfastv1.ListStockRequest{StockId: "none"})
	if err != nil || len(none.GetItems()) != 0 || none.GetNextPageToken() != "" {
		t.Errorf("unknown stock: %v, %v", none, err)
	}
}

func TestDeleteStockItem(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.setPolicy("A", nil)
	got, err := r.stocks.DeleteStockItem(r.ctx, &holdfastv1.DeleteStockItemRequest{Sku: "A"})
	if err != nil {
		t.Fatal(err)
	}
	want := &holdfastv1.DeleteStockItemResponse{
		Sequence: r.snapshot().Sequence, StoreTime: timestamppb.New(r.clock.Now()),
	}
	requireEqual(t, "answer", want, got)
}
