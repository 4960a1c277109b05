package redisstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// idOf returns the ID of the journal entry whose last event has a sequence.
func idOf(sequence int64) string { return strconv.FormatInt(sequence, 10) + "-0" }

// present is where a stock's journal is: its sequence, and at which sequence each epoch began.
type present struct {
	sequence int64
	epoch    int64
	restored int64 // the sequence that a restore left; the journal begins after it
	began    map[int64]int64
}

// epochAt returns the epoch in which the event of a sequence stands; of sequence 0 the first.
func (p present) epochAt(sequence int64) int64 {
	for epoch := p.epoch; epoch > 1; epoch-- {
		if p.began[epoch] < sequence {
			return epoch
		}
	}
	return min(1, p.epoch)
}

// reached says whether this store ever was at a position.
func (p present) reached(at reservation.Position) bool {
	if at.Sequence == 0 { // before the first event, in the first epoch if there is one
		return at.Epoch == 0 || at.Epoch == 1 && p.epoch >= 1
	}
	if at.Sequence > p.sequence || at.Epoch > p.epoch || at.Epoch < 1 {
		return false
	}
	// An epoch begins behind where the one before it ended.
	next, ended := p.began[at.Epoch+1]
	return at.Sequence > p.began[at.Epoch] && (!ended || at.Sequence <= next)
}

// present reads where a stock's journal is.
func (s *Store) present(ctx context.Context, stock reservation.StockID) (present, error) {
	fields, err := s.client.HGetAll(ctx, s.keys.of(stock).meta()).Result()
	if err != nil {
		return present{}, s.failure(ctx, err)
	}
	return presentOf(fields)
}

// presentOf reads the fields of a stock's meta.
func presentOf(fields map[string]string) (present, error) {
	var r reply
	p := present{began: make(map[int64]int64)}
	for name, value := range fields {
		switch epoch, isEpoch := strings.CutPrefix(name, "e"); {
		case name == "sequence":
			p.sequence = r.parseInt(value)
		case name == "restored":
			p.restored = r.parseInt(value)
		case name == "epoch":
			p.epoch = r.parseInt(value)
		case isEpoch:
			p.began[r.parseInt(epoch)] = r.parseInt(value)
		}
	}
	if r.err != nil {
		return present{}, internal(r.err)
	}
	return p, nil
}

// Watch hands a stock's events to deliver, in order and without a gap, until ctx ends, deliver
// returns an error, or the store cannot be read. However slow deliver is, it holds nobody else up.
func (s *Store) Watch(
	ctx context.Context, request reservation.WatchRequest,
	deliver func(reservation.EventBatch) error,
) error {
	if err := s.health.err(); err != nil {
		return err
	}
	now, err := s.present(ctx, request.Stock)
	if err != nil {
		return err
	}
	after := request.After.Or(reservation.Position{
		Epoch: now.epochAt(now.sequence), Sequence: now.sequence,
	})
	if !now.reached(after) {
		return &reservation.Error{Reason: reservation.ReasonPositionUnknown}
	}
	f, err := s.join(ctx, request.Stock, now)
	if err != nil {
		return err
	}
	defer s.leave(f)
	w := watcher{store: s, feed: f, at: after, deliver: deliver}
	if w.at.Sequence == 0 {
		w.at.Epoch = now.epochAt(1)
	}
	// Where it begins is told at once, so that a caller who began now can go on from here.
	if err := deliver(reservation.EventBatch{Position: w.at}); err != nil {
		return err
	}
	return w.run(ctx)
}

// watcher is one watch: how far it is.
type watcher struct {
	store   *Store
	feed    *feed
	at      reservation.Position
	deliver func(reservation.EventBatch) error
	portion portion // of the journal, where the watcher reads it itself
}

func (w *watcher) run(ctx context.Context) error {
	for {
		events, behind, news, err := w.feed.after(w.at.Sequence)
		switch {
		case err != nil:
			return err
		case behind:
			err = w.catchUp(ctx)
		case len(events) > 0:
			err = w.hand(events)
		default:
			select {
			case <-ctx.Done():
				return gaveUp(ctx.Err())
			case <-news:
			}
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return gaveUp(ctx.Err())
		}
	}
}

// hand delivers events that follow the watcher's place.
func (w *watcher) hand(events []reservation.Event) error {
	for _, event := range events {
		if event.Type == reservation.EventStoreChanged {
			w.at.Epoch = event.Epoch
		}
	}
	if w.at.Epoch == 0 {
		w.at.Epoch = 1
	}
	w.at.Sequence = events[len(events)-1].Sequence
	return w.deliver(reservation.EventBatch{Events: events, Position: w.at})
}

// catchUp reads the journal itself from the watcher's place on: what the feed does not keep.
func (w *watcher) catchUp(ctx context.Context) error {
	key := w.store.keys.of(w.feed.stock).journal()
	entries, err := w.store.client.XRangeN(ctx, key, idOf(w.at.Sequence+1), "+",
		w.portion.count()).Result()
	if err != nil {
		return w.store.failure(ctx, err)
	}
	bytes := 0
	for i, entry := range entries {
		events, err := readEntry(entry)
		if err != nil {
			return internal(err)
		}
		bytes += bytesOf(events)
		if i == 0 && events[0].Sequence > w.at.Sequence+1 {
			return &reservation.Error{
				Reason: reservation.ReasonEventsTrimmed, Oldest: events[0].Sequence,
			}
		}
		if err := w.hand(eventsAfter(events, w.at.Sequence)); err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		return &reservation.Error{Reason: reservation.ReasonPositionUnknown}
	}
	w.portion.learn(len(entries), bytes)
	return nil
}

// newWatchClient returns a client for the feeds, whose connections wait for news most of the time.
func newWatchClient(config *redis.Options) *redis.Client {
	return location{config: config}.forWatching().client()
}
