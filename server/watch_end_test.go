package server_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

func TestWatch_EndsAsTheStoreSays(t *testing.T) {
	for _, test := range []struct {
		err  error
		code codes.Code
		info map[string]string
	}{
		{
			&reservation.Error{Reason: reservation.ReasonEventsTrimmed, Oldest: 41},
			codes.OutOfRange,
			map[string]string{"stock_id": "s", "oldest_sequence": "41"},
		},
		{
			&reservation.Error{Reason: reservation.ReasonPositionUnknown}, codes.DataLoss,
			map[string]string{"stock_id": "s"},
		},
		{
			&reservation.Error{Reason: reservation.ReasonStoreUnavailable, Cause: errPrivate},
			codes.Unavailable,
			map[string]string{"stock_id": "s"},
		},
	} {
		reason := reservation.ReasonOf(test.err).String()
		t.Run(reason, func(t *testing.T) {
			r, store, stream := watch(t, &holdfastv1.WatchRequest{StockId: "s"})
			store.last = test.err
			close(store.batches)
			_, err := stream.Recv()
			got := requireReason(t, err, test.code, reason)
			requireMetadata(t, got, test.info)
			requireNothingPrivate(t, err, got)
			metrics := scrape(t, r.server, "/metrics", 200)
			if !strings.Contains(metrics, `holdfast_errors_total{reason="`+reason+`"} 1`) {
				t.Error("the error is not counted")
			}
		})
	}
}

func TestWatch_EndThatNobodyAskedForIsAFault(t *testing.T) {
	_, store, stream := watch(t, &holdfastv1.WatchRequest{})
	close(store.batches)
	_, err := stream.Recv()
	requireReason(t, err, codes.Internal, "INTERNAL")
}

func TestWatch_DrainIsUnavailable(t *testing.T) {
	r, store, stream := watch(t, &holdfastv1.WatchRequest{StockId: "s"})
	shut := make(chan error, 1)
	go func() { shut <- r.server.Shutdown(r.ctx) }()
	_, err := stream.Recv()
	got := requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
	requireMetadata(t, got, map[string]string{"stock_id": "s"})
	if !strings.Contains(got.message, "shutting down") {
		t.Errorf("message %q", got.message)
	}
	if err := <-store.ended; err == nil {
		t.Error("the store's watch ended without an error")
	}
	if err := <-shut; err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if metrics := scrape(t, r.server, "/metrics", 200); !strings.Contains(metrics,
		`holdfast_errors_total{reason="STORE_UNAVAILABLE"} 0`) {
		t.Error("a shutdown is counted as the store's failure")
	}
	if log := r.log.String(); log != "" {
		t.Errorf("a shutdown is logged: %s", log)
	}
}

func TestWatch_CallersCancelIsSilent(t *testing.T) {
	store := newTelling()
	r := newRig(t, server.Options{}, func(reservation.Store) reservation.Store { return store })
	ctx, cancel := context.WithCancel(r.ctx)
	stream, err := r.events.Watch(ctx, &holdfastv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	<-store.asked
	cancel()
	if _, err := stream.Recv(); takeApart(t, err).code != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	if err := <-store.ended; err == nil {
		t.Error("the store's watch ended without an error")
	}
	if err := r.server.Shutdown(r.ctx); err != nil {
		t.Fatal(err)
	}
	if log := r.log.String(); log != "" {
		t.Errorf("a cancel is logged: %s", log)
	}
}

// TestWatch_SlowCallerHoldsUpNobodyElse has one who does not read and one who does.
func TestWatch_SlowCallerHoldsUpNobodyElse(t *testing.T) {
	r, store, fast := watch(t, &holdfastv1.WatchRequest{})
	slow, err := r.events.Watch(r.ctx, &holdfastv1.WatchRequest{StockId: "other"})
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, reservation.MaxLines)
	for i := range names {
		names[i] = longName(i)
	}
	const batches = 8
	for range batches {
		big := naming(reservation.EventReserved, names...)
		store.other <- batch(big, big, big, big, big)
	}
	for range 100 {
		store.batches <- batch(naming(reservation.EventExtended))
		if _, err := fast.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = r.stocks.ListStock(r.ctx, &holdfastv1.ListStockRequest{}); err != nil {
		t.Error(err)
	}
	// All of them together are far more than a stream may have on its way unread.
	if len(store.other) == 0 {
		t.Error("nothing held the slow watch up")
	}
	for range batches {
		response, err := slow.Recv()
		if err != nil || len(response.GetEvents()) != 5 {
			t.Fatalf("the slow watch goes on with %d events: %v", len(response.GetEvents()), err)
		}
	}
}

func TestEventSender_StopsWhenTheCallerIsGone(t *testing.T) {
	deliver := server.NewEventSender(func(*holdfastv1.WatchResponse) error { return io.EOF })
	if err := deliver(batch()); !errors.Is(err, io.EOF) {
		t.Errorf("deliver: %v", err)
	}
}
