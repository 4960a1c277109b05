package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// counts are how many entries a stock's indexes have.
type counts struct {
	reservations, requests, skus int64
}

// head is where a stock's journal is, and how much there is to walk, as of one moment.
type head struct {
	present

	counts counts
	first  []redis.XMessage
	last   []redis.XMessage
}

// readHead reads it in one transaction.
func (s *Store) readHead(ctx context.Context, keys stockKeys) (head, error) {
	pipe := s.client.TxPipeline()
	meta := pipe.HGetAll(ctx, keys.meta())
	first := pipe.XRangeN(ctx, keys.journal(), "-", "+", 1)
	last := pipe.XRevRangeN(ctx, keys.journal(), "+", "-", 1)
	held, committed := pipe.ZCard(ctx, keys.held()), pipe.ZCard(ctx, keys.committed())
	finished, requests := pipe.ZCard(ctx, keys.finished()), pipe.ZCard(ctx, keys.requests())
	skus := pipe.ZCard(ctx, keys.skus())
	if err := runPipe(ctx, pipe); err != nil {
		return head{}, s.failure(ctx, err)
	}
	now, err := presentOf(meta.Val())
	return head{
		present: now, first: first.Val(), last: last.Val(),
		counts: counts{
			reservations: held.Val() + committed.Val() + finished.Val(),
			requests:     requests.Val(), skus: skus.Val(),
		},
	}, err
}

// begin looks at the journal up to the present moment, from which it is followed.
func (a *audit) begin(ctx context.Context) error {
	if _, err := a.store.fitNode(ctx, a.keys.meta()); err != nil {
		return err
	}
	h, err := a.store.readHead(ctx, a.keys)
	if err != nil {
		return err
	}
	a.tally = newTally(h.counts.reservations, h.counts.skus, a.store.options.walkLimit)
	perRound := int64(a.tally.classes)*(h.counts.reservations+h.counts.requests) + h.counts.skus
	a.total = int64(a.tally.rounds)*perRound + h.counts.skus + min(h.sequence, defaultJournalCap)
	a.at = moment{sequence: h.sequence, epoch: h.epoch}
	return a.journal(ctx, h)
}

// journal reads the whole journal up to the present moment: it must have every sequence once, and
// end where the stock is.
func (a *audit) journal(ctx context.Context, h head) error {
	if err := a.journalEnds(h); err != nil {
		return err
	}
	next, err := a.journalBegins(h)
	if err != nil || len(h.first) == 0 {
		return err
	}
	last := sequenceOf(h.last[0].ID)
	for next <= last {
		entries, err := a.store.client.XRangeN(ctx, a.keys.journal(), idOf(next), idOf(last),
			a.portion.count()).Result()
		if err != nil {
			return a.store.failure(ctx, err)
		}
		if len(entries) == 0 {
			return a.gap(ctx, next, last+1)
		}
		bytes, size := 0, 0
		for _, entry := range entries {
			if next, size, err = a.journalEntry(ctx, entry, next); err != nil {
				return err
			}
			bytes += size
		}
		a.portion.learn(len(entries), bytes)
	}
	return nil
}

// journalEnds wants the journal's last event at the stock's sequence.
func (a *audit) journalEnds(h head) error {
	ends := h.restored
	if len(h.last) > 0 {
		ends = sequenceOf(h.last[0].ID)
	}
	if ends == h.sequence {
		return nil
	}
	a.fold = nil
	return a.find(reservation.Finding{
		Type: reservation.FindingJournalEnd, What: "last event", Is: strconv.FormatInt(ends, 10),
		ShouldBe: strconv.FormatInt(h.sequence, 10),
	})
}

// journalBegins wants the journal to have all that it should keep. It returns its first sequence.
func (a *audit) journalBegins(h head) (int64, error) {
	oldest := h.sequence + 1
	if len(h.first) > 0 {
		events, err := readEntry(h.first[0])
		if err != nil {
			oldest = sequenceOf(h.first[0].ID) // the entry itself is looked at in its turn
		} else {
			oldest = events[0].Sequence
		}
	}
	if oldest != 1 {
		a.fold = nil
	}
	if kept := max(h.restored, h.sequence-defaultJournalCap) + 1; oldest > kept {
		return oldest, a.find(reservation.Finding{
			Type: reservation.FindingJournalShort, What: "first event",
			Is: strconv.FormatInt(oldest, 10), ShouldBe: fmt.Sprintf("%d or before", kept),
		})
	}
	return oldest, nil
}

// journalEntry looks at one entry, whose first event should be next. It returns what comes next,
// and about how much memory the entry takes.
func (a *audit) journalEntry(
	ctx context.Context, entry redis.XMessage, next int64,
) (behind int64, bytes int, err error) {
	events, err := readEntry(entry)
	last := sequenceOf(entry.ID)
	if err != nil {
		a.fold = nil
		return last + 1, 0, a.find(reservation.Finding{
			Type: reservation.FindingJournalMalformed, What: "entry " + entry.ID, Is: err.Error(),
			ShouldBe: "events that can be read",
		})
	}
	if first := events[0].Sequence; first != next {
		if err := a.gap(ctx, next, first); err != nil {
			return 0, 0, err
		}
	}
	for i := range events {
		if err := a.folded(&events[i]); err != nil {
			return 0, 0, err
		}
	}
	return last + 1, bytesOf(events), a.walkedOn(len(events))
}

// gap tells of events that the journal does not have, unless it was trimmed meanwhile.
func (a *audit) gap(ctx context.Context, from, to int64) error {
	a.fold = nil
	oldest, err := a.store.oldestEvent(ctx, a.keys)
	if err != nil || oldest >= to && to > from {
		return err
	}
	return a.find(reservation.Finding{
		Type: reservation.FindingJournalGap, What: "journal",
		Is:       fmt.Sprintf("event %d follows on %d", to, from-1),
		ShouldBe: fmt.Sprintf("event %d", from),
	})
}

// sequenceOf returns the sequence in an entry's ID.
func sequenceOf(id string) int64 {
	number, _, _ := strings.Cut(id, "-")
	sequence, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return sequence
}

// splitMember returns the reservation and the line that an entry of a queue names; line 0: none.
func splitMember(member string) (id string, line int) {
	at := strings.LastIndexByte(member, '/')
	if at < 0 {
		return member, 0
	}
	line, err := strconv.Atoi(member[at+1:])
	if err != nil {
		return member, 0
	}
	return member[:at], line
}
