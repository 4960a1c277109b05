package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// forgetful starts a server that keeps only what it is told to save.
func forgetful(t *testing.T) *redistest.Server {
	t.Helper()
	return startServer(t, "--appendonly", "no")
}

// openOn opens a quiet store on a server; all of a test's have one prefix.
func openOn(t *testing.T, server *redistest.Server) *Store {
	t.Helper()
	return openReal(t, Options{
		URL: server.URL(), Durability: DurabilityNone, Prefix: "test", quiet: true,
	})
}

func save(t *testing.T, server *redistest.Server) {
	t.Helper()
	client := server.Client()
	defer func() { _ = client.Close() }()
	if err := client.Save(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// crash kills a server and starts it again with what it had saved.
func crash(t *testing.T, server *redistest.Server) {
	t.Helper()
	server.Kill()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// snapshot returns what sets a store's keys back to what they are now, in the same process.
func snapshot(t *testing.T, s *Store) (setBack func()) {
	t.Helper()
	before := keysOf(t, s.client, s.options.Prefix)
	return func() {
		t.Helper()
		ctx := t.Context()
		for key := range keysOf(t, s.client, s.options.Prefix) {
			if err := s.client.Del(ctx, key).Err(); err != nil {
				t.Fatal(err)
			}
		}
		for key, value := range before {
			if err := s.client.Restore(ctx, key, 0, value).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// reserveNow reserves a unit of "mug" as a caller with patience would, while the store is away.
func reserveNow(t *testing.T, s *Store, id string) error {
	t.Helper()
	var outcome error
	eventually(t, func(ctx context.Context) error {
		_, err := s.Reserve(ctx, reserveOf(id, "mug"))
		if reason := reservation.ReasonOf(err); err != nil &&
			(reason == reservation.ReasonStoreUnavailable || reason == reservation.ReasonOutcomeUnknown) {
			return err
		}
		outcome = err
		return nil
	})
	return outcome
}

func mustReserve(t *testing.T, s *Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := reserveNow(t, s, id); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
}

func wantFenced(t *testing.T, s *Store, id string) reservation.Fence {
	t.Helper()
	wantReason(t, reserveNow(t, s, id), reservation.ReasonStockFenced)
	answer := must(s.Fence(t.Context(), mustStock("")))
	if !answer.Fence.Set {
		t.Fatalf("no fence: %+v", answer)
	}
	return answer.Fence.Value
}

func wantNoFence(t *testing.T, s *Store) {
	t.Helper()
	if answer := must(s.Fence(t.Context(), mustStock(""))); answer.Fence.Set {
		t.Fatalf("a healthy stock is fenced: %+v", answer.Fence.Value)
	}
}

func lift(t *testing.T, s *Store, fence reservation.Fence) {
	t.Helper()
	request := reservation.LiftFenceRequest{Stock: mustStock(""), Fence: fence.ID}
	eventually(t, func(ctx context.Context) error { return errOf(s.LiftFence(ctx, request)) })
}

func TestFence_ALossOfTheLastProcessIsNoticedByTheFirstCall(t *testing.T) {
	t.Parallel()
	server := forgetful(t)
	s := openOn(t, server)
	restock(t, s, "initial", "mug", 1_000)
	mustReserve(t, s, "kept")
	save(t, server)
	mustReserve(t, s, "lost-1", "lost-2")
	before := must(s.Fence(t.Context(), mustStock(""))).Position
	crash(t, server)
	fence := wantFenced(t, s, "new")
	// RESTOCKED, RESERVED and BACK_IN_STOCK were saved, two RESERVED were not.
	if fence.Seen != before || fence.LostEvents != 2 || fence.KeptSequence != before.Sequence-2 {
		t.Errorf("fence %+v, seen until %+v", fence, before)
	}
	events, meta := journalOf(t, only(s).client, s.keys.of(mustStock("")))
	last := events[len(events)-1]
	if last.Type != reservation.EventStoreChanged || last.Sequence != fence.KeptSequence+1 ||
		meta["epoch"] != "2" {
		t.Errorf("the fence's event is %+v, meta %v", last, meta)
	}
	lift(t, s, fence)
	mustReserve(t, s, "new", "kept", "lost-1", "lost-2") // whoever sends again gets what there is
	if got := reservedOf(t.Context(), t, s); got != 4 {
		t.Errorf("%d reserved, want 4", got)
	}
}

func TestFence_ALossThatAnotherServerHasWrittenOverIsNoticed(t *testing.T) {
	t.Parallel()
	server := forgetful(t)
	saw, other := openOn(t, server), openOn(t, server)
	restock(t, saw, "initial", "mug", 1_000)
	mustReserve(t, other, "kept")
	save(t, server)
	mustReserve(t, saw, "lost-1", "lost-2")
	crash(t, server)
	// The other had seen none of the two, and writes more than that.
	mustReserve(t, other, "a", "b", "c", "d", "e", "f")
	fence := wantFenced(t, saw, "new")
	wantFenced(t, other, "new") // every server is told
	if fence.LostEvents != 2 || fence.Found.Sequence <= fence.Seen.Sequence {
		t.Errorf("fence %+v", fence)
	}
}

// TestFence_ALostEpochIsNoticedThoughItsNumberIsUsedAgain loses a whole epoch, which another server
// begins anew and fills beyond where the lost one was.
func TestFence_ALostEpochIsNoticedThoughItsNumberIsUsedAgain(t *testing.T) {
	t.Parallel()
	for _, writesOver := range []bool{false, true} {
		t.Run(fmt.Sprintf("another server wrote: %v", writesOver), func(t *testing.T) {
			t.Parallel()
			server := forgetful(t)
			saw, other := openOn(t, server), openOn(t, server)
			restock(t, saw, "initial", "mug", 1_000)
			mustReserve(t, other, "kept")
			save(t, server)
			crash(t, server) // nothing is lost
			mustReserve(t, saw, "lost-1", "lost-2")
			if at := must(saw.Fence(t.Context(), mustStock(""))); at.Fence.Set || at.Position.Epoch != 2 {
				t.Fatalf("before the loss: %+v", at)
			}
			crash(t, server)
			if writesOver {
				mustReserve(t, other, "a", "b", "c", "d", "e", "f")
			}
			fence := wantFenced(t, saw, "new")
			if fence.Seen.Epoch != 2 || fence.LostEvents != 3 { // STORE_CHANGED is one of them
				t.Errorf("fence %+v", fence)
			}
		})
	}
}

func TestFence_ASecondLossAfterLiftingFencesAgain(t *testing.T) {
	t.Parallel()
	server := forgetful(t)
	s, idle := openOn(t, server), openOn(t, server)
	restock(t, s, "initial", "mug", 1_000)
	save(t, server)
	mustReserve(t, s, "lost")
	mustReserve(t, idle, "lost-too")
	crash(t, server)
	lift(t, s, wantFenced(t, s, "a"))
	mustReserve(t, idle, "a") // it had seen more, and had not called since: the same loss
	save(t, server)
	mustReserve(t, s, "b")
	crash(t, server)
	second := wantFenced(t, s, "c")
	if second.LostEvents != 1 {
		t.Errorf("the second fence %+v", second)
	}
	lift(t, idle, second)
	mustReserve(t, s, "c")
	mustReserve(t, idle, "d")
}

func TestFence_AFurtherLossIsNotLiftedByMistake(t *testing.T) {
	t.Parallel()
	server := forgetful(t)
	s := openOn(t, server)
	restock(t, s, "initial", "mug", 1_000)
	save(t, server)
	mustReserve(t, s, "lost")
	crash(t, server)
	first := wantFenced(t, s, "a")
	save(t, server)
	restock(t, s, "lost-too", "mug", 1)
	crash(t, server)
	second := wantFenced(t, s, "a")
	if second.ID == first.ID || second.LostEvents != 2 || second.Since != first.Since {
		t.Errorf("first %+v, then %+v", first, second)
	}
	_, err := s.LiftFence(t.Context(), reservation.LiftFenceRequest{
		Stock: mustStock(""), Fence: first.ID,
	})
	wantReason(t, err, reservation.ReasonFenceDiffers)
	wantFenced(t, s, "a")
}

// TestFence_GrantsAreRefusedAndAllElseGoesOn fences a stock and makes every call.
func TestFence_GrantsAreRefusedAndAllElseGoesOn(t *testing.T) {
	t.Parallel()
	ctx, stock := t.Context(), mustStock("")
	s := stocked(t, Options{quiet: true})
	mustReserve(t, s, "firm", "given-back")
	hold(t, s, "over")
	held := reserveOf("held", "mug")
	held.TTL = must(reservation.NewTTL(time.Hour))
	must(s.Reserve(ctx, held))
	awaitExpiry(t, s, "over")
	setBack := snapshot(t, s)
	mustReserve(t, s, "lost")
	setBack()
	fence := wantFenced(t, s, "lost")

	before := keysOf(t, s.client, s.options.Prefix)
	for what, refused := range s.grants(ctx) {
		wantReason(t, refused.call(), refused.want)
		if after := keysOf(t, s.client, s.options.Prefix); !maps.Equal(before, after) {
			t.Errorf("%s changed the stock", what)
		}
	}
	for what, call := range s.callsThatGoOn(ctx) {
		if err := call(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if now := must(s.Fence(ctx, stock)).Fence.Value; now != fence {
		t.Errorf("the fence was %+v and is %+v", fence, now)
	}
}

// refusal is a call and why it is refused.
type refusal struct {
	want reservation.Reason
	call func() error
}

// grants are calls that would grant something, or say that they would.
func (s *Store) grants(ctx context.Context) map[string]refusal {
	reserve := func(want reservation.Reason, request reservation.ReserveRequest) refusal {
		return refusal{want, func() error { return errOf(s.Reserve(ctx, request)) }}
	}
	const fenced = reservation.ReasonStockFenced
	replacing, other := reserveOf("new", "mug"), reserveOf("firm", "mug")
	replacing.Replaces = mustID("held")
	other.Lines = linesOf("mug", 2)
	return map[string]refusal{
		"Reserve":                    reserve(fenced, reserveOf("new", "mug")),
		"Reserve that replaces":      reserve(fenced, replacing),
		"Reserve of an unknown SKU":  reserve(fenced, reserveOf("new", "cup")),
		"Reserve of a known id anew": reserve(reservation.ReasonReservationIDReused, other),
		"Check": {fenced, func() error {
			return errOf(s.Check(ctx, reservation.CheckRequest{
				Stock: mustStock(""), Lines: linesOf("mug", 1),
			}))
		}},
		"Commit that reacquires": {fenced, func() error {
			return errOf(s.Commit(ctx, reservation.CommitRequest{
				Stock: mustStock(""), ID: mustID("over"), Reacquire: true,
			}))
		}},
	}
}

func errOf[T any](_ T, err error) error { return err }

// awaitExpiry waits until a hold has expired by the store's clock.
func awaitExpiry(t *testing.T, s *Store, id string) {
	t.Helper()
	eventually(t, func(ctx context.Context) error {
		answer, err := s.Get(ctx, mustStock(""), mustID(id))
		if err == nil && answer.Reservation.State != reservation.StateExpired {
			err = errors.New("it has not expired")
		}
		return err
	})
	if _, err := s.sweep(t.Context(), mustStock(""), true, true); err != nil {
		t.Fatal(err)
	}
}

// callsThatGoOn are calls that grant nothing.
func (s *Store) callsThatGoOn(ctx context.Context) map[string]func() error {
	stock := mustStock("")
	cup := mustSKU("cup")
	return map[string]func() error{
		"Reserve again": func() error { return errOf(s.Reserve(ctx, reserveOf("firm", "mug"))) },
		"Commit": func() error {
			return errOf(s.Commit(ctx, reservation.CommitRequest{Stock: stock, ID: mustID("held")}))
		},
		"Release": func() error {
			return errOf(s.Release(ctx, reservation.ReleaseRequest{Stock: stock, ID: mustID("given-back")}))
		},
		"Fulfill": func() error {
			return errOf(s.Fulfill(ctx, reservation.FulfillRequest{Stock: stock, ID: mustID("firm")}))
		},
		"Restock": func() error { return errOf(s.Restock(ctx, restockOf("more", "mug", 5))) },
		"SetPolicy": func() error {
			return errOf(s.SetPolicy(ctx, stock, cup, reservation.PolicyChange{}))
		},
		"sweep": func() error { return errOf(s.sweep(ctx, stock, true, true)) },
		"Get":   func() error { return errOf(s.Get(ctx, stock, mustID("firm"))) },
		"Items": func() error { return errOf(s.Items(ctx, stock, []reservation.SKU{mustSKU("mug")})) },
	}
}
