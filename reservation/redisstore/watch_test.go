package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// errEnough ends a watch from within.
var errEnough = errors.New("enough")

// watchUntil watches from a position until an event of a sequence has come, and returns the
// sequences.
func watchUntil(
	ctx context.Context, s *Store, after reservation.Optional[reservation.Position], last int64,
	began func(),
) ([]int64, error) {
	var sequences []int64
	request := reservation.WatchRequest{Stock: mustStock(""), After: after}
	err := s.Watch(ctx, request, func(batch reservation.EventBatch) error {
		if len(batch.Events) == 0 {
			began()
		}
		for _, event := range batch.Events {
			sequences = append(sequences, event.Sequence)
		}
		if batch.Position.Sequence >= last {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return sequences, err
}

// wantEach holds that the sequences are from first to last without a gap.
func wantEach(t *testing.T, sequences []int64, first, last int64) {
	t.Helper()
	if int64(len(sequences)) < last-first+1 {
		t.Fatalf("%d events, want %d to %d", len(sequences), first, last)
	}
	for i, sequence := range sequences {
		if sequence != first+int64(i) {
			t.Fatalf("event %d has the sequence %d, want %d", i, sequence, first+int64(i))
		}
	}
}

func TestWatch_ResumesAtAnyPosition(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, Options) *Store{
		"redis": openReal, "embedded": openEmbedded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			s := open(t, Options{})
			restock(t, s, "first", "mug", 1_000)
			for n := range 20 {
				if _, err := s.Reserve(ctx, reserveOf(fmt.Sprintf("o%d", n), "mug")); err != nil {
					t.Fatal(err)
				}
			}
			p, err := s.present(ctx, mustStock(""))
			if err != nil {
				t.Fatal(err)
			}
			for after := range p.sequence {
				from := reservation.Some(reservation.Position{Epoch: 1, Sequence: after})
				if after == 0 {
					from.Value.Epoch = 0
				}
				got, err := watchUntil(ctx, s, from, p.sequence, func() {})
				if err != nil {
					t.Fatal(err)
				}
				wantEach(t, got, after+1, p.sequence)
			}
		})
	}
}

func TestWatch_UnknownPositionsAreSaid(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{})
	for _, position := range []reservation.Position{
		{Epoch: 1, Sequence: 1_000}, {Epoch: 2, Sequence: 1},
	} {
		_, err := watchUntil(t.Context(), s, reservation.Some(position), 1, func() {})
		wantReason(t, err, reservation.ReasonPositionUnknown)
	}
}

func TestWatch_TrimmedPositionsSayTheOldest(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := stocked(t, Options{})
	for n := range 10 {
		if _, err := s.Reserve(ctx, reserveOf(fmt.Sprintf("o%d", n), "mug")); err != nil {
			t.Fatal(err)
		}
	}
	journal := s.keys.of(mustStock("")).journal()
	if err := s.client.XTrimMinID(ctx, journal, "6-0").Err(); err != nil {
		t.Fatal(err)
	}
	from := reservation.Some(reservation.Position{Epoch: 1, Sequence: 2})
	_, err := watchUntil(ctx, s, from, 100, func() {})
	wantReason(t, err, reservation.ReasonEventsTrimmed)
	var trimmed *reservation.Error
	if errors.As(err, &trimmed) && trimmed.Oldest != 6 {
		t.Errorf("the oldest is said to be %d, want 6", trimmed.Oldest)
	}
}

// TestWatch_OneThatReadsNothingCostsTheOthersNothing has many watchers of one stock under load, one
// of which never returns from its first events: the others get every event once, in order.
func TestWatch_OneThatReadsNothingCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	const watchers = 49
	orders := sized(2_000, 20_000)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s := openReal(t, Options{})
	restock(t, s, "first", "mug", 1_000_000)
	before, err := s.present(ctx, mustStock(""))
	if err != nil {
		t.Fatal(err)
	}
	first, last := before.sequence+1, before.sequence+int64(orders)

	var began, ended sync.WaitGroup
	release := make(chan struct{})
	began.Add(watchers + 1)
	for range watchers {
		ended.Go(func() {
			got, err := watchUntil(ctx, s, reservation.Optional[reservation.Position]{}, last, began.Done)
			if err != nil {
				t.Errorf("a watcher: %v", err)
				return
			}
			wantEach(t, got, first, last)
		})
	}
	ended.Go(func() {
		request := reservation.WatchRequest{Stock: mustStock("")}
		err := s.Watch(ctx, request, func(batch reservation.EventBatch) error {
			if len(batch.Events) == 0 {
				began.Done()
				return nil
			}
			<-release // it reads nothing
			return errEnough
		})
		if !errors.Is(err, errEnough) {
			t.Errorf("the slow watcher: %v", err)
		}
	})
	began.Wait()
	ids := make([]string, orders)
	for i := range ids {
		ids[i] = fmt.Sprintf("o%06d", i)
	}
	reserveMany(t, s, "mug", ids, 0)
	close(release)
	ended.Wait()
}

func TestWatch_AStoreThatWasSetBackIsNoticed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL()})
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	_, err := watchUntil(ctx, s, reservation.Optional[reservation.Position]{}, 1_000, func() {
		if err := client.FlushAll(ctx).Err(); err != nil {
			t.Error(err)
		}
	})
	wantReason(t, err, reservation.ReasonPositionUnknown)
}

func TestWatch_EndsWithItsCallerAndWithTheStore(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := watchUntil(ctx, s, reservation.Optional[reservation.Position]{}, 1_000, cancel)
	wantReason(t, err, reservation.ReasonCallerGaveUp)
	if s.feeds.byStock[mustStock("")] != nil {
		t.Error("the feed goes on without a watcher")
	}
}
