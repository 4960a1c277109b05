package redisstore

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/holdfast-dev/holdfast/reservation"
)

// TestStocks_ABatchOnItsWayKeepsItsBatcher has the only caller of a stock leave while its batch is
// on its way: whoever comes next joins the same batcher, which is dropped once it rests.
func TestStocks_ABatchOnItsWayKeepsItsBatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		options, err := Options{}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		s := newStore(options)
		stock := simMust(reservation.ParseStockID("nobody-registered-it"))
		b := s.stocks.acquire(stock)
		answered := make(chan struct{})
		b.send = func(_ *batcher, batch []*operation) []*operation {
			<-answered
			finishAll(batch, unavailable(context.Canceled))
			return nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer s.stocks.release(b)
			_, _ = b.do(ctx, &operation{script: scriptDeleteItem}) // it leaves without an answer
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if next := s.stocks.acquire(stock); next != b {
			t.Error("a second batcher may send while the first one's batch is on its way")
		}
		s.stocks.release(b)
		close(answered)
		synctest.Wait()
		if len(s.stocks.batchers) != 0 {
			t.Errorf("%d batchers are kept that nobody uses", len(s.stocks.batchers))
		}
	})
}
