package server

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// maxWatchBytes bounds the events of one response, in bytes: callers read 4 MiB by default, and
	// an event of 1,000 lines is below 256 KiB.
	maxWatchBytes = 1 << 20
	// maxUnsent is how many events may go by a filter before the position is sent by itself, so
	// that a resume reads little again.
	maxUnsent = 1_000
)

// eventFilter says which events a watch wants. An empty set wants all.
type eventFilter struct {
	types map[holdfastv1.EventType]bool
	skus  map[reservation.SKU]bool
}

// isEmpty says whether every event is wanted.
func (f *eventFilter) isEmpty() bool { return len(f.types) == 0 && len(f.skus) == 0 }

// passes says whether an event is wanted. STORE_CHANGED always is: nothing that was said before it
// can be relied on. An event that names no SKU is wanted only where no SKU is asked for.
func (f *eventFilter) passes(event *reservation.Event) bool {
	if event.Type == reservation.EventStoreChanged {
		return true
	}
	if len(f.types) > 0 && !f.types[eventTypeMessage(event.Type)] {
		return false
	}
	if len(f.skus) == 0 {
		return true
	}
	for i := range event.Lines {
		if f.skus[event.Lines[i].SKU] {
			return true
		}
	}
	return false
}

// eventSender turns the batches of one watch into responses.
type eventSender struct {
	filter eventFilter
	send   func(*holdfastv1.WatchResponse) error
	// shared encodes a batch once for all who are sent the whole of it, sendEncoded sends that.
	shared      *sharedResponses
	sendEncoded func(encodedResponse) error

	begun  bool
	at     reservation.Position // of the last event looked at
	unsent int                  // events looked at since the last response

	events []*holdfastv1.Event // that wait for the next response
	size   int                 // of events, encoded
}

// deliver sends what passes of a batch, in as many responses as it takes. The first batch is
// answered whatever it holds: its position is where the watch begins.
func (s *eventSender) deliver(batch reservation.EventBatch) error {
	if s.at.Epoch == 0 {
		s.at.Epoch = 1 // a stock's first event stands in it
	}
	if isSent, err := s.deliverShared(batch); isSent || err != nil {
		return err
	}
	for i := range batch.Events {
		if err := s.take(&batch.Events[i]); err != nil {
			return err
		}
	}
	s.at = batch.Position
	if s.begun && len(s.events) == 0 && s.unsent < maxUnsent {
		return nil
	}
	s.begun = true
	return s.flush()
}

// deliverShared sends a batch as it was encoded for all, where all of it is wanted and nothing
// waits to be sent before it.
func (s *eventSender) deliverShared(batch reservation.EventBatch) (isSent bool, err error) {
	if s.shared == nil || !s.filter.isEmpty() || len(batch.Events) == 0 || len(s.events) > 0 {
		return false, nil
	}
	response, err := s.shared.of(batch)
	if err != nil || response.bytes == nil {
		return false, err
	}
	s.begun, s.at, s.unsent = true, batch.Position, 0
	return true, s.sendEncoded(response.bytes)
}

// take looks at one event, and sends those before it when it does not fit beside them.
func (s *eventSender) take(event *reservation.Event) error {
	if s.filter.passes(event) {
		message := eventMessage(event)
		size := eventSize(message)
		if len(s.events) > 0 && s.size+size > maxWatchBytes {
			if err := s.flush(); err != nil {
				return err
			}
		}
		s.events = append(s.events, message)
		s.size += size
	}
	if event.Type == reservation.EventStoreChanged {
		s.at.Epoch = event.Epoch
	}
	s.at.Sequence = event.Sequence
	s.unsent++
	return nil
}

// flush sends what waits, and the position of the last event looked at.
func (s *eventSender) flush() error {
	response := &holdfastv1.WatchResponse{Events: s.events, Position: positionMessage(s.at)}
	s.events, s.size, s.unsent = nil, 0, 0
	return s.send(response)
}

// eventSize returns what an event adds to a response, in bytes.
func eventSize(message *holdfastv1.Event) int {
	return protowire.SizeTag(1) + protowire.SizeBytes(proto.Size(message))
}
