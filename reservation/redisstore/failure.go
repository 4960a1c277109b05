package redisstore

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// failure is what became of a script call that did not answer.
type failure uint8

const (
	failedNotExecuted failure = iota + 1 // refused before the script ran
	failedNoScript                       // the script is not loaded
	failedTurnedAway                     // by a node that does not have the stock, or not all of it
	failedBeforeWrite                    // the script ran and failed before its first write
	failedAfterWrite                     // the script ran and failed after it
	failedLost                           // no answer came
)

// classify tells by an error what became of the call.
func classify(err error) failure {
	var dial *net.OpError
	switch {
	case isTurnedAway(err):
		return failedTurnedAway
	case strings.HasPrefix(err.Error(), "HFBEFORE"):
		return failedBeforeWrite
	case strings.HasPrefix(err.Error(), "HFPARTIAL"):
		return failedAfterWrite
	case strings.HasPrefix(err.Error(), "NOSCRIPT"):
		return failedNoScript
	case errors.As(err, &dial) && dial.Op == "dial",
		errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted),
		errors.Is(err, redis.ErrClosed), errors.Is(err, errUnfit):
		return failedNotExecuted
	}
	var answered redis.Error
	if errors.As(err, &answered) {
		return failedNotExecuted // LOADING, READONLY, OOM, MISCONF, NOREPLICAS, CLUSTERDOWN, NOAUTH, …
	}
	return failedLost
}

// failure turns an error of a call that reads, or that may be repeated freely, into a reason. ctx
// is the caller's own.
func (s *Store) failure(ctx context.Context, err error) error {
	if left := callerLeft(ctx); left != nil {
		return gaveUp(left)
	}
	return s.notExecuted(err)
}

// notExecuted says of a call that was not carried out why the store is not available.
func (s *Store) notExecuted(err error) error {
	var verdict *reservation.Error
	if errors.Is(err, errUnfit) && errors.As(err, &verdict) {
		return verdict
	}
	if only := s.engine.known(); len(only) == 1 && only[0].health.err() != nil {
		return only[0].health.err()
	}
	return unavailable(err)
}
