package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-dev/holdfast/reservation"
)

// diff returns how got differs from want, empty if it does not. A missing list is an empty one.
func diff(want, got any) string {
	if same(reflect.ValueOf(want), reflect.ValueOf(got)) {
		return "" // by far the most cases, and seen here a hundred times faster
	}
	return cmp.Diff(want, got,
		cmpopts.EquateEmpty(),
		cmpopts.EquateComparable(
			reservation.SKU{}, reservation.StockID{}, reservation.ReservationID{},
			reservation.RequestID{}, reservation.Quantity{}, reservation.TTL{},
		),
	)
}

// same says whether two values are the same in all, a missing list being an empty one. It may take
// like values for different ones (the same moment in two time zones); then cmp has the last word.
func same(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return a.IsValid() == b.IsValid() && !a.IsValid()
	}
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Pointer, reflect.Interface:
		return same(a.Elem(), b.Elem())
	case reflect.Map, reflect.Func, reflect.Chan:
		return false
	default:
		return a.Equal(b)
	}
}

// outcome is all that a caller learns from a call, made comparable.
type outcome struct {
	Answer  any
	Refusal *reservation.Error // without its cause, which is private
}

// outcomeOf takes an answer and an error apart. Any error that is not a [reservation.Error] breaks
// the contract of [reservation.Store].
func outcomeOf(answer any, err error) (outcome, error) {
	if err == nil {
		return outcome{Answer: answer}, nil
	}
	var refusal *reservation.Error
	if !errors.As(err, &refusal) {
		return outcome{}, fmt.Errorf("an error that is no reservation.Error: %w", err)
	}
	switch refusal.Reason {
	case reservation.ReasonStoreUnavailable, reservation.ReasonStoreNotDurable,
		reservation.ReasonOutcomeUnknown, reservation.ReasonTooLate,
		reservation.ReasonOverloaded, reservation.ReasonInternal,
		reservation.ReasonCallerGaveUp, reservation.ReasonInvalidRequest,
		reservation.ReasonEventsTrimmed, reservation.ReasonPositionUnknown,
		reservation.ReasonRepairConflict, reservation.ReasonRecordUnreadable,
		reservation.ReasonStockNotEmpty, reservation.ReasonStockRestoring,
		reservation.ReasonStockFenced, reservation.ReasonFenceDiffers:
		return outcome{}, fmt.Errorf("the store did not decide: %w", err)
	case reservation.ReasonReservationIDReused, reservation.ReasonRequestIDReused,
		reservation.ReasonUnknownSKU, reservation.ReasonUnknownReservation,
		reservation.ReasonReleasedBeforeReserved, reservation.ReasonWrongState,
		reservation.ReasonMoreThanOpen, reservation.ReasonMoreThanCovered,
		reservation.ReasonBackorderedUnits, reservation.ReasonNotOnHand,
		reservation.ReasonOnHandBelowZero, reservation.ReasonOnHandDiffers,
		reservation.ReasonLinesRefused,
		reservation.ReasonStockItemInUse, reservation.ReasonFigureOutOfRange:
	}
	public := *refusal
	public.Cause = nil
	return outcome{Refusal: &public}, nil
}

// snapshotOf returns what a stock holds, held against what must always hold.
func snapshotOf(t *testing.T, from target, stock reservation.StockID) reservation.Snapshot {
	t.Helper()
	snapshot, err := from.Snapshot(t.Context(), stock)
	if err != nil {
		t.Fatalf("snapshot of stock %s: %v", stock, err)
	}
	for _, problem := range Problems(snapshot) {
		t.Errorf("stock %s: %s", stock, problem)
	}
	return snapshot
}
