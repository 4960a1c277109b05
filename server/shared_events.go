package server

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// maxSharedResponses and maxSharedBytes bound what is kept of encoded responses: those that
	// watchers of busy stocks are still about to send.
	maxSharedResponses = 64
	maxSharedBytes     = 16 << 20
)

// sharedResponses encodes the response to a batch once for all watchers that are handed the same
// one and filter nothing: encoding it for each of fifty cost more than all else that was done for
// them. A batch is known by where its events lie in memory, which the watchers of a stock share.
type sharedResponses struct {
	mu      sync.Mutex
	byFirst map[*reservation.Event]*sharedResponse
	oldest  []*reservation.Event
	bytes   int
}

// sharedResponse is an encoded WatchResponse; nil bytes: it does not fit into one response.
type sharedResponse struct {
	once   sync.Once
	events int
	bytes  []byte // written once, by once
	err    error
	size   int // of bytes, as it is counted; guarded by sharedResponses
}

func newSharedResponses() *sharedResponses {
	return &sharedResponses{byFirst: make(map[*reservation.Event]*sharedResponse)}
}

// of returns the encoded response to a batch, which has events.
func (s *sharedResponses) of(batch reservation.EventBatch) (*sharedResponse, error) {
	first := &batch.Events[0]
	s.mu.Lock()
	shared, ok := s.byFirst[first]
	if !ok || shared.events != len(batch.Events) {
		shared = &sharedResponse{events: len(batch.Events)}
		if old := s.byFirst[first]; old != nil {
			s.bytes -= old.size
		} else {
			s.oldest = append(s.oldest, first)
		}
		s.byFirst[first] = shared
	}
	s.mu.Unlock()
	shared.once.Do(func() {
		shared.bytes, shared.err = encodeBatch(batch)
		s.count(first, shared, len(shared.bytes))
	})
	return shared, shared.err
}

// count takes an encoded response into account, unless it has gone already, and lets the oldest go
// where too much is kept.
func (s *sharedResponses) count(first *reservation.Event, shared *sharedResponse, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byFirst[first] == shared {
		shared.size = size
		s.bytes += size
	}
	for len(s.oldest) > 1 && (len(s.oldest) > maxSharedResponses || s.bytes > maxSharedBytes) {
		s.bytes -= s.byFirst[s.oldest[0]].size
		delete(s.byFirst, s.oldest[0])
		s.oldest[0] = nil
		s.oldest = s.oldest[1:]
	}
}

// encodeBatch encodes the response to a batch; nil when it takes more than one response.
func encodeBatch(batch reservation.EventBatch) ([]byte, error) {
	response := &holdfastv1.WatchResponse{
		Events: make([]*holdfastv1.Event, len(batch.Events)), Position: positionMessage(batch.Position),
	}
	size := 0
	for i := range batch.Events {
		response.Events[i] = eventMessage(&batch.Events[i])
		if size += eventSize(response.Events[i]); size > maxWatchBytes {
			return nil, nil
		}
	}
	encoded, err := proto.Marshal(response)
	if err != nil {
		return nil, fmt.Errorf("encode events: %w", err)
	}
	return encoded, nil
}

// encodedResponse is a response that is encoded already; see itemCodec.
type encodedResponse []byte

func (r encodedResponse) buffers() mem.BufferSlice {
	return mem.BufferSlice{mem.SliceBuffer(r)}
}
