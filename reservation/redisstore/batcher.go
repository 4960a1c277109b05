package redisstore

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// The bounds of one batch. A script of 1,000 lines takes a few milliseconds (measured November
// 2026), and nothing else of the store runs meanwhile. A single request always fits.
const (
	maxBatchRequests = 256
	maxBatchLines    = reservation.MaxLines
	maxBatchBytes    = 1 << 20
)

// The bounds of what may wait for one stock. Past them callers are told to come back.
const (
	maxWaitingRequests = 4_096
	maxWaitingLines    = 64_000
	maxWaitingBytes    = 16 << 20
	retryAfterOverload = 50 * time.Millisecond
)

// batcher gathers the operations of one stock: one batch is in flight, what arrives meanwhile is
// the next. There is no timer: a lone caller never waits.
type batcher struct {
	stock reservation.StockID
	keys  stockKeys
	fixed [fixedKeys]string // of keys
	send  func(b *batcher, batch []*operation) (again []*operation)
	// limit is how long one call may take in the store.
	limit time.Duration
	// hold and letGo keep the batcher registered while it runs, also when every caller has left: a
	// stock has one batcher, and so one batch on its way.
	hold, letGo func(b *batcher)

	mu      sync.Mutex
	waiting []*operation
	lines   int
	bytes   int
	running bool
	users   int       // callers that hold the batcher, and its run; guarded by the registry
	listed  time.Time // the scan that found it registered last; guarded by the registry

	node atomic.Pointer[node] // where the last batch went; nil before the first

	// The sender's own: sequence and process of the last answer, and how often in a row a batch was
	// turned away.
	newest  int64
	process string
	turns   int

	registered atomic.Pointer[registration] // nil: not that this server knew

	seen   seenPosition // the sender's own
	isSeen atomic.Bool  // there is something in seen
}

// do sends an operation and waits for its outcome. When ctx ends first, the outcome is known if the
// operation was not sent yet, and unknown otherwise.
func (b *batcher) do(ctx context.Context, op *operation) (*reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, gaveUp(err)
	}
	op.done = make(chan struct{})
	op.entered = time.Now()
	if deadline, ok := ctx.Deadline(); ok {
		op.deadline = deadline
	}
	if !b.enqueue(op) {
		return nil, &reservation.Error{
			Reason: reservation.ReasonOverloaded, RetryAfter: retryAfterOverload,
		}
	}
	select {
	case <-op.done:
		return op.reply, op.err
	case <-ctx.Done():
	}
	if op.life.CompareAndSwap(opWaiting, opAbandoned) {
		return nil, gaveUp(ctx.Err())
	}
	select {
	case <-op.done: // it came in just now
		return op.reply, op.err
	default:
	}
	return nil, outcomeUnknown(op.leave(b.now()+b.limit.Milliseconds()), ctx.Err())
}

// now guesses the clock of the node that has the stock, ms. Before anything was sent there is none
// to guess, and 0 is a moment after which nothing can take effect.
func (b *batcher) now() int64 {
	if n := b.node.Load(); n != nil {
		return n.clock.now()
	}
	return 0
}

// enqueue adds an operation and starts the sender if it rests; false when too much waits.
func (b *batcher) enqueue(op *operation) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= maxWaitingRequests || b.lines+op.lines > maxWaitingLines ||
		b.bytes+op.bytes > maxWaitingBytes {
		return false
	}
	b.waiting = append(b.waiting, op)
	b.lines += op.lines
	b.bytes += op.bytes
	if !b.running {
		b.running = true
		b.hold(b)
		go b.run()
	}
	return true
}

// run sends batches until nothing waits. Operations that must be sent again go first.
func (b *batcher) run() {
	defer b.letGo(b)
	var again []*operation
	for {
		batch := b.take(again)
		if len(batch) == 0 {
			return
		}
		again = b.send(b, batch)
	}
}

// take returns the next batch, and ends the run when it is empty.
func (b *batcher) take(again []*operation) []*operation {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := again
	var lines, size int
	for _, op := range batch {
		lines += op.lines
		size += op.bytes
	}
	taken := 0
	for _, op := range b.waiting {
		full := len(batch) >= maxBatchRequests || lines+op.lines > maxBatchLines ||
			size+op.bytes > maxBatchBytes
		if full && len(batch) > 0 {
			break
		}
		taken++
		b.lines -= op.lines
		b.bytes -= op.bytes
		if !op.life.CompareAndSwap(opWaiting, opTaken) {
			continue // its caller has left
		}
		batch = append(batch, op)
		lines += op.lines
		size += op.bytes
	}
	rest := copy(b.waiting, b.waiting[taken:])
	clear(b.waiting[rest:])
	b.waiting = b.waiting[:rest]
	if len(batch) == 0 {
		b.running = false
	}
	return batch
}

// callerLeft returns why a caller does not wait any more, nil while it does. Only the caller's own
// context is asked: the store's limits and the network's run out in the same words.
func callerLeft(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded // its timer is about to say so
	}
	return nil
}

func gaveUp(cause error) error {
	return &reservation.Error{Reason: reservation.ReasonCallerGaveUp, Cause: cause}
}

// outcomeUnknown says that an operation may have taken effect, or still may until notAfter, ms.
func outcomeUnknown(notAfter int64, cause error) error {
	return &reservation.Error{
		Reason: reservation.ReasonOutcomeUnknown, SettlesAt: timeOf(notAfter + 1), Cause: cause,
	}
}

func unavailable(cause error) error {
	return &reservation.Error{Reason: reservation.ReasonStoreUnavailable, Cause: cause}
}

func internal(cause error) error {
	return &reservation.Error{Reason: reservation.ReasonInternal, Cause: cause}
}
