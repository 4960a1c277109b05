package server_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// TestReason_OfLaterCalls has the reasons that only one call has.
func TestReason_OfLaterCalls(t *testing.T) {
	for _, test := range []struct {
		reason   reservation.Reason
		code     codes.Code
		sentence string
	}{
		{
			reservation.ReasonMoreThanCovered, codes.FailedPrecondition,
			"reservation r-1 has less covered than the lines name: A and 1 more",
		},
		{
			reservation.ReasonBackorderedUnits, codes.FailedPrecondition,
			"reservation r-1 cannot be fulfilled whole while units of it wait: A and 1 more",
		},
		{
			reservation.ReasonNotOnHand, codes.FailedPrecondition,
			"more would ship than is on hand: A and 1 more",
		},
		{
			reservation.ReasonOnHandBelowZero, codes.FailedPrecondition,
			"on hand would go below zero: A and 1 more",
		},
		{
			reservation.ReasonOnHandDiffers, codes.Aborted,
			"on hand is not what was expected: A and 1 more",
		},
	} {
		t.Run(test.reason.String(), func(t *testing.T) {
			r := follow(t, &scripted{err: &reservation.Error{
				Reason: test.reason, SKUs: []reservation.SKU{sku("A"), sku("B")},
				Stamp: reservation.Stamp{Sequence: 7, StoreTime: decided},
			}})
			_, err := r.reservations.Fulfill(r.ctx,
				&holdfastv1.FulfillRequest{ReservationId: "r-1"})
			got := requireReason(t, err, test.code, test.reason.String())
			requireMetadata(t, got, map[string]string{
				"stock_id": "default", "reservation_id": "r-1", "skus": "2", "truncated": "false",
				"sequence": "7", "store_time": storeTime,
			})
			if got.message != test.sentence {
				t.Errorf("message %q, want %q", got.message, test.sentence)
			}
			if len(got.resources) != 2 || got.resources[0].GetResourceName() != "A" ||
				got.resources[1].GetResourceName() != "B" {
				t.Errorf("resources %v", got.resources)
			}
		})
	}
}

// TestReason_LinesRefused_OfACommit: the request names no lines that could be counted.
func TestReason_LinesRefused_OfACommit(t *testing.T) {
	r := follow(t, &scripted{err: &reservation.Error{
		Reason: reservation.ReasonLinesRefused, Refusals: []reservation.LineRefusal{{
			Index: 1, SKU: sku("A"), Requested: 5, Orderable: reservation.Some[int64](3),
			Reason: reservation.LineInsufficientStock,
		}},
	}})
	_, err := r.reservations.Commit(r.ctx,
		&holdfastv1.CommitRequest{ReservationId: "r-1", Reacquire: true})
	got := requireReason(t, err, codes.FailedPrecondition, "LINES_REFUSED")
	want := "line 2: 5 of A asked, 3 orderable (INSUFFICIENT_STOCK); 1 lines refused"
	if got.message != want {
		t.Errorf("message %q, want %q", got.message, want)
	}
}

func TestListCalls_PassTheStoresErrorOn(t *testing.T) {
	r := follow(t, &scripted{
		err:          &reservation.Error{Reason: reservation.ReasonStoreUnavailable},
		reservations: func(int) (none reservation.ReservationsAnswer) { return none },
	})
	_, err := r.reservations.ListReservations(r.ctx, &holdfastv1.ListReservationsRequest{
		State: holdfastv1.ReservationState_RESERVATION_STATE_HELD,
	})
	requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
	_, err = r.stocks.ListBackorders(r.ctx, &holdfastv1.ListBackordersRequest{Sku: "A"})
	got := requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
	requireMetadata(t, got, map[string]string{"stock_id": "default", "sku": "A"})
}

// TestReason_StoreUnavailable_SaysWhatTheStoreIsBusyWith: a store that answers is not away.
func TestReason_StoreUnavailable_SaysWhatTheStoreIsBusyWith(t *testing.T) {
	r := follow(t, &scripted{err: &reservation.Error{
		Reason: reservation.ReasonStoreUnavailable, Cause: reservation.ErrReclaiming,
	}})
	_, err := r.reservations.Commit(r.ctx, &holdfastv1.CommitRequest{ReservationId: "r-1"})
	got := requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
	const want = "the stock is busy reclaiming holds that have run out; nothing was done: " +
		"retry with the same id"
	if got.message != want {
		t.Errorf("message %q, want %q", got.message, want)
	}
}
