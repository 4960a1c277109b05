package pgstore

import (
	"context"
	"sync"

	"github.com/holdfast-dev/holdfast/reservation"
)

// maxBatch is the most requests of one function call, as Holdfast's own batches.
const (
	maxBatch      = 256
	maxBatchLines = reservation.MaxLines
)

// batcher gathers the reservations of a stock: what arrives while every lane has a call under way
// is the next call. There is no timer.
type batcher struct {
	store   *Store
	stock   int64
	waiting chan *pending
	lanes   sync.WaitGroup
}

type pending struct {
	request reservation.ReserveRequest
	done    chan struct{}
	got     outcome
	err     error
}

func (s *Store) batcherOf(stock int64) *batcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.batchers[stock]
	if !ok {
		const mostWaiting = 4_096
		b = &batcher{store: s, stock: stock, waiting: make(chan *pending, mostWaiting)}
		s.batchers[stock] = b
		for range s.options.Lanes {
			b.lanes.Go(b.run)
		}
	}
	return b
}

func (b *batcher) close() {
	close(b.waiting)
	b.lanes.Wait()
}

func (b *batcher) do(ctx context.Context, request reservation.ReserveRequest) (outcome, error) {
	p := &pending{request: request, done: make(chan struct{})}
	select {
	case b.waiting <- p:
	case <-ctx.Done():
		return outcome{}, &reservation.Error{
			Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err(),
		}
	}
	select {
	case <-p.done:
		return p.got, p.err
	case <-ctx.Done():
		return outcome{}, &reservation.Error{
			Reason: reservation.ReasonOutcomeUnknown, Cause: ctx.Err(),
		}
	}
}

func (b *batcher) run() {
	var over *pending // did not fit into the batch before
	for {
		first := over
		if first == nil {
			var open bool
			if first, open = <-b.waiting; !open {
				return
			}
		}
		var batch []*pending
		batch, over = b.gather(first)
		b.send(batch)
	}
}

// gather takes what waits, up to the bounds of a batch.
func (b *batcher) gather(first *pending) (batch []*pending, over *pending) {
	batch = append(batch, first)
	lines := first.request.Lines.Len()
	for len(batch) < maxBatch {
		select {
		case p, open := <-b.waiting:
			if !open {
				return batch, nil
			}
			if lines += p.request.Lines.Len(); lines > maxBatchLines {
				return batch, p
			}
			batch = append(batch, p)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

// send calls the function for a batch. Should it fail, each goes alone, so that nobody suffers for
// a neighbour.
func (b *batcher) send(batch []*pending) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	requests := make([]reservation.ReserveRequest, len(batch))
	for i, p := range batch {
		requests[i] = p.request
	}
	got, err := b.store.reserve(ctx, b.stock, requests)
	for i, p := range batch {
		if err == nil {
			p.got = got[i]
		} else if alone, err := b.store.reserve(ctx, b.stock, requests[i:i+1]); err != nil {
			p.err = internal(err)
		} else {
			p.got = alone[0]
		}
		close(p.done)
	}
}
