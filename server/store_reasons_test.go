package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// TestReason_OfTheStore has what a model cannot be brought to.
func TestReason_OfTheStore(t *testing.T) {
	settles := time.Date(2026, 11, 23, 10, 0, 2, 500_000_000, time.UTC)
	for _, test := range []struct {
		err   reservation.Error
		code  codes.Code
		facts map[string]string
	}{
		{reservation.Error{Reason: reservation.ReasonStoreUnavailable}, codes.Unavailable, nil},
		{reservation.Error{Reason: reservation.ReasonStoreNotDurable}, codes.Unavailable, nil},
		{
			reservation.Error{Reason: reservation.ReasonOutcomeUnknown, SettlesAt: settles},
			codes.Unavailable,
			map[string]string{"settles_at": "2026-11-23T10:00:02.500Z"},
		},
		{
			reservation.Error{Reason: reservation.ReasonTooLate, Stamp: reservation.Stamp{
				Sequence: 7, StoreTime: settles,
			}},
			codes.Unavailable,
			map[string]string{"sequence": "7", "store_time": "2026-11-23T10:00:02.500Z"},
		},
		{reservation.Error{Reason: reservation.ReasonOverloaded}, codes.ResourceExhausted, nil},
		{
			reservation.Error{
				Reason: reservation.ReasonOverloaded, RetryAfter: 3 * time.Second,
			}, codes.ResourceExhausted, nil,
		},
	} {
		t.Run(test.err.Reason.String(), func(t *testing.T) {
			test.err.Cause = errPrivate
			r := newRig(t, server.Options{}, failWith(&test.err))
			_, err := r.reservations.Reserve(r.ctx,
				&holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 1)})
			got := requireReason(t, err, test.code, test.err.Reason.String())
			want := map[string]string{"stock_id": "default", "reservation_id": "r-1"}
			for key, value := range test.facts {
				want[key] = value
			}
			requireMetadata(t, got, want)
			requireNothingPrivate(t, err, got)
			if !strings.Contains(r.log.String(), "redis-7.internal") {
				t.Errorf("the log lacks the cause: %s", r.log)
			}
			wantRetry := test.err.Reason == reservation.ReasonOverloaded
			if (got.retry != nil) != wantRetry {
				t.Fatalf("RetryInfo %v, want %v", got.retry, wantRetry)
			}
			if wantRetry && got.retry.GetRetryDelay().AsDuration() <= 0 {
				t.Errorf("RetryInfo %v asks for no delay", got.retry)
			}
			if after := test.err.RetryAfter; after > 0 &&
				got.retry.GetRetryDelay().AsDuration() != after {
				t.Errorf("RetryInfo %v, want %v", got.retry, after)
			}
		})
	}
}

func requireNothingPrivate(t *testing.T, err error, got answered) {
	t.Helper()
	all := err.Error() + got.info.String()
	for _, private := range []string{
		"redis", "6379", "EVALSHA", "{default}", "goroutine", "secret",
	} {
		if strings.Contains(all, private) {
			t.Errorf("the caller is told %q: %s", private, all)
		}
	}
}

func TestReason_Internal_HasAnIncidentThatTheLogHas(t *testing.T) {
	byStore := &reservation.Error{Reason: reservation.ReasonInternal, Cause: errPrivate}
	for name, err := range map[string]error{
		"by the store":       byStore,
		"no error of ours":   errPrivate,
		"a reason of no one": &reservation.Error{Reason: 99, Cause: errPrivate},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, server.Options{}, failWith(err))
			_, err := r.stocks.ListStock(r.ctx, &holdfastv1.ListStockRequest{})
			got := requireReason(t, err, codes.Internal, "INTERNAL")
			incident := got.info.GetMetadata()["incident"]
			if incident == "" || !strings.Contains(got.message, incident) {
				t.Errorf("incident %q, message %q", incident, got.message)
			}
			requireNothingPrivate(t, err, got)
			log := r.log.String()
			if !strings.Contains(log, incident) || !strings.Contains(log, "redis-7.internal") {
				t.Errorf("the log lacks incident or cause: %s", log)
			}
		})
	}
}

func TestReason_CallerGaveUp_TakesTheCallersEnding(t *testing.T) {
	entered := make(chan struct{}, 1)
	r := newRig(t, server.Options{}, func(store reservation.Store) reservation.Store {
		return &failing{Store: store, fail: func(ctx context.Context) error {
			entered <- struct{}{}
			<-ctx.Done()
			return &reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err()}
		}}
	})
	request := &holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 1)}

	ctx, cancel := context.WithCancel(r.ctx)
	go func() {
		<-entered
		cancel()
	}()
	if _, err := r.reservations.Reserve(ctx, request); takeApart(t, err).code != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(r.ctx, time.Millisecond)
	defer cancel()
	_, err := r.reservations.Reserve(ctx, request)
	if takeApart(t, err).code != codes.DeadlineExceeded {
		t.Errorf("deadline: %v", err)
	}
}

// TestStatusOf_CallerGaveUp looks at the status itself: a caller who is gone reads none.
func TestStatusOf_CallerGaveUp(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	for ctx, code := range map[context.Context]codes.Code{
		cancelled: codes.Canceled, late: codes.DeadlineExceeded,
	} {
		err := server.StatusOf(ctx, &holdfastv1.ReserveRequest{ReservationId: "r-1"},
			&reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err()})
		got := requireReason(t, err, code, "CALLER_GAVE_UP")
		requireMetadata(t, got, map[string]string{"stock_id": "default", "reservation_id": "r-1"})
	}
}
