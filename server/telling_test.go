package server_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// telling is a store whose watches deliver what tests put into batches, and end when it is closed.
type telling struct {
	reservation.Store
	batches chan reservation.EventBatch
	other   chan reservation.EventBatch // of the stock "other"
	asked   chan reservation.WatchRequest
	ended   chan error // what a watch ended with
	last    error      // when batches is closed
}

func (s *telling) Watch(
	ctx context.Context, request reservation.WatchRequest,
	deliver func(reservation.EventBatch) error,
) (err error) {
	s.asked <- request
	defer func() { s.ended <- err }()
	batches := s.batches
	if request.Stock.String() == "other" {
		batches = s.other
	}
	for {
		select {
		case <-ctx.Done():
			return &reservation.Error{
				Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err(),
			}
		case batch, more := <-batches:
			if !more {
				return s.last
			}
			if err := deliver(batch); err != nil {
				return err
			}
		}
	}
}

type watchStream = grpc.ServerStreamingClient[holdfastv1.WatchResponse]

func newTelling() *telling {
	return &telling{
		batches: make(chan reservation.EventBatch, 8), other: make(chan reservation.EventBatch, 8),
		asked: make(chan reservation.WatchRequest, 2), ended: make(chan error, 2),
	}
}

// watch begins a watch at a position and reads the first response.
func watch(t *testing.T, in *holdfastv1.WatchRequest) (*rig, *telling, watchStream) {
	t.Helper()
	store := newTelling()
	r := newRig(t, server.Options{}, func(inner reservation.Store) reservation.Store {
		store.Store = inner
		return store
	})
	store.batches <- reservation.EventBatch{
		Position: reservation.Position{Epoch: 1, Sequence: 100},
	}
	stream, err := r.events.Watch(r.ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	requireNext(t, stream, &holdfastv1.WatchResponse{
		Position: &holdfastv1.Position{Epoch: 1, Sequence: 100},
	})
	return r, store, stream
}

func requireNext(t *testing.T, stream watchStream, want *holdfastv1.WatchResponse) {
	t.Helper()
	got, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "response", want, got)
}

// batch makes events that follow sequence 100 and the position behind them.
func batch(events ...reservation.Event) reservation.EventBatch {
	at := reservation.Position{Epoch: 1, Sequence: 100}
	for i := range events {
		at.Sequence++
		events[i].Sequence, events[i].Time = at.Sequence, decided
		if events[i].Type == reservation.EventStoreChanged {
			at.Epoch = events[i].Epoch
		}
	}
	return reservation.EventBatch{Events: events, Position: at}
}

func naming(kind reservation.EventType, skus ...string) reservation.Event {
	event := reservation.Event{Type: kind, Reservation: idR1}
	for i, name := range skus {
		event.Lines = append(event.Lines, reservation.EventLine{Index: i, SKU: sku(name)})
	}
	return event
}

func sequences(response *holdfastv1.WatchResponse) []int64 {
	var out []int64
	for _, event := range response.GetEvents() {
		out = append(out, event.GetSequence())
	}
	return out
}
