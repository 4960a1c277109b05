package server

import (
	"testing"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// batchFrom makes a batch of events with sequences from first on.
func batchFrom(first int64, events int) reservation.EventBatch {
	batch := reservation.EventBatch{Events: make([]reservation.Event, events)}
	for i := range batch.Events {
		batch.Events[i].Sequence = first + int64(i)
		batch.Events[i].Type = reservation.EventCommitted
	}
	batch.Position = reservation.Position{Epoch: 1, Sequence: first + int64(events) - 1}
	return batch
}

func TestSharedResponses_AreWhatEachWatcherWouldHaveEncoded(t *testing.T) {
	t.Parallel()
	shared := newSharedResponses()
	batch := batchFrom(5, 3)
	first, err := shared.of(batch)
	if err != nil {
		t.Fatal(err)
	}
	again, err := shared.of(batch)
	if err != nil {
		t.Fatal(err)
	}
	if &first.bytes[0] != &again.bytes[0] {
		t.Error("the same batch was encoded twice")
	}
	var got *holdfastv1.WatchResponse
	sender := eventSender{send: func(r *holdfastv1.WatchResponse) error { got = r; return nil }}
	if err := sender.deliver(batch); err != nil {
		t.Fatal(err)
	}
	var decoded holdfastv1.WatchResponse
	if err := proto.Unmarshal(first.bytes, &decoded); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, &decoded) {
		t.Errorf("shared %v, by itself %v", &decoded, got)
	}
	// A watcher that joined within the batch is handed the rest of it only.
	rest, err := shared.of(reservation.EventBatch{Events: batch.Events[:2], Position: batch.Position})
	if err != nil {
		t.Fatal(err)
	}
	if rest == first {
		t.Error("a shorter batch got the longer one's response")
	}
}

func TestSharedResponses_AreBounded(t *testing.T) {
	t.Parallel()
	shared := newSharedResponses()
	for n := range 10 * maxSharedResponses {
		if _, err := shared.of(batchFrom(int64(n), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if len(shared.byFirst) > maxSharedResponses || len(shared.oldest) > maxSharedResponses {
		t.Errorf("%d responses are kept, at most %d may", len(shared.byFirst), maxSharedResponses)
	}
	sum := 0
	for _, response := range shared.byFirst {
		sum += len(response.bytes)
	}
	if sum != shared.bytes {
		t.Errorf("%d bytes are counted, %d kept", shared.bytes, sum)
	}
}
