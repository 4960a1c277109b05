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
	// feedReads and feedEvents bound what a feed keeps in memory for all watchers of a stock: about
	// half a second of a busy stock. Who falls behind further reads the journal itself.
	feedReads  = 512
	feedEvents = 8_192
	// feedBlock is how long the reader waits for news before it looks whether the store is still
	// the one that it followed.
	feedBlock = 500 * time.Millisecond
	// feedGather is how long the reader lets news gather after it has read some. A busy stock writes
	// thousands of entries a second; handing each of them to each watcher by itself would cost more
	// than all else that is done for them. What comes after a rest is handed on at once.
	feedGather = 10 * time.Millisecond
	// feedPortion is how many journal entries are read at once: more than a stock writes while they
	// gather.
	feedPortion = 128
	// maxFeeds bounds the stocks that one server watches, for each takes a connection.
	maxFeeds = 64
)

// feed is the newest part of a stock's journal, read once for all of its watchers.
type feed struct {
	store *Store
	stock reservation.StockID
	stop  context.CancelFunc

	watchers int // guarded by feeds

	mu     sync.Mutex
	reads  [][]reservation.Event // what each read brought; without a gap, oldest first
	events int                   // in reads
	last   int64                 // sequence of the newest event, read or not kept
	news   chan struct{}         // closed when reads, last or err change
	err    error                 // why the feed ended
}

// after returns the events behind a sequence that the feed has. behind is true when some are not
// kept any more; otherwise, when there are none, news is closed once there may be.
func (f *feed) after(sequence int64) (events []reservation.Event, behind bool, news <-chan struct{},
	err error,
) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, false, nil, f.err
	}
	if sequence >= f.last {
		return nil, false, f.news, nil
	}
	if len(f.reads) == 0 || f.reads[0][0].Sequence > sequence+1 {
		return nil, true, nil, nil
	}
	for _, read := range f.reads {
		if rest := eventsAfter(read, sequence); len(rest) > 0 {
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

// add takes in what a read brought and lets the oldest go.
func (f *feed) add(read []reservation.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads = append(f.reads, read)
	f.events += len(read)
	for len(f.reads) > 1 && (len(f.reads) > feedReads || f.events > feedEvents) {
		f.events -= len(f.reads[0])
		f.reads[0] = nil
		f.reads = f.reads[1:]
	}
	f.last = read[len(read)-1].Sequence
	f.tell()
}

// end makes every watcher return err.
func (f *feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.tell()
}

// tell wakes the watchers that wait; f.mu is held.
func (f *feed) tell() {
	close(f.news)
	f.news = make(chan struct{})
}

// run follows the journal until ctx ends or the store cannot be read.
func (f *feed) run(ctx context.Context) {
	gather := time.NewTicker(feedGather)
	defer gather.Stop()
	for ctx.Err() == nil {
		if err := f.read(ctx); err != nil {
			f.end(err)
			return
		}
		select {
		case <-gather.C:
		case <-ctx.Done():
		}
	}
}

// read waits for the next entries and takes them in.
func (f *feed) read(ctx context.Context) error {
	key := f.store.keys.of(f.stock).journal()
	streams, err := f.store.watchClient.XRead(ctx, &redis.XReadArgs{
		Streams: []string{key, idOf(f.last)}, Count: feedPortion, Block: feedBlock,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return f.checkStore(ctx)
	}
	if err != nil {
		return f.store.failure(ctx, err)
	}
	var read []reservation.Event
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
		read = append(read, events...)
	}
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

// feeds has the feed of every stock that is watched.
type feeds struct {
	mu      sync.Mutex
	byStock map[reservation.StockID]*feed
}

// join returns a stock's feed and starts it for the first watcher.
func (s *Store) join(ctx context.Context, stock reservation.StockID) (*feed, error) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	if f, ok := s.feeds.byStock[stock]; ok && !f.ended() {
		f.watchers++
		return f, nil
	}
	if len(s.feeds.byStock) >= maxFeeds {
		return nil, &reservation.Error{
			Reason: reservation.ReasonOverloaded, RetryAfter: time.Second,
		}
	}
	present, err := s.present(ctx, stock)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &feed{
		store: s, stock: stock, stop: stop, watchers: 1, last: present.sequence,
		news: make(chan struct{}),
	}
	s.feeds.byStock[stock] = f
	s.background.Go(func() { f.run(running) })
	return f, nil
}

func (f *feed) ended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err != nil
}

// leave gives a feed back; the last watcher stops it.
func (s *Store) leave(f *feed) {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	f.watchers--
	if f.watchers > 0 {
		return
	}
	f.stop()
	if s.feeds.byStock[f.stock] == f {
		delete(s.feeds.byStock, f.stock)
	}
}

// stopFeeds ends every feed, for a store that closes.
func (s *Store) stopFeeds() {
	s.feeds.mu.Lock()
	defer s.feeds.mu.Unlock()
	for _, f := range s.feeds.byStock {
		f.stop()
		f.end(unavailable(redis.ErrClosed))
	}
}
