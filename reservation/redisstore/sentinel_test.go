package redisstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// startSentinel starts a Sentinel that knows a primary and its replica.
func startSentinel(t *testing.T, primary *redistest.Server) *redistest.Sentinel {
	t.Helper()
	sentinel, err := redistest.StartSentinel(t.Context(), t.TempDir(), "shop-1", primary, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sentinel.Stop)
	return sentinel
}

func TestLocate_SentinelURLs(t *testing.T) {
	t.Parallel()
	type place struct {
		Sentinels                          []string
		Primary, Username, Password        string
		Database                           int
		SentinelUsername, SentinelPassword string
		TLS                                bool
	}
	for text, want := range map[string]place{
		"redis+sentinel://a:1,b:2/shop": {
			Sentinels: []string{"a:1", "b:2"}, Primary: "shop",
		},
		"redis+sentinel://u:p%40@a,[::1]:7/shop/3?sentinel_user=s&sentinel_password=q": {
			Sentinels: []string{"a:26379", "[::1]:7"}, Primary: "shop", Username: "u", Password: "p@",
			Database: 3, SentinelUsername: "s", SentinelPassword: "q",
		},
		"rediss+sentinel://:p@a:1/shop": {
			Sentinels: []string{"a:1"}, Primary: "shop", Password: "p", TLS: true,
		},
	} {
		l, err := locate(text, time.Second)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := place{
			l.sentinels, l.primary, l.config.Username, l.config.Password, l.config.DB,
			l.sentinelUsername, l.sentinelPassword, l.config.TLSConfig != nil,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want -, got +\n%s", text, diff)
		}
		// What must not be sent again by the client is not, and what must end with its context does.
		if c := l.config; c.MaxRetries != -1 || !c.ContextTimeoutEnabled {
			t.Errorf("%s: the client's options are %+v", text, c)
		}
	}
	for _, text := range []string{
		"redis+sentinel://", "redis+sentinel:///shop", "redis+sentinel://:secret@a:1",
		"redis+sentinel://:secret@a:1/", "redis+sentinel://:secret@a:x/shop",
		"redis+sentinel://:secret@a:1/shop/db", "redis+sentinel://:secret@a:1/shop?other=1",
		"redis+sentinel://:secret@a:1,/shop", "redis+sentinel://:secret@%zz/shop",
		"sentinel://:secret@a:1/shop",
	} {
		_, err := locate(text, time.Second)
		if err == nil || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestOpen_SaysWhatIsWrongWithSentinels(t *testing.T) {
	t.Parallel()
	primary, _ := startPair(t)
	sentinel := startSentinel(t, primary)
	for name, test := range map[string]struct{ url, want string }{
		"a name that nobody knows": {
			"redis+sentinel://:secret@" + sentinel.Address + "/other", `know no primary "other"`,
		},
		"a Sentinel where a Redis must be": {
			"redis://" + sentinel.Address, "name it as redis+sentinel://",
		},
		"nobody there": {
			"redis+sentinel://:secret@127.0.0.1:1,127.0.0.1:2/shop-1",
			"the Sentinels at 127.0.0.1:1, 127.0.0.1:2 call shop-1",
		},
		"a wrong password": {
			"redis+sentinel://nobody:secret@" + sentinel.Address + "/shop-1",
			"call shop-1 does not take the user, password",
		},
	} {
		_, err := Open(t.Context(), Options{URL: test.url})
		if err == nil || !strings.Contains(err.Error(), test.want) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestStore_FollowsWhomSentinelsPromote has a Sentinel promote the replica. The connections go over
// to it, it is another process, and nothing that was acknowledged is lost.
func TestStore_FollowsWhomSentinelsPromote(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	sentinel := startSentinel(t, primary)
	s := stocked(t, Options{
		URL: sentinel.URL(), Durability: DurabilityReplica, CallTimeout: patience,
	})
	keys := s.keys.of(mustStock(""))
	if _, err := s.Reserve(t.Context(), reserveOf("before", "mug")); err != nil {
		t.Fatal(err)
	}
	_, before := journalOf(t, clientOf(t, primary), keys)
	if err := sentinel.Failover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sentinel.AwaitPrimary(t.Context(), replica); err != nil {
		t.Fatal(err)
	}
	// The Sentinel would do that as well, in its own time. Only then the new primary has as many
	// replicas as are asked for.
	if err := primary.Follow(t.Context(), replica); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(ctx context.Context) error {
		_, err := s.Reserve(ctx, reserveOf("after", "mug"))
		return err
	})
	_, after := journalOf(t, clientOf(t, replica), keys)
	if after["run_id"] == before["run_id"] || after["epoch"] != "2" {
		t.Errorf("the new primary wrote as %v, the old one as %v", after, before)
	}
	answer, err := s.Reserve(t.Context(), reserveOf("before", "mug"))
	if err != nil || !answer.Replayed {
		t.Errorf("what was acknowledged before: replayed %v, %v", answer.Replayed, err)
	}
	if got := reservedOf(t.Context(), t, s); got != 2 {
		t.Errorf("%d reserved, want 2", got)
	}
}

// TestStore_ADemotedPrimaryAnswersNothing makes the primary a replica while a store is connected to
// it: neither reads nor calls are answered by it as if it still were what it was.
func TestStore_ADemotedPrimaryAnswersNothing(t *testing.T) {
	t.Parallel()
	primary, replica := startPair(t)
	road := newProxy(t, primary.Address)
	s := stocked(t, Options{URL: road.url()})
	waitForReplica(t, primary.Client()) // or what it lacks would be a loss, and the stock fenced
	if err := replica.Promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := primary.Follow(t.Context(), replica); err != nil {
		t.Fatal(err)
	}
	_, err := s.Reserve(t.Context(), reserveOf("o1", "mug"))
	wantReason(t, err, reservation.ReasonStoreUnavailable)
	s.look(t.Context(), only(s)) // as it does every second
	_, err = s.Items(t.Context(), mustStock(""), []reservation.SKU{mustSKU("mug")})
	wantReason(t, err, reservation.ReasonStoreUnavailable)
	road.leadTo(replica.Address)
	eventually(t, func(ctx context.Context) error {
		_, err := s.Reserve(ctx, reserveOf("o1", "mug"))
		return err
	})
}

// waitForReplica returns when a replica has all that the primary has.
func waitForReplica(t *testing.T, client *redis.Client) {
	t.Helper()
	defer func() { _ = client.Close() }()
	eventually(t, func(ctx context.Context) error {
		conn := client.Conn()
		defer func() { _ = conn.Close() }()
		if err := conn.Set(ctx, "in-step", "?", 0).Err(); err != nil {
			return err
		}
		if n, err := conn.Do(ctx, "wait", 1, 1_000).Int(); err != nil || n < 1 {
			return fmt.Errorf("%d replicas have it: %w", n, err)
		}
		return nil
	})
}
