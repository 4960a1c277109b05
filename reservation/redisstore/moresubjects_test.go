//go:build !race

package redisstore

import (
	"testing"

	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// What runs the whole suite over again for the sake of the scripts. Its Go code is that of the
// other subjects, so make test runs it without the race detector, which makes it several times
// slower.

func TestStore_OnCluster(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newClusterSubject)
}

// TestStore_OnRedisAsInBatches does without the short way of a lone Reserve: the histories are made
// call by call, and the rules of batches must decide the same.
func TestStore_OnRedisAsInBatches(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, options Options) *Store {
		t.Helper()
		options.mutate = withoutLone
		return openReal(t, options)
	}
	storetest.RunCallByCall(t, func(t *testing.T) storetest.Subject { return newSubject(t, open) })
}
