package redisstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

func TestPresent_ReachedOnlyWhatWas(t *testing.T) {
	t.Parallel()
	p := present{sequence: 9, epoch: 3, began: map[int64]int64{1: 0, 2: 4, 3: 7}}
	for position, want := range map[reservation.Position]bool{
		{Epoch: 0, Sequence: 0}: true, {Epoch: 1, Sequence: 0}: true, {Epoch: 2, Sequence: 0}: false,
		{Epoch: 1, Sequence: 1}: true, {Epoch: 1, Sequence: 4}: true, {Epoch: 1, Sequence: 5}: false,
		{Epoch: 2, Sequence: 4}: false, {Epoch: 2, Sequence: 5}: true, {Epoch: 2, Sequence: 7}: true,
		{Epoch: 2, Sequence: 8}: false, {Epoch: 3, Sequence: 2}: false,
		{Epoch: 3, Sequence: 9}: true, {Epoch: 3, Sequence: 10}: false,
		{Epoch: 4, Sequence: 9}: false, {Epoch: 0, Sequence: 1}: false,
	} {
		if got := p.reached(position); got != want {
			t.Errorf("reached(%+v) is %v", position, got)
		}
	}
}

// TestFeed_IsBoundedByBytes fills a feed with events of a thousand lines each: it keeps far fewer
// of them than of small ones, and tells who wants an older one to read the journal.
func TestFeed_IsBoundedByBytes(t *testing.T) {
	t.Parallel()
	f := &feed{}
	for sequence := range int64(200) {
		events := []reservation.Event{{
			Sequence: sequence + 1, Lines: make([]reservation.EventLine, reservation.MaxLines),
		}}
		f.add(feedRead{events, bytesOf(events)})
	}
	if kept := len(f.reads); f.bytes > feedBytes || kept < 10 || kept > 100 {
		t.Errorf("%d bytes in %d reads are kept", f.bytes, kept)
	}
	if _, behind, _, _ := f.after(0, 1); !behind {
		t.Error("who is far behind is not told")
	}
	if events, behind, _, _ := f.after(0, 199); behind || len(events) != 1 {
		t.Errorf("the newest is not kept: %v, %v", len(events), behind)
	}
}

func TestPortion_FollowsWhatReadsBring(t *testing.T) {
	t.Parallel()
	var p portion
	for read, test := range []struct{ asks, bytes int }{
		{firstPortion, 1_000},
		{2 * firstPortion, 1_000},
		{4 * firstPortion, 1_000},
		{8 * firstPortion, 1_000},
		{maxPortion, 1_000},
		{maxPortion, 64 * portionBytes},
		{maxPortion / 64, 3 * portionBytes},
		{1, 10 * portionBytes},
		{1, portionBytes},
		{1, portionBytes / 2},
		{2, 1},
	} {
		asks := int(p.count())
		if asks != test.asks {
			t.Fatalf("read %d asks for %d entries, want %d", read, asks, test.asks)
		}
		p.learn(asks, test.bytes)
	}
	p.learn(1, 1) // fewer came than were asked for: nothing is known of more
	if got := p.count(); got != 4 {
		t.Errorf("asks for %d", got)
	}
}

// TestWatch_LargeEntriesComeWhole watches a journal of a few large entries from its first event.
func TestWatch_LargeEntriesComeWhole(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{quiet: true})
	lines := make([]reservation.Line, reservation.MaxLines)
	for i := range lines {
		lines[i] = reservation.Line{
			SKU: mustSKU(fmt.Sprintf("sku-%04d", i)), Quantity: must(reservation.NewQuantity(1)),
		}
	}
	for n := range 20 {
		_, err := s.Restock(t.Context(), reservation.RestockRequest{
			Stock: mustStock(""), Request: mustRequest(fmt.Sprintf("r%d", n)),
			Lines: must(reservation.NewLines(lines)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := s.present(t.Context(), mustStock(""))
	if err != nil {
		t.Fatal(err)
	}
	got, err := watchUntil(t.Context(), s, reservation.Some(reservation.Position{}), p.sequence,
		func() {})
	if err != nil {
		t.Fatal(err)
	}
	wantEach(t, got, 1, p.sequence)
}

// TestWatch_NamesThatNobodyUsesTakeNoFeed has more watches on stocks that do not exist than there
// are feeds: a stock that exists can be watched all the same, and one that comes to be is followed.
func TestWatch_NamesThatNobodyUsesTakeNoFeed(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{quiet: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := make(chan struct{})
	first := make(chan reservation.Event, 1)
	for n := range maxFeeds + 10 {
		stock := mustStock(fmt.Sprintf("invented-%d", n))
		go func() {
			_ = s.Watch(ctx, reservation.WatchRequest{Stock: stock},
				func(batch reservation.EventBatch) error {
					if len(batch.Events) == 0 {
						began <- struct{}{}
					} else if n == 7 {
						first <- batch.Events[0]
					}
					return nil
				})
		}()
	}
	for range maxFeeds + 10 {
		<-began
	}
	got, err := watchUntil(ctx, s, reservation.Optional[reservation.Position]{}, 3, func() {
		if _, err := s.Reserve(ctx, reserveOf("o", "mug")); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantEach(t, got, 3, 3)
	request := restockOf("r", "mug", 1)
	request.Stock = mustStock("invented-7")
	if _, err := s.Restock(ctx, request); err != nil {
		t.Fatal(err)
	}
	if event := <-first; event.Sequence != 1 || event.Type != reservation.EventRestocked {
		t.Errorf("its first event is %+v", event)
	}
	cancel()
	eventually(t, func(context.Context) error {
		s.feeds.mu.Lock()
		defer s.feeds.mu.Unlock()
		if left := s.feeds.following + s.feeds.waiting + len(s.feeds.byStock); left > 0 {
			return fmt.Errorf("%d feeds are left", left)
		}
		return nil
	})
}

// TestWatch_OneThatBeginsHoldsNobodyUp lets a watch begin while the store hangs: another one of
// another stock can end meanwhile.
func TestWatch_OneThatBeginsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL(), CallTimeout: 20 * time.Second, quiet: true})
	t.Cleanup(func() {
		if err := server.Continue(); err != nil {
			t.Error(err)
		}
	})
	watch := func(ctx context.Context, stock string, began func()) <-chan error {
		ended := make(chan error, 1)
		go func() {
			ended <- s.Watch(ctx, reservation.WatchRequest{Stock: mustStock(stock)},
				func(reservation.EventBatch) error {
					began()
					return nil
				})
		}()
		return ended
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	begun := make(chan struct{})
	running := watch(ctx, "", func() { close(begun) })
	<-begun
	if err := server.Hang(); err != nil {
		t.Fatal(err)
	}
	otherCtx, stopOther := context.WithCancel(t.Context())
	beginning := watch(otherCtx, "other", func() {})
	eventually(t, func(context.Context) error {
		if stats := s.client.PoolStats(); stats.TotalConns == stats.IdleConns {
			return errors.New("the second watch has not asked yet")
		}
		return nil
	})
	stop()
	wantReason(t, <-running, reservation.ReasonCallerGaveUp)
	select {
	case err := <-beginning:
		t.Errorf("the second watch did not wait for the store: %v", err)
	default:
	}
	stopOther()
	if err := server.Continue(); err != nil {
		t.Error(err)
	}
	wantReason(t, <-beginning, reservation.ReasonCallerGaveUp)
}
