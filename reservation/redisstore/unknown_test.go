package redisstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// settlesAt returns when an unknown outcome settles.
func settlesAt(t *testing.T, err error) time.Time {
	t.Helper()
	wantReason(t, err, reservation.ReasonOutcomeUnknown)
	var unknown *reservation.Error
	if !errors.As(err, &unknown) || unknown.SettlesAt.IsZero() {
		t.Fatalf("no settles_at: %v", err)
	}
	return unknown.SettlesAt
}

// TestStore_ALostAnswerIsNotForgotten loses the answer of a Reserve that was carried out, and lets
// the next try fail before it could run: to say that nothing was done would be a lie.
func TestStore_ALostAnswerIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(s *Store, p *proxy, client *redis.Client) error{
		"connection refused": func(_ *Store, p *proxy, _ *redis.Client) error {
			p.refuse()
			return nil
		},
		"store unfit": func(s *Store, _ *proxy, _ *redis.Client) error {
			only(s).health.set(unfit(reservation.ReasonStoreNotDurable, "for a test"))
			return nil
		},
		"store full": func(_ *Store, _ *proxy, client *redis.Client) error {
			return client.ConfigSet(context.Background(), "maxmemory", "1").Err()
		},
		"scripts gone and nobody may load them": func(_ *Store, _ *proxy, c *redis.Client) error {
			ctx := context.Background()
			return errors.Join(
				c.ScriptFlush(ctx).Err(), c.ACLSetUser(ctx, "default", "-script").Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t)
			p := newProxy(t, server.Address)
			s := stocked(t, Options{URL: p.url(), quiet: true})
			client := server.Client()
			t.Cleanup(func() { _ = client.Close() })
			p.loseNext(func() {
				if err := fail(s, p, client); err != nil {
					t.Error(err)
				}
			})
			before := only(s).clock.now()
			_, err := s.Reserve(t.Context(), reserveOf("lost", "mug"))
			settles := settlesAt(t, err)
			limit := time.UnixMilli(before).Add(s.options.CallTimeout)
			if settles.Before(limit) {
				t.Errorf("it settles at %v, the try that was lost could run until %v", settles, limit)
			}
			key := s.keys.of(mustStock("")).reservation(mustID("lost")).String()
			if n, err := client.Exists(t.Context(), key).Result(); err != nil || n != 1 {
				t.Fatalf("the lost try was not carried out, the test shows nothing: %v", err)
			}
		})
	}
}

// TestStore_ALostAnswerIsFoundByTheNextTry is the usual case: nobody notices.
func TestStore_ALostAnswerIsFoundByTheNextTry(t *testing.T) {
	t.Parallel()
	p := newProxy(t, realServer.Address)
	s := stocked(t, Options{URL: p.url(), Durability: DurabilityNone, quiet: true})
	p.loseNext(func() {})
	answer, err := s.Reserve(t.Context(), reserveOf("lost", "mug"))
	if err != nil || !answer.Replayed {
		t.Fatalf("replayed %v, %v", answer.Replayed, err)
	}
}

// TestStore_ARefusalAfterALostAnswerIsNotFinal lets a Reserve be refused whose first answer was
// lost: as long as the first try can still arrive it may find units that came free.
func TestStore_ARefusalAfterALostAnswerIsNotFinal(t *testing.T) {
	t.Parallel()
	p := newProxy(t, realServer.Address)
	s := stocked(t, Options{URL: p.url(), Durability: DurabilityNone, quiet: true})
	request := reserveOf("lost", "mug")
	request.Lines = linesOf("mug", 1_001)
	p.loseNext(func() {})
	_, err := s.Reserve(t.Context(), request)
	settlesAt(t, err)
	_, err = s.Reserve(t.Context(), request)
	wantReason(t, err, reservation.ReasonLinesRefused)
}

// TestStore_NoTryPassesWhatALeavingCallerWasTold lets a caller leave while its answer is on its way
// and then loses it: the next try has the not_after that the caller was told, however much later it
// is.
func TestStore_NoTryPassesWhatALeavingCallerWasTold(t *testing.T) {
	t.Parallel()
	p := newProxy(t, realServer.Address)
	s := stocked(t, Options{URL: p.url(), Durability: DurabilityNone, quiet: true})
	sent := make(chan int64, maxTries)
	op := reserveOperation(reserveOf("left", "mug"))
	encode := op.encode
	op.encode = func(e *encoder, notAfter int64) {
		sent <- notAfter
		encode(e, notAfter)
	}
	ctx, leave := context.WithCancel(t.Context())
	told := make(chan error, 1)
	var settles time.Time
	p.loseNext(func() {
		leave()
		settles = settlesAt(t, <-told)
		began := only(s).clock.now()
		eventually(t, func(context.Context) error {
			if only(s).clock.now() < began+20 {
				return errors.New("the clock has not moved")
			}
			return nil
		})
	})
	b := s.stocks.acquire(mustStock(""))
	defer s.stocks.release(b)
	_, err := b.do(ctx, op)
	told <- err
	<-op.done
	first, second := <-sent, <-sent
	if settles != timeOf(first+1) || second > first {
		t.Errorf("it settles at %v; tries were sent until %v and %v", settles, timeOf(first),
			timeOf(second))
	}
}

func TestOperation_LeavingBindsLaterTries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before  []int64 // tries before the caller leaves
		told    int64
		wanted  int64 // of a try afterwards
		allowed int64
	}{
		"before the first try":      {nil, 1_000, 1_500, 1_000},
		"an earlier try afterwards": {nil, 1_000, 700, 700},
		"after a try":               {[]int64{900}, 900, 1_500, 900},
		"after an earlier second":   {[]int64{900, 800}, 900, 1_500, 900},
	} {
		op := &operation{}
		for _, notAfter := range test.before {
			op.allow(notAfter)
		}
		if told := op.leave(1_000); told != test.told {
			t.Errorf("%s: it is told %d, want %d", name, told, test.told)
		}
		if allowed := op.allow(test.wanted); allowed != test.allowed {
			t.Errorf("%s: the next try may run until %d, want %d", name, allowed, test.allowed)
		}
		if !op.isOver(test.told) || op.isOver(test.told-1) {
			t.Errorf("%s: it is over at another time than %d", name, test.told)
		}
	}
}

func TestOperation_OnlyAnAnswerSettlesWhatWasLost(t *testing.T) {
	t.Parallel()
	const lost = 1_000
	for name, test := range map[string]struct {
		reply   *reply
		err     error
		settled bool
	}{
		"done":                    {&reply{now: 1, code: codeOK}, nil, true},
		"replayed":                {&reply{now: 1, code: codeReplayed}, nil, true},
		"refused while it may be": {&reply{now: lost, code: codeLinesRefused}, nil, false},
		"refused when it is over": {&reply{now: lost + 1, code: codeLinesRefused}, nil, true},
		"too late":                {&reply{now: lost + 1, code: codeTooLate}, nil, false},
		"not executed":            {nil, unavailable(redis.ErrClosed), false},
		"still reclaiming":        {nil, unavailable(reservation.ErrReclaiming), false},
		"a fault":                 {nil, internal(errReplyEnds), false},
	} {
		op := &operation{sentUntil: lost, done: make(chan struct{})}
		op.lose()
		op.sentUntil = lost + 500 // of a later try, which was not lost
		op.finish(test.reply, test.err)
		if test.settled {
			if op.reply != test.reply || op.err != nil {
				t.Errorf("%s: got %v, %v", name, op.reply, op.err)
			}
			continue
		}
		if got := settlesAt(t, op.err); got != timeOf(lost+1) {
			t.Errorf("%s: it settles at %v", name, got)
		}
	}
}

// TestStore_ACallThatStillReclaimsSaysSo has more due holds than can be reclaimed in the call's
// time.
func TestStore_ACallThatStillReclaimsSaysSo(t *testing.T) {
	t.Parallel()
	setup := openReal(t, Options{quiet: true})
	restock(t, setup, "initial", "bowl", 1_000)
	ids := make([]string, 1_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("h%04d", i)
	}
	reserveMany(t, setup, "bowl", ids, 10*time.Minute)
	expireAt(t, setup, ids, time.Now())
	s := openReal(t, Options{
		URL: realServer.URL(), Durability: DurabilityNone, Prefix: setup.options.Prefix,
		CallTimeout: 10 * time.Millisecond, lineBudget: 1, quiet: true,
	})
	request := reserveOf("all", "bowl")
	request.Lines = linesOf("bowl", 1_000)
	_, err := s.Reserve(t.Context(), request)
	wantReason(t, err, reservation.ReasonStoreUnavailable)
	if !errors.Is(err, reservation.ErrReclaiming) {
		t.Errorf("the cause is %v", err)
	}
	eventually(t, func(ctx context.Context) error {
		_, err := s.Reserve(ctx, request)
		return err
	})
}
