package redisstore

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// TestStore_AStoreThatLoadsIsNeitherTooOldNorOfAnotherTime has every new connection's greeting
// refused: the client then returns pipelines whose commands look answered by nothing.
func TestStore_AStoreThatLoadsIsNeitherTooOldNorOfAnotherTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, 0)
		store := w.stores[0]
		w.server.restart(0, time.Hour)
		time.Sleep(3 * healthInterval) //nolint:forbidigo // of the bubble's time
		if err := only(store).health.err(); err != nil {
			t.Errorf("the store is taken for unfit: %v", err)
		}
		var want int64
		w.server.locked(func() { want = w.server.lockedNow().UnixMilli() })
		if guess := only(store).clock.now(); guess < want-1_000 || guess > want {
			t.Errorf("the store's clock is taken to be at %d, is at %d", guess, want)
		}
		_, err := store.Restock(context.Background(), reservation.RestockRequest{
			Stock: w.stocks[0], Request: simMust(reservation.ParseRequestID("now")),
			Lines: simLinesOf(1, "DENY"),
		})
		if reason := reservation.ReasonOf(err); reason != reservation.ReasonStoreUnavailable {
			t.Errorf("a call was answered %v, want that nothing was done", err)
		}
		for _, store := range w.stores {
			if err := store.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
}
