package redisstore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// patience is how long a call may take where no replica is slow but the machine.
const patience = 8 * time.Second

// startPair starts a primary and a replica of it.
func startPair(t *testing.T) (primary, replica *redistest.Server) {
	t.Helper()
	primary = startServer(t)
	replica, err := primary.StartReplica(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(replica.Stop)
	return primary, replica
}

// hang stops a server for the test, or until the returned function is called.
func hang(t *testing.T, server *redistest.Server) (resume func()) {
	t.Helper()
	if err := server.Hang(); err != nil {
		t.Fatal(err)
	}
	resume = sync.OnceFunc(func() {
		if err := server.Continue(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(resume)
	return resume
}

// clientOf returns a plain client of a server, for the test.
func clientOf(t *testing.T, server *redistest.Server) *redis.Client {
	t.Helper()
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestOpen_RefusesTooFewReplicas(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	for name, test := range map[string]struct {
		options Options
		before  func(t *testing.T) // what is done to the replica
		want    []string
	}{
		"more are asked for than there are": {
			options: Options{Replicas: 2},
			want:    []string{"1 replicas in step", "needs 2", "(replicaof)", "fewer --replicas"},
		},
		"the primary's file is not safe": {
			options: Options{URL: startServer(t, "--appendonly", "no").URL()},
			want:    []string{"--durability replica needs one: set appendonly to yes"},
		},
		"none that is in step says anything": {
			options: Options{Replicas: 1, CallTimeout: 400 * time.Millisecond},
			before:  func(t *testing.T) { t.Helper(); hang(t, replica) },
			want:    []string{"fewer than 1 replicas acknowledge", "see that they run"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.before != nil {
				test.before(t)
			}
			options := test.options
			options.Durability = DurabilityReplica
			if options.URL == "" {
				options.URL = primary.URL()
			}
			_, err := Open(t.Context(), options)
			if err == nil {
				t.Fatal("opened")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestOpen_ReplicasWithoutTheirDurabilityAreRefused(t *testing.T) {
	t.Parallel()
	for _, options := range []Options{
		{Durability: DurabilityFsync, Replicas: 1},
		{Durability: DurabilityReplica, Replicas: -1},
		{Durability: DurabilityReplica, Replicas: MaxReplicas + 1},
	} {
		options.URL = realServer.URL()
		if _, err := Open(t.Context(), options); err == nil ||
			!strings.Contains(err.Error(), "replicas") {
			t.Errorf("%v, %d replicas: got %v", options.Durability, options.Replicas, err)
		}
	}
}

// TestStore_ReplicasHaveWhatIsAcknowledged asks the replica right behind each acknowledgement.
func TestStore_ReplicasHaveWhatIsAcknowledged(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	s := stocked(t, Options{
		URL: primary.URL(), Durability: DurabilityReplica, CallTimeout: patience,
	})
	there := clientOf(t, replica)
	for n := range 200 {
		id := fmt.Sprintf("o%d", n)
		if _, err := s.Reserve(t.Context(), reserveOf(id, "mug")); err != nil {
			t.Fatal(err)
		}
		key := s.keys.of(mustStock("")).reservation(mustID(id)).String()
		if found, err := there.Exists(t.Context(), key).Result(); err != nil || found != 1 {
			t.Fatalf("%s is acknowledged and the replica does not have it: %v", id, err)
		}
	}
}

// TestStore_NothingIsAcknowledgedWithoutReplicas stops the replica under load. Calls run on the
// primary, and nobody is told that they are safe; when the replica is back the same calls are
// answered.
func TestStore_NothingIsAcknowledgedWithoutReplicas(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	s := stocked(t, Options{
		URL: primary.URL(), Durability: DurabilityReplica,
	})
	const callers = 20
	ids := make([]string, callers)
	for n := range ids {
		ids[n] = fmt.Sprintf("o%d", n)
	}
	resume := hang(t, replica)
	_, err := s.Reserve(t.Context(), reserveOf("first", "mug"))
	settlesAt(t, err)
	wantReason(t, s.Ready(t.Context()), reservation.ReasonStoreNotDurable)
	var calling sync.WaitGroup
	for _, id := range ids {
		calling.Go(func() {
			_, err := s.Reserve(t.Context(), reserveOf(id, "mug"))
			if reason := reservation.ReasonOf(err); reason != reservation.ReasonOutcomeUnknown &&
				reason != reservation.ReasonStoreNotDurable {
				t.Errorf("%s: got %v while no replica has it", id, err)
			}
		})
	}
	calling.Wait()
	if missed := s.Stats().UnreplicatedOperations; missed == 0 {
		t.Error("no operation was counted that replicas did not have in time")
	}
	key := s.keys.of(mustStock("")).reservation(mustID("first")).String()
	if n, err := clientOf(t, primary).Exists(t.Context(), key).Result(); err != nil || n != 1 {
		t.Errorf("the first call did not run, so the test shows nothing: %v", err)
	}
	resume()
	for _, id := range append(ids, "first") {
		eventually(t, func(ctx context.Context) error {
			_, err := s.Reserve(ctx, reserveOf(id, "mug"))
			return err
		})
	}
	if got := reservedOf(t.Context(), t, s); got != callers+1 {
		t.Errorf("%d reserved, want %d", got, callers+1)
	}
}

// TestStore_ARepeatIsNotAcknowledgedWhileReplicasLackIt repeats a call over connections that have
// written nothing since: all that a WAIT counts is what its own connection wrote.
func TestStore_ARepeatIsNotAcknowledgedWhileReplicasLackIt(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	options := Options{
		URL: primary.URL(), Prefix: newPrefix(), Durability: DurabilityReplica, quiet: true,
	}
	first := stocked(t, options)
	other := openReal(t, options)
	held := reserveOf("known", "mug")
	held.TTL = must(reservation.NewTTL(time.Hour))
	if _, err := first.Reserve(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	at := first.present // where the journal is
	before, err := at(t.Context(), mustStock(""))
	if err != nil {
		t.Fatal(err)
	}
	resume := hang(t, replica)
	commit := func(s *Store) error {
		only(s).health.set(nil) // or it would not be sent at all
		_, err := s.Commit(t.Context(), reservation.CommitRequest{
			Stock: mustStock(""), ID: mustID("known"),
		})
		return err
	}
	reserve := func(s *Store) error {
		only(s).health.set(nil)
		_, err := s.Reserve(t.Context(), reserveOf("new", "mug"))
		return err
	}
	settlesAt(t, commit(first))
	settlesAt(t, reserve(first))
	settlesAt(t, reserve(other)) // REPLAYED
	settlesAt(t, commit(other))  // OK, and it is so already
	resume()
	eventually(t, func(context.Context) error { return reserve(other) })
	eventually(t, func(context.Context) error { return commit(other) })
	after, err := at(t.Context(), mustStock(""))
	if err != nil {
		t.Fatal(err)
	}
	// COMMITTED and RESERVED, whoever repeated them.
	if after.sequence != before.sequence+2 {
		t.Errorf("the sequence went from %d to %d", before.sequence, after.sequence)
	}
}

// TestStore_OnlyARepeatIsMarked holds that what changes nothing and repeats nothing writes nothing.
func TestStore_OnlyARepeatIsMarked(t *testing.T) {
	t.Parallel()
	primary, _ := startPair(t)
	s := stocked(t, Options{
		URL: primary.URL(), Durability: DurabilityReplica, quiet: true, CallTimeout: patience,
	})
	if _, err := s.Reserve(t.Context(), reserveOf("known", "mug")); err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, primary)
	marked := func() bool {
		is, err := client.HExists(t.Context(), s.keys.of(mustStock("")).meta(), "marked").Result()
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	before := keysOf(t, client, s.options.Prefix)
	_, err := s.Check(t.Context(), reservation.CheckRequest{
		Stock: mustStock(""), Lines: linesOf("mug", 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	request := reserveOf("much", "mug")
	request.Lines = linesOf("mug", 2_000)
	_, err = s.Reserve(t.Context(), request)
	wantReason(t, err, reservation.ReasonLinesRefused)
	if _, err := s.sweep(t.Context(), mustStock(""), true, true); err != nil {
		t.Fatal(err)
	}
	for key, value := range keysOf(t, client, s.options.Prefix) {
		if before[key] != value {
			t.Errorf("%s was written", key)
		}
	}
	if _, err := s.Reserve(t.Context(), reserveOf("known", "mug")); err != nil || !marked() {
		t.Errorf("a repeat is marked: %v, %v", marked(), err)
	}
}

// TestStore_AcknowledgedChangesSurviveThePrimary kills the primary under load and promotes its
// replica: whatever was acknowledged is there.
func TestStore_AcknowledgedChangesSurviveThePrimary(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	road := newProxy(t, primary.Address)
	s := stocked(t, Options{
		URL: road.url(), Durability: DurabilityReplica, CallTimeout: patience,
	})
	ctx, stop := context.WithCancel(t.Context())
	acknowledged := make([][]string, 8)
	var callers sync.WaitGroup
	var enough sync.WaitGroup
	for caller := range acknowledged {
		enough.Add(1)
		callers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("o-%d-%d", caller, n)
				if _, err := s.Reserve(ctx, reserveOf(id, "mug")); err == nil {
					acknowledged[caller] = append(acknowledged[caller], id)
				}
				if n == 20 {
					enough.Done()
				}
			}
		})
	}
	enough.Wait()
	primary.Kill()
	road.leadTo(replica.Address)
	if err := replica.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	callers.Wait()
	_, err := s.Reserve(t.Context(), reserveOf("alone", "mug"))
	if reason := reservation.ReasonOf(err); reason != reservation.ReasonStoreNotDurable &&
		reason != reservation.ReasonStoreUnavailable {
		t.Errorf("the new primary has no replica: got %v", err)
	}
	after := openReal(t, Options{URL: replica.URL(), Prefix: s.options.Prefix})
	for _, ids := range acknowledged {
		for _, id := range ids {
			if _, err := after.Get(t.Context(), mustStock(""), mustID(id)); err != nil {
				t.Errorf("%s was acknowledged and is gone: %v", id, err)
			}
		}
	}
}

// TestStore_WhatReplicasMayLackIsNotTakenForSeen has a sweep, which waits for no replica, reclaim a
// hold: should that be lost with the primary, it is no loss of anything acknowledged, and whoever
// comes next must not fence the stock for it.
func TestStore_WhatReplicasMayLackIsNotTakenForSeen(t *testing.T) {
	t.Parallel()
	primary, _ := startPair(t)
	s := stocked(t, Options{URL: primary.URL(), Durability: DurabilityReplica, quiet: true})
	request := reserveOf("o1", "mug")
	request.TTL = must(reservation.NewTTL(time.Second))
	if _, err := s.Reserve(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	b := s.stocks.acquire(mustStock(""))
	defer s.stocks.release(b)
	acknowledged := b.seen.Sequence
	if acknowledged == 0 {
		t.Error("what replicas have is not taken for seen")
	}
	awaitExpiry(t, s, "o1") // and sweeps
	if got := reservedOf(t.Context(), t, s); got != 0 {
		t.Fatalf("%d are reserved", got)
	}
	if b.seen.Sequence != acknowledged {
		t.Errorf("seen is %d, acknowledged %d", b.seen.Sequence, acknowledged)
	}
}
