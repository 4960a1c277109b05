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

// eventually tries until a call succeeds, as a caller with patience would.
func eventually(t *testing.T, call func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := call(ctx)
		if err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("it never succeeded: %v", err)
		}
	}
}

func TestStore_KilledRedisLosesNothingAcknowledgedAndHeals(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL(), CallTimeout: 500 * time.Millisecond})
	ctx, stop := context.WithCancel(context.Background())
	acknowledged := make([]map[string]bool, 8)
	var callers sync.WaitGroup
	for caller := range acknowledged {
		acknowledged[caller] = make(map[string]bool)
		callers.Go(func() {
			for n := 0; ctx.Err() == nil && n < 100; n++ {
				id := fmt.Sprintf("o-%d-%d", caller, n)
				_, err := s.Reserve(ctx, reserveOf(id, "mug"))
				var refused *reservation.Error
				switch {
				case err == nil:
					acknowledged[caller][id] = true
				case !errors.As(err, &refused):
					t.Errorf("%s: %v", id, err)
				case refused.Reason != reservation.ReasonStoreUnavailable &&
					refused.Reason != reservation.ReasonOutcomeUnknown &&
					refused.Reason != reservation.ReasonCallerGaveUp:
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	eventually(t, func(ctx context.Context) error {
		if reservedOf(ctx, t, s) < 20 {
			return errors.New("not yet under load")
		}
		return ctx.Err()
	})
	server.Kill()
	_, err := s.Reserve(context.Background(), reserveOf("while-away", "mug"))
	if reason := reservation.ReasonOf(err); reason != reservation.ReasonStoreUnavailable &&
		reason != reservation.ReasonOutcomeUnknown {
		t.Errorf("while Redis is away: %v", err)
	}
	if err := server.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	eventually(t, s.Ready)
	stop()
	callers.Wait()
	for _, ids := range acknowledged {
		for id := range ids {
			if _, err := s.Get(context.Background(), mustStock(""), mustID(id)); err != nil {
				t.Errorf("%s was acknowledged and is gone: %v", id, err)
			}
		}
	}
}

func TestStore_FlushedScriptsAreLoadedAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL()})
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	for n := range 5 {
		if err := client.ScriptFlush(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			if _, err := s.Items(ctx, mustStock(""), []reservation.SKU{mustSKU("mug")}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if _, err := s.Reserve(ctx, reserveOf(fmt.Sprintf("o%d", n), "mug")); err != nil {
			t.Fatal(err)
		}
	}
	if got := reservedOf(context.Background(), t, s); got != 2 {
		t.Errorf("%d reserved, want 2", got)
	}
}

func TestStore_ADamagedItemHurtsOnlyItsOwnCallers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := stocked(t, Options{})
	restock(t, s, "other", "bowl", 1_000)
	items := s.keys.of(mustStock("")).items()
	if err := s.client.HSet(ctx, items, "bowl", "damaged").Err(); err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for n := range 100 {
		callers.Go(func() {
			sku := "mug"
			if n%10 == 0 {
				sku = "bowl"
			}
			_, err := s.Reserve(ctx, reserveOf(fmt.Sprintf("o%d", n), sku))
			if sku == "mug" && err != nil {
				t.Errorf("a neighbour of a damaged SKU: %v", err)
			}
			if sku == "bowl" && reservation.ReasonOf(err) != reservation.ReasonInternal {
				t.Errorf("a caller of a damaged SKU: %v", err)
			}
		})
	}
	callers.Wait()
	if got := reservedOf(context.Background(), t, s); got != 90 {
		t.Errorf("%d reserved, want 90", got)
	}
}

// TestStore_ALateCallDoesNothing holds Redis up for longer than the caller waits: what it sent is
// still on its way and must not grant anything after settles_at.
func TestStore_ALateCallDoesNothing(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL(), CallTimeout: 5 * time.Second})
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	background := context.Background()
	if err := client.ClientPause(background, 400*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 100*time.Millisecond)
	defer cancel()
	_, err := s.Reserve(ctx, reserveOf("late", "mug"))
	wantReason(t, err, reservation.ReasonOutcomeUnknown)
	var unknown *reservation.Error
	if !errors.As(err, &unknown) || unknown.SettlesAt.IsZero() {
		t.Fatalf("no settles_at: %v", err)
	}
	// The same stock's next call is answered after the late one, and so after its settles_at.
	if _, err := s.Reserve(background, reserveOf("next", "mug")); err != nil {
		t.Fatal(err)
	}
	answer, err := s.Get(background, mustStock(""), mustID("late"))
	wantReason(t, err, reservation.ReasonUnknownReservation)
	if answer.StoreTime.After(unknown.SettlesAt) {
		t.Logf("settled")
	}
	if got := reservedOf(context.Background(), t, s); got != 1 {
		t.Errorf("%d reserved, want 1", got)
	}
}

func TestStore_CancelledCallersLeaveTheirNeighboursAlone(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{})
	var callers sync.WaitGroup
	for n := range 200 {
		callers.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if n%2 == 0 {
				cancel()
			}
			_, err := s.Reserve(ctx, reserveOf(fmt.Sprintf("o%d", n), "mug"))
			if n%2 == 0 && reservation.ReasonOf(err) != reservation.ReasonCallerGaveUp {
				t.Errorf("a cancelled caller: %v", err)
			}
			if n%2 == 1 && err != nil {
				t.Errorf("a neighbour: %v", err)
			}
		})
	}
	callers.Wait()
	if got := reservedOf(context.Background(), t, s); got != 100 {
		t.Errorf("%d reserved, want 100", got)
	}
}

// TestReserve_ALastMomentBelowZeroIsTooLate is a call that waited past its deadline before the
// store's clock was heard.
func TestReserve_ALastMomentBelowZeroIsTooLate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := stocked(t, Options{quiet: true})
	keys := s.keys.of(mustStock(""))
	fixed := keys.fixed()
	e := s.encoders.get(keys, fixed[:])
	reserveOperation(reserveOf("o1", "mug")).encode(e, -5)
	sha := only(s).scripts.present().byName[scriptReserve].sha
	answer, err := s.client.Do(ctx, e.call(sha, s.callHeader(), 1)...).Slice()
	if err != nil {
		t.Fatal(err)
	}
	replies, now, err := openAnswer(answer, 1)
	if err != nil {
		t.Fatal(err)
	}
	var r reply
	if err := r.open(now, replies[0]); err != nil {
		t.Fatal(err)
	}
	wantReason(t, r.refusal(), reservation.ReasonTooLate)
}
