package redisstore

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// TestFence_NeverOfAHealthyStock has callers of two servers write while the store is killed and
// keeps all that it acknowledged, while its journal is trimmed, its scripts flushed and it is
// swept, purged, audited and repaired.
func TestFence_NeverOfAHealthyStock(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	var logged syncBuffer
	stores := make([]*Store, 2)
	for i := range stores {
		stores[i] = openReal(t, Options{
			URL: server.URL(), Prefix: "test",
			Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		})
	}
	restock(t, stores[0], "initial", "mug", 1_000_000)
	ctx, stop := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for caller := range 8 {
		s := stores[caller%2]
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				request := reserveOf(fmt.Sprintf("o-%d-%d", caller, n), "mug")
				if n%3 == 0 {
					request.TTL = must(reservation.NewTTL(time.Second))
				}
				_, err := s.Reserve(ctx, request)
				if reservation.ReasonOf(err) == reservation.ReasonStockFenced {
					t.Errorf("Reserve of a healthy stock: %v", err)
					return
				}
			}
		})
	}
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	for round := range sized(3, 20) {
		before := must(stores[0].present(t.Context(), mustStock(""))).sequence
		eventually(t, func(ctx context.Context) error {
			now, err := stores[0].present(ctx, mustStock(""))
			if err == nil && now.sequence < before+50 {
				err = fmt.Errorf("at %d", now.sequence)
			}
			return err
		})
		switch round % 3 {
		case 0:
			crash(t, server)
			eventually(t, stores[0].Ready)
		case 1:
			_ = client.Do(t.Context(), "SCRIPT", "FLUSH").Err()
			_ = client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes").Err()
		case 2:
			_ = client.XTrimMaxLen(t.Context(), stores[0].keys.of(mustStock("")).journal(), 5).Err()
		}
	}
	stop()
	callers.Wait()
	for _, s := range stores {
		eventually(t, func(ctx context.Context) error {
			_, err := s.Repair(ctx, reservation.RepairRequest{
				Stock: mustStock(""), SKU: mustSKU("mug"), Apply: true,
			})
			return err
		})
		wantNoFence(t, s)
		if stats := s.Stats(); stats.FencedStocks != 0 || stats.Losses != 0 {
			t.Errorf("stats of a healthy stock: %+v", stats)
		}
	}
	if strings.Contains(logged.String(), "fence") {
		t.Errorf("the log of a healthy stock:\n%s", logged.String())
	}
}

// syncBuffer is a buffer that many may write to.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// TestFence_NeverOfARestoredStock deletes a stock of which servers had seen much, and builds it
// from an export of long ago: that is no loss, unless it is lost afterwards.
func TestFence_NeverOfARestoredStock(t *testing.T) {
	t.Parallel()
	for _, noticed := range []bool{false, true} {
		t.Run(fmt.Sprintf("somebody called in between: %v", noticed), func(t *testing.T) {
			t.Parallel()
			s := stocked(t, Options{quiet: true})
			other := openReal(t, Options{
				Prefix: s.options.Prefix, quiet: true,
				URL: realServer.URL(), Durability: DurabilityNone,
			})
			mustReserve(t, s, "a")
			parts, _ := exportOf(t, s, mustStock(""))
			mustReserve(t, s, "b", "c")
			mustReserve(t, other, "d")
			for key := range keysOf(t, s.client, s.options.Prefix) {
				if err := s.client.Del(t.Context(), key).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if noticed { // all is lost, as if the store had come back empty
				wantFenced(t, s, "e")
			}
			mustRestore(t, s, mustStock(""), parts)
			for _, server := range []*Store{s, other} {
				wantNoFence(t, server)
			}
			mustReserve(t, other, "e")
			mustReserve(t, s, "f")
			found, _ := auditOf(t, s, mustStock(""))
			if len(found) > 0 {
				t.Errorf("the restored stock has the findings %v", told(found))
			}
			setBack := snapshot(t, s)
			mustReserve(t, other, "lost")
			setBack()
			wantFenced(t, other, "g")
		})
	}
}

// TestFence_IsFoundByEveryChangingScript sets the store back and makes one call of each kind.
func TestFence_IsFoundByEveryChangingScript(t *testing.T) {
	t.Parallel()
	stock, mug := mustStock(""), mustSKU("mug")
	for what, call := range map[string]func(ctx context.Context, s *Store) error{
		"Reserve": func(ctx context.Context, s *Store) error {
			return errOf(s.Reserve(ctx, reserveOf("new", "mug")))
		},
		"Check": func(ctx context.Context, s *Store) error {
			return errOf(s.Check(ctx, reservation.CheckRequest{Stock: stock, Lines: linesOf("mug", 1)}))
		},
		"Commit": func(ctx context.Context, s *Store) error {
			return errOf(s.Commit(ctx, reservation.CommitRequest{Stock: stock, ID: mustID("held")}))
		},
		"Extend": func(ctx context.Context, s *Store) error {
			return errOf(s.Extend(ctx, reservation.ExtendRequest{
				Stock: stock, ID: mustID("held"), TTL: must(reservation.NewTTL(time.Hour)),
			}))
		},
		"Release": func(ctx context.Context, s *Store) error {
			return errOf(s.Release(ctx, reservation.ReleaseRequest{Stock: stock, ID: mustID("held")}))
		},
		"Fulfill": func(ctx context.Context, s *Store) error {
			return errOf(s.Fulfill(ctx, reservation.FulfillRequest{Stock: stock, ID: mustID("held")}))
		},
		"Restock": func(ctx context.Context, s *Store) error {
			return errOf(s.Restock(ctx, restockOf("more", "mug", 5)))
		},
		"Adjust": func(ctx context.Context, s *Store) error {
			return errOf(s.Adjust(ctx, reservation.AdjustRequest{
				Stock: stock, Request: mustRequest("adjust"),
			}))
		},
		"SetStock": func(ctx context.Context, s *Store) error {
			return errOf(s.SetStock(ctx, reservation.SetStockRequest{
				Stock: stock, Request: mustRequest("count"),
			}))
		},
		"SetPolicy": func(ctx context.Context, s *Store) error {
			return errOf(s.SetPolicy(ctx, stock, mug, reservation.PolicyChange{}))
		},
		"DeleteItem": func(ctx context.Context, s *Store) error {
			return errOf(s.DeleteItem(ctx, stock, mug))
		},
		"sweep": func(ctx context.Context, s *Store) error {
			return errOf(s.sweep(ctx, stock, true, true))
		},
		"LiftFence": func(ctx context.Context, s *Store) error {
			return errOf(s.LiftFence(ctx, reservation.LiftFenceRequest{
				Stock: stock, Fence: must(reservation.ParseFenceID("1-1")),
			}))
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := stocked(t, Options{quiet: true})
			request := reserveOf("held", "mug")
			request.TTL = must(reservation.NewTTL(time.Hour))
			must(s.Reserve(t.Context(), request))
			setBack := snapshot(t, s)
			mustReserve(t, s, "lost")
			setBack()
			outcome := call(t.Context(), s) // refused or not
			if _, fenced := fenceIn(t, s); !fenced {
				t.Errorf("%s did not notice, and answered %v", what, outcome)
			}
			if losses := s.Stats().Losses; losses != 1 {
				t.Errorf("%d losses are counted", losses)
			}
		})
	}
}

// TestFence_TheAlarmIsRaisedOnceByEveryServer lets one server notice, and two others see it.
func TestFence_TheAlarmIsRaisedOnceByEveryServer(t *testing.T) {
	t.Parallel()
	prefix := newPrefix()
	var logs [3]syncBuffer
	var stores [3]*Store
	for i := range stores {
		stores[i] = openReal(t, Options{
			Prefix: prefix, URL: realServer.URL(), Durability: DurabilityNone, quiet: i < 2,
			Logger: slog.New(slog.NewTextHandler(&logs[i], nil)),
		})
	}
	restock(t, stores[0], "initial", "mug", 1_000)
	setBack := snapshot(t, stores[0])
	mustReserve(t, stores[0], "lost")
	setBack()
	fence := wantFenced(t, stores[0], "a")
	wantFenced(t, stores[0], "a")
	wantFenced(t, stores[1], "a") // which had seen nothing
	const alarm = "level=ERROR msg=\"acknowledged writes of a stock are lost"
	eventually(t, func(context.Context) error { // by its scan
		if stores[2].Stats().FencedStocks != 1 || !strings.Contains(logs[2].String(), alarm) {
			return fmt.Errorf("stats %+v, log %s", stores[2].Stats(), logs[2].String())
		}
		return nil
	})
	for i := range logs {
		if n := strings.Count(logs[i].String(), alarm); n != 1 {
			t.Errorf("server %d raised it %d times:\n%s", i, n, logs[i].String())
		}
	}
	page := must(stores[2].Fences(t.Context(), reservation.ListFencesRequest{Limit: 100}))
	if len(page.Stocks) != 1 || page.Stocks[0].Fence != fence || page.Next != 0 {
		t.Errorf("the list of fences is %+v", page)
	}
	lift(t, stores[0], fence)
	eventually(t, func(context.Context) error {
		if stores[2].Stats().FencedStocks != 0 {
			return fmt.Errorf("stats %+v", stores[2].Stats())
		}
		return nil
	})
}

// TestStocks_WhatWasSeenOutlivesTheBatcher lets nobody use a stock that is registered no more.
func TestStocks_WhatWasSeenOutlivesTheBatcher(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{quiet: true})
	setBack := snapshot(t, s)
	mustReserve(t, s, "lost")
	b := s.stocks.acquire(mustStock(""))
	b.registered.Store(nil)
	s.stocks.release(b)
	setBack()
	wantFenced(t, s, "a")
}

func TestSeenPosition_AnAnswerThatIsBehindCountsOnlyWhereTheStoreSaysSo(t *testing.T) {
	t.Parallel()
	told := func(epoch, sequence int64, process string) standing {
		return standing{Position: at(epoch, sequence), process: process, now: 1}
	}
	first, later := told(1, 7, "p"), told(2, 8, "q")
	noticed := told(1, 5, "p")
	noticed.anew = true
	for what, test := range map[string]struct{ before, then, want standing }{
		"in order":                    {told(1, 5, "p"), first, first},
		"out of order":                {first, told(1, 5, "p"), first},
		"a later epoch":               {first, later, later},
		"an earlier epoch":            {later, first, later},
		"the same number of another":  {later, told(2, 9, "r"), later},
		"a loss that was noticed":     {later, noticed, noticed},
		"a stock of which is nothing": {first, told(0, 0, ""), first},
	} {
		var seen seenPosition
		seen.see(test.before)
		seen.see(test.then)
		if seen.Position != test.want.Position || seen.process != test.want.process {
			t.Errorf("%s: %+v of %s, want %+v", what, seen.Position, seen.process, test.want)
		}
	}
}

// TestPresent_AnEpochThatIsPassedOverWasNeverReached is of a fence behind an epoch that is lost.
func TestPresent_AnEpochThatIsPassedOverWasNeverReached(t *testing.T) {
	t.Parallel()
	p := present{sequence: 90, epoch: 6, began: map[int64]int64{1: 0, 2: 50, 6: 50}}
	for position, want := range map[reservation.Position]bool{
		at(1, 50): true, at(1, 51): false, at(2, 50): false, at(2, 51): false, at(4, 60): false,
		at(5, 50): false, at(6, 50): false, at(6, 51): true, at(6, 90): true, at(6, 91): false,
		at(7, 80): false,
	} {
		if got := p.reached(position); got != want {
			t.Errorf("reached %+v: %v", position, got)
		}
	}
	for sequence, want := range map[int64]int64{1: 1, 50: 1, 51: 6, 90: 6} {
		if got := p.epochAt(sequence); got != want {
			t.Errorf("the event %d is of epoch %d, want %d", sequence, got, want)
		}
	}
}
