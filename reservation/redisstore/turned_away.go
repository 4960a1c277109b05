package redisstore

import (
	"context"
	"errors"
	"strings"
	"time"
)

// firstPause and longestPause are how long to wait before a call that a node of a cluster turned
// away is sent again: a slot of one stock moves in milliseconds, a failover takes a second or two.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = 100 * time.Millisecond
)

// isTurnedAway says whether a node of a cluster refused a call because it does not have the stock,
// or not all of it: MOVED to another node; ASK and TRYAGAIN while its slot is on the move, which is
// not followed, for a script needs all keys in one place; CLUSTERDOWN during a failover. A script
// that met a key which had moved, before it wrote, says so too.
func isTurnedAway(err error) bool {
	text := err.Error()
	for _, refusal := range []string{"MOVED ", "ASK ", "TRYAGAIN", "CLUSTERDOWN"} {
		if strings.HasPrefix(text, refusal) {
			return true
		}
	}
	return errors.Is(err, errNotPrimary) || !strings.HasPrefix(text, "HFPARTIAL") && isElsewhere(text)
}

// isElsewhere says whether a script failed at a key that its node does not have any more, in the
// words of Redis 7.0, and of Redis 7.2 and Valkey where several keys were asked for at once; or
// because the cluster went down under it.
func isElsewhere(text string) bool {
	for _, words := range []string{
		"access a non local key", "accessed during rehashing of the slot", "while the cluster is down",
	} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// askAgain waits a little and asks who has what; turns is how often in a row a call was turned
// away. It returns false when ctx ended before.
func (s *Store) askAgain(ctx context.Context, turns int) bool {
	if turns > 1 { // the first time it is most likely that the stock has moved for good
		pause := min(firstPause<<min(turns-2, 8), longestPause)
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
		}
	}
	s.engine.refresh(ctx)
	return ctx.Err() == nil
}

// settleTurnedAway sends again, while there is time, what a node of a cluster turned away: nothing
// was done.
func (s *Store) settleTurnedAway(b *batcher, ops []*operation, err error) (again []*operation) {
	b.turns++
	for _, op := range ops {
		if s.hasTimeLeft(b, op) {
			op.tries--
			again = append(again, op)
		} else {
			op.finish(nil, unavailable(err))
		}
	}
	return again
}
