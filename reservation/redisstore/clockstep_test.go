package redisstore

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// steppedClock takes the place of lua/include/clock.lua: the store's clock and a number of ms that
// the test sets, as somebody does who sets the clock of a machine.
const steppedClock = `
local function store_now()
  local time = redis.call('TIME')
  local step = redis.call('GET', string.match(KEYS[1], '^(.-):{') .. ':step') or '0'
  return time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(step)
end
`

// lockedBuffer takes a log from many goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestStore_AClockThatStepsLosesNothing sets the store's clock forward and backward by hours while
// holds are made, committed and left to run out. Every answer is held against the store's time that
// it carries: no hold expires before its expiry, none is committed after it, and in the end every
// unit is where it belongs.
func TestStore_AClockThatStepsLosesNothing(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	s := stocked(t, Options{
		URL: realServer.URL(), Durability: DurabilityNone, clock: steppedClock,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	ctx, stop := context.WithCancel(t.Context())
	var made atomic.Int64
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				holdAndCommit(ctx, t, s, fmt.Sprintf("o-%d-%d", caller, n))
				made.Add(1)
			}
		})
	}
	awaitMore := func() {
		want := made.Load() + 60
		eventually(t, func(context.Context) error {
			if got := made.Load(); got < want {
				return fmt.Errorf("%d of %d orders are made", got, want)
			}
			return nil
		})
	}
	awaitMore()
	steps := []time.Duration{2 * time.Hour, -time.Hour, 30 * time.Minute, 0}
	for _, step := range steps {
		key := s.options.Prefix + ":step"
		if err := s.client.Set(t.Context(), key, step.Milliseconds(), 0).Err(); err != nil {
			t.Fatal(err)
		}
		awaitMore()
	}
	stop()
	callers.Wait()
	stats := s.Stats()
	if stats.ClockStepsForward < 2 || stats.ClockStepsBackward < 2 {
		t.Errorf("%d steps forward and %d backward were noticed, there were 2 of each",
			stats.ClockStepsForward, stats.ClockStepsBackward)
	}
	if !strings.Contains(log.String(), "the store's clock stepped forward") { // one a second is logged
		t.Error("no alarm is in the log")
	}
	wantNoneEarly(t, s)
	if found, _ := auditOf(t, s, mustStock("")); len(found) > 0 {
		t.Errorf("the audit finds %s", strings.Join(told(found), "\n"))
	}
}

// holdAndCommit makes a hold, commits it, and holds the answers against the store's own time. Calls
// may be too late: their last moment was made of a clock that has changed.
func holdAndCommit(ctx context.Context, t *testing.T, s *Store, id string) {
	t.Helper()
	request := reserveOf(id, "mug")
	request.TTL = must(reservation.NewTTL(time.Minute))
	answer, err := s.Reserve(ctx, request)
	if err != nil {
		wantOneOf(t, id, err, reservation.ReasonTooLate, reservation.ReasonLinesRefused)
		return
	}
	expires := answer.Reservation.ExpireTime
	if got := expires.Sub(answer.Reservation.CreateTime); got != time.Minute {
		t.Errorf("%s: held for %v", id, got)
	}
	committed, err := s.Commit(ctx, reservation.CommitRequest{Stock: mustStock(""), ID: mustID(id)})
	if err != nil { // it may have expired, which the journal tells more of
		wantOneOf(t, id, err, reservation.ReasonTooLate, reservation.ReasonWrongState)
		return
	}
	if now := committed.StoreTime; !now.Before(expires) {
		t.Errorf("%s: committed at %v, it expired at %v", id, now, expires)
	}
}

// wantOneOf wants an error to have one of several reasons, or its caller to have left.
func wantOneOf(t *testing.T, id string, err error, reasons ...reservation.Reason) {
	t.Helper()
	reasons = append(reasons, reservation.ReasonCallerGaveUp, reservation.ReasonOutcomeUnknown)
	if !slices.Contains(reasons, reservation.ReasonOf(err)) {
		t.Errorf("%s: %v", id, err)
	}
}

// wantNoneEarly wants every hold that expired to have done so at its expiry or later, by the time
// of its event, and some to have.
func wantNoneEarly(t *testing.T, s *Store) {
	t.Helper()
	events, _ := journalOf(t, only(s).client, s.keys.of(mustStock("")))
	expiries, expired := map[reservation.ReservationID]time.Time{}, 0
	for _, event := range events {
		switch event.Type { //nolint:exhaustive // the others move no expiry
		case reservation.EventReserved:
			expiries[event.Reservation] = event.ExpireTime
		case reservation.EventExpired:
			expired++
			if event.Time.Before(expiries[event.Reservation]) {
				t.Errorf("%s expired at %v, before %v", event.Reservation, event.Time,
					expiries[event.Reservation])
			}
		}
	}
	if expired == 0 {
		t.Error("no hold expired, so the test shows nothing")
	}
}
