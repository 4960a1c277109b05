package redisstore

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// TestSweep_SeveralInOneBatchAllSayThatMoreIsDue has many readers, each of whom sweeps first, meet
// more holds than one step reclaims: none may answer while any of them counts.
func TestSweep_SeveralInOneBatchAllSayThatMoreIsDue(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{quiet: true, lineBudget: 10})
	ctx := t.Context()
	if _, err := s.Restock(ctx, restockOf("r", "mug", 1_000)); err != nil {
		t.Fatal(err)
	}
	const holds, readers = 150, 12
	for n := range holds {
		request := reserveOf(fmt.Sprintf("o%d", n), "mug")
		request.TTL = must(reservation.NewTTL(time.Second))
		if _, err := s.Reserve(ctx, request); err != nil {
			t.Fatal(err)
		}
	}
	awaitExpiry(t, s, fmt.Sprintf("o%d", holds-1))
	var reading sync.WaitGroup
	for range readers {
		reading.Go(func() {
			answer, err := s.Items(ctx, mustStock(""), []reservation.SKU{mustSKU("mug")})
			if err != nil || answer.Items[0].Reserved != 0 {
				t.Errorf("%v: %+v", err, answer.Items)
			}
		})
	}
	reading.Wait()
}
