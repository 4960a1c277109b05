package redisstore

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// scanPage is how many keys of the database one SCAN looks at: well under a millisecond.
const scanPage = 1_000

// errStoreChanged ends a walk whose store became another on the way.
var errStoreChanged = errors.New("another store process answers since the walk began")

// walk goes over a live stock in bounded reading steps. Every step says at which sequence it read;
// the journal is followed up to there before what was read is looked at, so that all that was read
// before is known as of the same moment. Nobody is held up: no step writes, none is long.
type walk struct {
	store *Store
	stock reservation.StockID
	keys  stockKeys
	node  *node  // where the stock is; nil: nobody has looked
	at    moment // the journal has been followed to here
	// portion is how much of the journal is read at once.
	portion portion
	// event is called with each event of the journal on the way, in order.
	event func(event *reservation.Event) error
}

// follow hands on the events up to a moment at which something was read.
func (w *walk) follow(ctx context.Context, to moment) error {
	if to.epoch != w.at.epoch && w.at.epoch != 0 {
		return unavailable(errStoreChanged)
	}
	if to.sequence < w.at.sequence {
		return &reservation.Error{Reason: reservation.ReasonPositionUnknown}
	}
	for w.at.sequence < to.sequence {
		entries, err := w.store.client.XRangeN(ctx, w.keys.journal(), idOf(w.at.sequence+1),
			idOf(to.sequence), w.portion.count()).Result()
		if err != nil {
			return w.store.failure(ctx, err)
		}
		if len(entries) == 0 {
			return w.missing(ctx)
		}
		bytes := 0
		for _, entry := range entries {
			size, err := w.take(ctx, entry)
			if err != nil {
				return err
			}
			bytes += size
		}
		w.portion.learn(len(entries), bytes)
	}
	w.at.epoch = to.epoch
	return nil
}

// take hands on the events of one entry and says about how much memory they take.
func (w *walk) take(ctx context.Context, entry redis.XMessage) (bytes int, err error) {
	events, err := readEntry(entry)
	if err != nil {
		return 0, internal(err)
	}
	if events[0].Sequence != w.at.sequence+1 {
		return 0, w.missing(ctx)
	}
	for i := range events {
		if err := w.event(&events[i]); err != nil {
			return 0, err
		}
	}
	w.at.sequence = events[len(events)-1].Sequence
	return bytesOf(events), nil
}

// missing says why the journal does not have the next event: it was trimmed faster than the walk
// went, or it never had it.
func (w *walk) missing(ctx context.Context) error {
	oldest, err := w.store.oldestEvent(ctx, w.keys)
	switch {
	case err != nil:
		return err
	case oldest > w.at.sequence+1:
		return &reservation.Error{Reason: reservation.ReasonEventsTrimmed, Oldest: oldest}
	}
	return &reservation.Error{Reason: reservation.ReasonPositionUnknown}
}

// oldestEvent returns the sequence of the first event that a journal has; 0: it has none.
func (s *Store) oldestEvent(ctx context.Context, keys stockKeys) (int64, error) {
	entries, err := s.client.XRangeN(ctx, keys.journal(), "-", "+", 1).Result()
	if err != nil {
		return 0, s.failure(ctx, err)
	}
	if len(entries) == 0 {
		return 0, nil
	}
	events, err := readEntry(entries[0])
	if err != nil {
		return 0, internal(err)
	}
	return events[0].Sequence, nil
}

// keysFound are names of a stock's keys, by kind.
type keysFound struct {
	reservations, requests, queues []string
}

// scan hands every key of the stock to page, a page at a time. A key that is there from the
// beginning to the end is among them at least once, whatever comes and goes meanwhile; that is what
// SCAN promises.
func (w *walk) scan(ctx context.Context, page func(found keysFound) error) error {
	pattern := escapePattern(w.keys.base) + "*"
	if err := w.stillThere(ctx); err != nil {
		return err
	}
	var cursor uint64
	for {
		names, next, err := w.scanPage(ctx, cursor, pattern)
		if err != nil {
			return w.store.failure(ctx, err)
		}
		if err := page(w.sorted(names)); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// sorted puts keys into their kinds.
func (w *walk) sorted(keys []string) keysFound {
	var found keysFound
	for _, key := range keys {
		kind, name, _ := strings.Cut(strings.TrimPrefix(key, w.keys.base), ":")
		switch kind {
		case "res":
			found.reservations = append(found.reservations, name)
		case "req":
			found.requests = append(found.requests, name)
		case "queue":
			found.queues = append(found.queues, name)
		}
	}
	return found
}

// skusFrom returns the next SKUs that the stock lists, in the order of their bytes; from is "-", or
// "(" and a SKU.
func (w *walk) skusFrom(ctx context.Context, from string) ([]string, error) {
	names, err := w.store.client.ZRangeArgs(ctx, redis.ZRangeArgs{
		Key: w.keys.skus(), Start: from, Stop: "+", ByLex: true, Count: recordsAtOnce,
	}).Result()
	if err != nil {
		return nil, w.store.failure(ctx, err)
	}
	return names, nil
}

// escapePattern makes a text stand for itself in a pattern of SCAN.
func escapePattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}

// records reads reservations by their ids, step by step, and hands each to look as of the moment to
// which the journal has been followed.
func (w *walk) records(
	ctx context.Context, ids []string, look func(record *storedRecord) error,
) error {
	for len(ids) > 0 {
		records, at, err := w.store.readRecords(ctx, w.stock, ids[:min(len(ids), recordsAtOnce)])
		if err != nil {
			return err
		}
		if err := w.follow(ctx, at); err != nil {
			return err
		}
		for i := range records {
			if err := look(&records[i]); err != nil {
				return err
			}
		}
		ids = ids[len(records):]
	}
	return nil
}
