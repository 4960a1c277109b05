package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

func TestListReservations_TokenComesBackAsTheCursor(t *testing.T) {
	next := reservation.Cursor{Score: 1_763_892_000_250, Name: longName(1)}
	store := &scripted{reservations: func(int) reservation.ReservationsAnswer {
		return reservation.ReservationsAnswer{
			Reservations: []reservation.Reservation{{ID: idR1, State: reservation.StateHeld}},
			Next:         reservation.Some(next), StoreTime: decided,
		}
	}}
	r := follow(t, store)
	request := &holdfastv1.ListReservationsRequest{
		StockId: longName(2), PageSize: 1,
		State: holdfastv1.ReservationState_RESERVATION_STATE_COMMITTED,
	}
	page, err := r.reservations.ListReservations(r.ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(page.GetNextPageToken()); n == 0 || n > 256 {
		t.Errorf("the token has %d bytes", n)
	}
	request.PageToken = page.GetNextPageToken()
	if _, err = r.reservations.ListReservations(r.ctx, request); err != nil {
		t.Fatal(err)
	}
	requireAsked(t, store, reservation.ListReservationsRequest{
		Stock: must(reservation.ParseStockID(longName(2))), State: reservation.StateCommitted,
		After: next, Limit: 1,
	})
}

// TestListReservations_PageFitsIntoAMessage has reservations of which a whole page would not.
func TestListReservations_PageFitsIntoAMessage(t *testing.T) {
	long := make([]reservation.ReservationLine, reservation.MaxLines)
	for i := range long {
		long[i] = reservation.ReservationLine{SKU: sku(longName(i)), Requested: 1, Covered: 1}
	}
	var limits []int
	store := &scripted{reservations: func(limit int) reservation.ReservationsAnswer {
		limits = append(limits, limit)
		answer := reservation.ReservationsAnswer{StoreTime: decided}
		for range limit {
			answer.Reservations = append(answer.Reservations,
				reservation.Reservation{Stock: stockS, ID: idR1, Lines: long})
		}
		answer.Next = reservation.Some(reservation.Cursor{Score: int64(limit), Name: "r-1"})
		return answer
	}}
	r := follow(t, store)
	page, err := r.reservations.ListReservations(r.ctx, &holdfastv1.ListReservationsRequest{
		State: holdfastv1.ReservationState_RESERVATION_STATE_HELD,
	})
	if err != nil {
		t.Fatal(err)
	}
	n := len(page.GetReservations())
	if size := proto.Size(page); size > 3<<20 || n < 2 || page.GetNextPageToken() == "" {
		t.Errorf("a page of %d reservations and %d bytes", n, size)
	}
	if diff := cmp.Diff([]int{100, n}, limits); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestListBackorders_AsksAndAnswersEveryField(t *testing.T) {
	next := reservation.Cursor{SKU: "A", Score: 9}
	store := &scripted{backorders: reservation.BackordersAnswer{
		Backorders: []reservation.Backorder{
			{SKU: sku("A"), Position: 1, ID: idR1, Index: 2, Units: 3, Since: decided},
		},
		Next: reservation.Some(next), StoreTime: decided,
	}}
	r := follow(t, store)
	for _, test := range []struct {
		sku  string
		want reservation.Optional[reservation.SKU]
	}{{"", reservation.Optional[reservation.SKU]{}}, {"A", reservation.Some(sku("A"))}} {
		request := &holdfastv1.ListBackordersRequest{StockId: "s", Sku: test.sku, PageSize: 1}
		page, err := r.stocks.ListBackorders(r.ctx, request)
		if err != nil {
			t.Fatal(err)
		}
		requireEqual(t, "page", &holdfastv1.ListBackordersResponse{
			Backorders: []*holdfastv1.Backorder{{
				Sku: "A", Position: 1, ReservationId: "r-1", LineIndex: 2, BackorderedQuantity: 3,
				WaitingSince: timestamppb.New(decided),
			}},
			NextPageToken: page.GetNextPageToken(), StoreTime: timestamppb.New(decided),
		}, page)
		request.PageToken = page.GetNextPageToken()
		if _, err = r.stocks.ListBackorders(r.ctx, request); err != nil {
			t.Fatal(err)
		}
		requireAsked(t, store, reservation.BackordersRequest{
			Stock: stockS, SKU: test.want, After: next, Limit: 1,
		})
	}
}
