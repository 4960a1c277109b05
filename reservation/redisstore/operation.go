package redisstore

import (
	"sync/atomic"
	"time"
)

// The life of an operation: whoever moves it away from waiting owns it.
const (
	opWaiting int32 = iota
	opTaken
	opAbandoned
)

// operation is one request to one stock on its way through the batcher.
type operation struct {
	script scriptName
	// encode appends the request's arguments; notAfter is ms of store time.
	encode func(e *encoder, notAfter int64)
	lines  int
	bytes  int
	// repeatable says that sending it twice is as good as once: it carries an id, or sets what is
	// set.
	repeatable bool
	// reads says that it changes nothing, so that no replica needs to have it.
	reads bool
	// deadline is the caller's; zero: none.
	deadline time.Time

	entered time.Time // when it began to wait
	life    atomic.Int32
	// bound is the latest not_after of all tries, ms of store time; 0 before the first. Below 0 it
	// is what the caller was told when it left, and no try may pass it any more.
	bound atomic.Int64

	// The sender's own: the not_after of the present try, and the latest of those tries whose
	// answer was lost, 0 when none was.
	sentUntil, lostUntil int64
	tries, loads         int
	answer               reply // of the present try

	done  chan struct{}
	reply *reply // nil where there is err
	err   error
}

// allow returns the not_after of the next try: the one that is wanted, or an earlier one when the
// caller has left and was told when all is settled.
func (op *operation) allow(wanted int64) int64 {
	for {
		bound := op.bound.Load()
		if bound < 0 {
			return min(wanted, -bound)
		}
		if op.bound.CompareAndSwap(bound, max(bound, wanted)) {
			return wanted
		}
	}
}

// leave returns the last moment at which the operation can take effect, and binds later tries to
// it. latest is the not_after that a first try can get, for one that was not encoded yet.
func (op *operation) leave(latest int64) int64 {
	for {
		bound := op.bound.Load()
		last := bound
		if bound == 0 {
			last = latest
		}
		if op.bound.CompareAndSwap(bound, -last) {
			return last
		}
	}
}

// isOver says whether no further try can take effect, at a moment of store time, because of what
// the caller was told.
func (op *operation) isOver(now int64) bool {
	bound := op.bound.Load()
	return bound < 0 && -bound <= now
}

// lose notes that no answer came to the present try, which may have been carried out.
func (op *operation) lose() { op.lostUntil = max(op.lostUntil, op.sentUntil) }

// finish hands the outcome to the caller. After a try whose answer was lost only an answer to its
// id says what became of it: whatever else comes is unknown until the last such try is too late.
func (op *operation) finish(r *reply, err error) {
	if op.lostUntil > 0 && !op.isSettledBy(r, err) {
		if err == nil {
			err = r.refusal()
		}
		r, err = nil, outcomeUnknown(op.lostUntil, err)
	}
	op.reply, op.err = r, err
	close(op.done)
}

// isSettledBy says whether an outcome is final though an answer was lost before. One that was done
// is: a try that is still on its way finds that it was. A refusal is not: that try may find units
// that came free meanwhile, as long as it is not too late.
func (op *operation) isSettledBy(r *reply, err error) bool {
	if err != nil {
		return false
	}
	_, refused := r.code.reason()
	return !refused || r.code != codeTooLate && r.now > op.lostUntil
}
