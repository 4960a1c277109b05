package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// watchPatience is how long a watcher waits for what must come; only a store that fails needs it.
const watchPatience = time.Minute

// errEnough is what a watcher's deliver returns when it has seen what it waits for.
var errEnough = errors.New("seen enough")

func runWatch(t *testing.T, open func(t *testing.T) Subject) {
	t.Run("from anywhere, while others write", func(t *testing.T) {
		t.Parallel()
		watchWriters(t, open(t))
	})
	t.Run("where it was left off", func(t *testing.T) {
		t.Parallel()
		watchResumed(t, open(t))
	})
	t.Run("positions that never were", func(t *testing.T) {
		t.Parallel()
		watchUnknown(t, open(t))
	})
	t.Run("until the caller goes", func(t *testing.T) {
		t.Parallel()
		watchUntilGone(t, open(t))
	})
}

// watcher is one Watch and what it was handed.
type watcher struct {
	name    string
	request reservation.WatchRequest
	until   reservation.SKU // the policy event of this SKU ends it; zero: nothing does
	begun   chan struct{}   // closed when the first batch has come
	begin   reservation.Position
	events  []reservation.Event
	last    reservation.Position
	err     error
	faults  problems
}

func newWatcher(
	name string, stock reservation.StockID, after reservation.Optional[reservation.Position],
	until reservation.SKU,
) *watcher {
	return &watcher{
		name:    name,
		request: reservation.WatchRequest{Stock: stock, After: after},
		until:   until,
		begun:   make(chan struct{}),
	}
}

// run watches until the end and returns why it ended.
func (w *watcher) run(ctx context.Context, from reservation.Store) error {
	isFirst := true
	w.err = from.Watch(ctx, w.request, func(batch reservation.EventBatch) error {
		if isFirst {
			isFirst = false
			w.begin, w.last = batch.Position, batch.Position
			if len(batch.Events) > 0 {
				w.faults.addf("the first batch has %d events", len(batch.Events))
			}
			close(w.begun)
			return nil
		}
		return w.take(batch)
	})
	if isFirst {
		close(w.begun)
	}
	return w.err
}

func (w *watcher) take(batch reservation.EventBatch) error {
	isEnough := false
	next := w.last.Sequence
	for _, event := range batch.Events {
		next++
		if event.Sequence != next {
			w.faults.addf("event %d came where %d was due", event.Sequence, next)
			next = event.Sequence
		}
		isPolicy := event.Type == reservation.EventPolicyChanged && len(event.Lines) == 1
		isEnough = isEnough || isPolicy && event.Lines[0].SKU == w.until
	}
	w.events = append(w.events, batch.Events...)
	if batch.Position.Sequence != next {
		w.faults.addf("the position is %d after event %d", batch.Position.Sequence, next)
	}
	w.last = batch.Position
	if isEnough {
		return errEnough
	}
	return nil
}

// check holds what the watcher was handed against the journal.
func (w *watcher) check(t *testing.T, journal []reservation.Event) {
	t.Helper()
	if !errors.Is(w.err, errEnough) {
		t.Errorf("%s ended with %v after event %d", w.name, w.err, w.last.Sequence)
	}
	for _, fault := range w.faults {
		t.Errorf("%s: %s", w.name, fault)
	}
	after := w.request.After
	if after.Set && w.begin.Sequence != after.Value.Sequence {
		t.Errorf("%s began at %d, must at %d", w.name, w.begin.Sequence, after.Value.Sequence)
	}
	if difference := diff(journal[w.begin.Sequence:], w.events); difference != "" {
		t.Errorf("%s (-journal +watched):\n%s", w.name, difference)
	}
}

// watchWriters has writers write while watchers watch from the first event, from the middle and
// from now on, and one of them stops reading: the others are handed every event once, in order.
func watchWriters(t *testing.T, subject Subject) {
	ctx, cancel := context.WithTimeout(t.Context(), watchPatience)
	defer cancel()
	stock := newGenerator(0).stocks[0]
	last := mustSKU(t, "last")
	must(t, subject, stock, "set-default backorder_mode=ALLOW")
	must(t, subject, stock, "restock first MUG*50 mug*50")
	epoch := positionNow(ctx, t, subject, stock).Epoch

	middle := reservation.Some(reservation.Position{Epoch: epoch, Sequence: 2})
	first := reservation.Some(reservation.Position{})
	watchers := []*watcher{
		newWatcher("from the first", stock, first, last),
		newWatcher("from the first, too", stock, first, last),
		newWatcher("from the middle", stock, middle, last),
		newWatcher("from now on", stock, reservation.Optional[reservation.Position]{}, last),
	}
	var watching sync.WaitGroup
	for _, w := range watchers {
		watching.Go(func() { _ = w.run(ctx, subject) })
		<-w.begun
	}
	goOn := make(chan struct{})
	slow := make(chan error, 1)
	request := reservation.WatchRequest{Stock: stock, After: first}
	go func() {
		slow <- subject.Watch(ctx, request, func(batch reservation.EventBatch) error {
			if len(batch.Events) == 0 {
				return nil
			}
			<-goOn
			return errEnough
		})
	}()

	together(t, subject, stock, writerTexts())
	must(t, subject, stock, "set-policy last sellable=true")
	watching.Wait()
	close(goOn)
	if err := <-slow; !errors.Is(err, errEnough) {
		t.Errorf("the one that stopped reading ended with %v", err)
	}
	journal := snapshotOf(t, subject, stock).Events
	for _, w := range watchers {
		w.check(t, journal)
	}
	t.Logf("%d events", len(journal))
}

// writerTexts are calls that all write, with queues and fills.
func writerTexts() []string {
	var texts []string
	for n := range races {
		texts = append(texts,
			fmt.Sprintf("reserve o%d MUG*2 mug*1", n),
			fmt.Sprintf("reserve h%d mug*1 ttl=10s", n),
			fmt.Sprintf("restock r%d MUG*3 mug*1", n))
	}
	for n := range races {
		texts = append(texts, fmt.Sprintf("commit h%d", n), fmt.Sprintf("release o%d", n))
	}
	return texts
}

// watchResumed leaves off in the middle and goes on: nothing is missing, nothing comes twice.
func watchResumed(t *testing.T, subject Subject) {
	ctx, cancel := context.WithTimeout(t.Context(), watchPatience)
	defer cancel()
	stock := newGenerator(0).stocks[0]
	half, last := mustSKU(t, "half"), mustSKU(t, "last")
	must(t, subject, stock, "restock r1 MUG*50")
	must(t, subject, stock, "reserve o1 MUG*1")
	must(t, subject, stock, "set-policy half sellable=true")
	first := newWatcher("the first part", stock,
		reservation.Some(reservation.Position{}), half)
	_ = first.run(ctx, subject)
	for n := range races {
		must(t, subject, stock, fmt.Sprintf("reserve p%d MUG*1 partial", n%40))
	}
	must(t, subject, stock, "set-policy last sellable=true")
	second := newWatcher("the second part", stock, reservation.Some(first.last), last)
	_ = second.run(ctx, subject)
	end := newWatcher("at the end", stock, reservation.Some(second.last), last)
	var watching sync.WaitGroup
	watching.Go(func() { _ = end.run(ctx, subject) })
	<-end.begun
	must(t, subject, stock, "set-policy last sellable=false")
	watching.Wait()

	journal := snapshotOf(t, subject, stock).Events
	first.check(t, journal[:first.last.Sequence])
	second.check(t, journal[:second.last.Sequence])
	end.check(t, journal)
}

// watchUnknown asks for what this store never wrote.
func watchUnknown(t *testing.T, subject Subject) {
	ctx, cancel := context.WithTimeout(t.Context(), watchPatience)
	defer cancel()
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, "restock r1 MUG*1")
	at := positionNow(ctx, t, subject, stock)
	for _, after := range []reservation.Position{
		{Epoch: at.Epoch, Sequence: at.Sequence + 1},
		{Epoch: at.Epoch, Sequence: 1 << 40},
		{Epoch: at.Epoch + 1, Sequence: at.Sequence},
		{Epoch: at.Epoch + 1},
	} {
		request := reservation.WatchRequest{Stock: stock, After: reservation.Some(after)}
		err := subject.Watch(ctx, request, func(batch reservation.EventBatch) error {
			t.Errorf("from %+v: handed %+v", after, batch)
			return errEnough
		})
		if reason := reservation.ReasonOf(err); reason != reservation.ReasonPositionUnknown {
			t.Errorf("from %+v: %v (%s), must be %s", after, err, reason,
				reservation.ReasonPositionUnknown)
		}
	}
}

// watchUntilGone ends a watch by its caller: while it waits, and before it begins.
func watchUntilGone(t *testing.T, subject Subject) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, "restock r1 MUG*1")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	w := newWatcher("the one who leaves", stock,
		reservation.Some(reservation.Position{}), reservation.SKU{})
	ended := make(chan error, 1)
	go func() { ended <- w.run(ctx, subject) }()
	<-w.begun
	leave()
	if err := <-ended; reservation.ReasonOf(err) != reservation.ReasonCallerGaveUp {
		t.Errorf("a caller who left was told %v", err)
	}
	w = newWatcher("the one who is gone", stock,
		reservation.Some(reservation.Position{}), reservation.SKU{})
	err := w.run(ctx, subject)
	if reservation.ReasonOf(err) != reservation.ReasonCallerGaveUp {
		t.Errorf("a caller who was gone was told %v", err)
	}
	if len(w.events) > 0 {
		t.Errorf("a caller who was gone was handed %d events", len(w.events))
	}
}

// positionNow returns where a watch from now on begins.
func positionNow(
	ctx context.Context, t *testing.T, subject Subject, stock reservation.StockID,
) (at reservation.Position) {
	t.Helper()
	request := reservation.WatchRequest{Stock: stock}
	err := subject.Watch(ctx, request, func(batch reservation.EventBatch) error {
		at = batch.Position
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("watch: %v", err)
	}
	return at
}

func mustSKU(t *testing.T, name string) reservation.SKU {
	t.Helper()
	sku, err := reservation.ParseSKU(name)
	if err != nil {
		t.Fatal(err)
	}
	return sku
}
