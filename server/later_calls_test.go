package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

func TestLifecycle_AsksAndAnswersEveryField(t *testing.T) {
	store := &scripted{change: reservation.ChangeAnswer{
		Reservation: reservation.Reservation{
			Stock: stockS, ID: idR1, State: reservation.StateCommitted, Term: 2,
			CreateTime: decided, ExpireTime: decided.Add(time.Minute),
			Lines: []reservation.ReservationLine{
				{SKU: sku("A"), Requested: 9, Covered: 4, Fulfilled: 3, Released: 2},
			},
		},
		Stamp: reservation.Stamp{Sequence: 7, StoreTime: decided},
	}}
	r := follow(t, store)
	want := &holdfastv1.Reservation{
		StockId: "s", ReservationId: "r-1", Term: 2,
		State:      holdfastv1.ReservationState_RESERVATION_STATE_COMMITTED,
		CreateTime: timestamppb.New(decided), ExpireTime: timestamppb.New(decided.Add(time.Minute)),
		Lines: []*holdfastv1.ReservationLine{{
			Sku: "A", RequestedQuantity: 9, ReservedQuantity: 4, FulfilledQuantity: 3,
			ReleasedQuantity: 2,
		}},
	}
	at := timestamppb.New(decided)

	commit, err := r.reservations.Commit(r.ctx, &holdfastv1.CommitRequest{
		StockId: "s", ReservationId: "r-1", Reacquire: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	requireAsked(t, store, reservation.CommitRequest{Stock: stockS, ID: idR1, Reacquire: true})
	requireEqual(t, "Commit", &holdfastv1.CommitResponse{
		Reservation: want, Sequence: 7, StoreTime: at,
	}, commit)

	extend, err := r.reservations.Extend(r.ctx, &holdfastv1.ExtendRequest{
		StockId: "s", ReservationId: "r-1", Ttl: durationpb.New(time.Minute + 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	requireAsked(t, store, reservation.ExtendRequest{
		Stock: stockS, ID: idR1, TTL: must(reservation.NewTTL(60_001 * time.Millisecond)),
	})
	requireEqual(t, "Extend", &holdfastv1.ExtendResponse{
		Reservation: want, Sequence: 7, StoreTime: at,
	}, extend)

	store.change.Replayed = true
	var header metadata.MD
	fulfill, err := r.reservations.Fulfill(r.ctx, &holdfastv1.FulfillRequest{
		StockId: "s", ReservationId: "r-1", RequestId: "q-1", Lines: lines("A", 3),
	}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, map[string][]string{"holdfast-replayed": {"true"}})
	requireAsked(t, store, reservation.FulfillRequest{
		Stock: stockS, ID: idR1, Request: idQ1, Lines: must(reservation.NewLines(
			[]reservation.Line{{SKU: sku("A"), Quantity: must(reservation.NewQuantity(3))}})),
	})
	requireEqual(t, "Fulfill", &holdfastv1.FulfillResponse{
		Reservation: want, Sequence: 7, StoreTime: at,
	}, fulfill)
}

func TestOnHand_AsksAndAnswersEveryField(t *testing.T) {
	store := &scripted{onHand: reservation.OnHandAnswer{
		Lines: []reservation.OnHandLine{{
			SKU: sku("A"), Delta: -2, OnHand: 3, Available: -4, Filled: 5, Backordered: 6,
			Shortfall: 7,
		}},
		Fills: []reservation.Fill{{ID: idR1, SKU: sku("A"), Units: 5}},
		Stamp: reservation.Stamp{Sequence: 7, StoreTime: decided}, Replayed: true,
	}}
	r := follow(t, store)
	line := []*holdfastv1.OnHandLine{{
		Sku: "A", Delta: -2, OnHandQuantity: 3, AvailableQuantity: -4, FilledQuantity: 5,
		BackorderedQuantity: 6, ShortfallQuantity: 7,
	}}
	fills := []*holdfastv1.ReservationFill{{ReservationId: "r-1", Sku: "A", FilledQuantity: 5}}
	replayed := map[string][]string{"holdfast-replayed": {"true"}}

	var header metadata.MD
	adjusted, err := r.stocks.AdjustStock(r.ctx, &holdfastv1.AdjustStockRequest{
		StockId: "s", RequestId: "q-1",
		Lines: []*holdfastv1.StockAdjustment{{Sku: "A", Delta: -2, Reason: "damage"}},
	}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, replayed)
	requireAsked(t, store, reservation.AdjustRequest{
		Stock: stockS, Request: idQ1, Lines: []reservation.AdjustLine{{
			SKU: sku("A"), Delta: must(reservation.NewDelta(-2)),
			Reason: must(reservation.ParseAdjustReason("damage")),
		}},
	})
	requireEqual(t, "AdjustStock", &holdfastv1.AdjustStockResponse{
		Lines: line, Fills: fills, Sequence: 7, StoreTime: timestamppb.New(decided),
	}, adjusted)

	header = nil
	counted, err := r.stocks.SetStock(r.ctx, &holdfastv1.SetStockRequest{
		StockId: "s", RequestId: "q-1", Lines: []*holdfastv1.StockCount{
			{Sku: "A", OnHandQuantity: 3, ExpectedOnHandQuantity: proto.Int64(0)},
			{Sku: "B"},
		},
	}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	requireTold(t, header, replayed)
	requireAsked(t, store, reservation.SetStockRequest{
		Stock: stockS, Request: idQ1, Lines: []reservation.CountLine{
			{SKU: sku("A"), OnHand: 3, Expected: reservation.Some[int64](0)}, {SKU: sku("B")},
		},
	})
	requireEqual(t, "SetStock", &holdfastv1.SetStockResponse{
		Lines: line, Fills: fills, Sequence: 7, StoreTime: timestamppb.New(decided),
	}, counted)
}
