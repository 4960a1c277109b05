package books

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// mostTries is how often a caller tries by itself before it leaves a change to the resolver.
const mostTries = 4

// change is one thing that is to be done once, however often it is tried: each try has the same
// ids.
type change struct {
	name string
	send func(ctx context.Context, client *rig.Client) (*holdfastv1.Reservation, time.Time, error)
	// after is the order afterwards.
	after figures

	unknown int       // tries whose outcome is not known
	settles time.Time // store time from which on they are final
}

// fate is what a caller knows of a change after its tries.
type fate uint8

const (
	isDone fate = iota + 1
	isNot       // refused, or nothing was done; for good
	isOpen      // not known
)

// attempt tries a change until it is known what became of it, or the caller leaves it.
func (c *caller) attempt(
	ctx context.Context, ch *change,
) (fate, *holdfastv1.Reservation, answer.Answer) {
	for try := 1; ; try++ {
		reservation, a := c.try(ctx, ch)
		switch a.Verdict {
		case answer.Done:
			c.books.resolved(ch.unknown)
			return isDone, reservation, a
		case answer.Refused:
			if ch.unknown > 0 {
				return isOpen, nil, a // an earlier try may yet take effect
			}
			return isNot, nil, a
		case answer.NothingDone, answer.Unknown, answer.Faulty:
		}
		if try == mostTries || ctx.Err() != nil || c.books.options.Impatient ||
			c.random.IntN(3) == 0 {
			if ch.unknown > 0 {
				return isOpen, nil, a
			}
			return isNot, nil, a
		}
		c.at++
		pause(ctx, time.Duration(5+c.random.IntN(40))*time.Millisecond)
	}
}

// try makes one call.
func (c *caller) try(
	ctx context.Context, ch *change,
) (*holdfastv1.Reservation, answer.Answer) {
	options := c.books.options
	// A caller that is told to stop still waits for the answer to what it sent.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), options.Timeout)
	defer cancel()
	if options.HalfCancel && c.random.IntN(2) == 0 {
		leaving := time.AfterFunc(time.Duration(c.random.Int64N(int64(10*time.Millisecond))), cancel)
		defer leaving.Stop()
	}
	latest := time.Now().Add(options.Timeout + options.Transit)
	reservation, storeTime, err := ch.send(ctx, c.books.client(c.at))
	a := answer.Of(err)
	if err == nil {
		a.StoreTime = storeTime
	}
	c.books.count(a)
	if a.Verdict == answer.Unknown || a.Verdict == answer.Faulty {
		ch.unknown++
		// Where the transport answered, the server's limit is the caller's deadline; this machine's
		// clock is the store's.
		if !a.SettlesAt.IsZero() {
			latest = a.SettlesAt
		}
		if latest.After(ch.settles) {
			ch.settles = latest
		}
	}
	return reservation, a
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
