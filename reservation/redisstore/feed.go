package redisstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// feedReads and feedBytes bound what a feed keeps in memory for all watchers of a stock: a fifth
	// of a second of the busiest. Who falls behind further reads the journal itself.
	feedReads = 512
	feedBytes = 4 << 20
	// feedBlock is how long the reader waits for news before it looks whether the store is still
	// the one that it followed.
	feedBlock = 500 * time.Millisecond
	// feedGather is how long the reader lets news gather after it has read some. A busy stock writes
	// thousands of entries a second; handing each of them to each watcher by itself would cost more
	// than all else that is done for them. What comes after a rest is handed on at once to the first
	// group of watchers, to the others in their turn.
	feedGather = 20 * time.Millisecond
)

// feed is the newest part of a stock's journal, read once for all of its watchers.
type feed struct {
	store *Store
	stock reservation.StockID
	stop  context.CancelFunc

	watchers int     // guarded by feeds
	portion  portion // the reader's own

	mu    sync.Mutex
	reads []feedRead // what each read brought; without a gap, oldest first
	bytes int        // of reads
	last  int64      // sequence of the newest event, read or not kept
	turns turns      // who is told, and when, that reads, last or err have changed
	err   error      // why the feed ended
}

// feedRead is what one read brought.
type feedRead struct {
	events []reservation.Event
	bytes  int
}

// after returns the events behind a sequence that the feed has. behind is true when some are not
// kept any more; otherwise, when there are none, news is closed once there may be for the watchers
// of a group.
func (f *feed) after(group int, sequence int64) (
	events []reservation.Event, behind bool, news <-chan struct{}, err error,
) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, false, nil, f.err
	}
	if sequence >= f.last {
		return nil, false, f.turns[group].news, nil
	}
	if len(f.reads) == 0 || f.reads[0].events[0].Sequence > sequence+1 {
		return nil, true, nil, nil
	}
	for _, read := range f.reads {
		if rest := eventsAfter(read.events, sequence); len(rest) > 0 {
			return rest, false, nil, nil
		}
	}
	return nil, true, nil, nil
}

// eventsAfter returns those of events without a gap that stand behind a sequence.
func eventsAfter(events []reservation.Event, sequence int64) []reservation.Event {
	first := events[0].Sequence
	if sequence < first {
		return events
	}
	return events[min(int64(len(events)), sequence-first+1):]
}

// add takes in what a read brought and lets the oldest go. The newest stays, however large. The
// first group of watchers is told of it.
func (f *feed) add(read feedRead) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads = append(f.reads, read)
	f.bytes += read.bytes
	for len(f.reads) > 1 && (len(f.reads) > feedReads || f.bytes > feedBytes) {
		f.bytes -= f.reads[0].bytes
		f.reads[0] = feedRead{}
		f.reads = f.reads[1:]
	}
	f.last = read.events[len(read.events)-1].Sequence
	f.turns.tell(0)
}

// end makes every watcher return err; the first reason stands.
func (f *feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		f.turns.tellAll()
	}
}

func (f *feed) ended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err != nil
}

// tell wakes a group of watchers; false when nobody is in it.
func (f *feed) tell(group int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.turns.tell(group)
}

// join gives a watcher its group.
func (f *feed) join() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.turns.join()
}

// leave takes a watcher out of its group.
func (f *feed) leave(group int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turns.leave(group)
}

// run follows the journal until ctx ends or the store cannot be read.
func (f *feed) run(ctx context.Context) {
	step := time.NewTicker(feedGather / feedTurns)
	defer step.Stop()
	for ctx.Err() == nil {
		if err := f.read(ctx); err != nil {
			f.end(err)
			return
		}
		for group := 1; group <= feedTurns && ctx.Err() == nil; group++ {
			select {
			case <-step.C:
			case <-ctx.Done():
			}
			if group < feedTurns {
				f.tell(group)
			}
		}
	}
}

// read waits for the next entries and takes them in.
func (f *feed) read(ctx context.Context) error {
	key := f.store.keys.of(f.stock).journal()
	streams, err := f.store.watchClient.XRead(ctx, &redis.XReadArgs{
		Streams: []string{key, idOf(f.last)}, Count: f.portion.count(), Block: feedBlock,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return f.checkStore(ctx)
	}
	if err != nil {
		return f.store.failure(ctx, err)
	}
	var read feedRead
	next := f.last + 1
	for _, entry := range streams[0].Messages {
		events, err := readEntry(entry)
		if err != nil {
			return internal(err)
		}
		if events[0].Sequence != next {
			return &reservation.Error{Reason: reservation.ReasonPositionUnknown}
		}
		next += int64(len(events))
		read.events = append(read.events, events...)
		read.bytes += bytesOf(events)
	}
	f.portion.learn(len(streams[0].Messages), read.bytes)
	f.add(read)
	return nil
}

// checkStore finds a journal that was set back: its new events would stay below what was read for
// long.
func (f *feed) checkStore(ctx context.Context) error {
	present, err := f.store.present(ctx, f.stock)
	if err != nil {
		return err
	}
	if present.sequence < f.last {
		return &reservation.Error{Reason: reservation.ReasonPositionUnknown}
	}
	return nil
}
