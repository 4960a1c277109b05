package redisstore

import (
	"context"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

func startServer(t *testing.T, args ...string) *redistest.Server {
	t.Helper()
	server, err := redistest.Start(context.Background(), t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func TestOpen_RefusesAStoreThatKeepsTooLittle(t *testing.T) {
	t.Parallel()
	replicaOf := strings.Fields(strings.Replace(realServer.Address, ":", " ", 1))
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"evicts": {
			[]string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"},
			[]string{`maxmemory-policy is "allkeys-lru"`, "set maxmemory-policy to noeviction"},
		},
		"no file": {[]string{"--appendonly", "no"}, []string{"set appendonly to yes"}},
		"every second": {
			[]string{"--appendfsync", "everysec"},
			[]string{`appendfsync is "everysec"`, "set appendfsync to always"},
		},
		"not while rewriting": {
			[]string{"--no-appendfsync-on-rewrite", "yes"},
			[]string{"set no-appendfsync-on-rewrite to no"},
		},
		"replica": {
			append([]string{"--replicaof"}, replicaOf...), []string{"is a replica", "its primary"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(context.Background(), Options{URL: startServer(t, test.args...).URL()})
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

func TestOpen_WithoutDurabilityNeedsNoFile(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--appendonly", "no")
	s, err := Open(context.Background(), Options{URL: server.URL(), Durability: DurabilityNone})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOpen_RefusesAnOldRedis(t *testing.T) {
	t.Parallel()
	info := map[string]string{"redis_version": "6.2.14", "role": "master"}
	err := judge(info, map[string]string{"maxmemory-policy": "noeviction"}, DurabilityNone)
	want := "Redis 6.2.14 is too old: use Redis 7.0 or newer"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v", err)
	}
}

func TestOpen_ErrorsNeverShowThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://:secret@127.0.0.1:1", "redis://user:secret@127.0.0.1:1/nodb", "http://:secret@host",
		"redis://:secret@%zz",
	} {
		_, err := Open(context.Background(), Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestOpen_WrongPasswordIsSaid(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--requirepass", "right", "--appendonly", "yes")
	url := strings.Replace(server.URL(), "redis://", "redis://:wrong@", 1)
	_, err := Open(context.Background(), Options{URL: url})
	if err == nil || !strings.Contains(err.Error(), "WRONGPASS") ||
		strings.Contains(err.Error(), ":wrong@") {
		t.Fatalf("got %v", err)
	}
}

func TestStore_SettingsLostMakeCallsUnavailableUntilTheyAreBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL(), quiet: true})
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })

	for setting, test := range map[string]struct {
		bad, good string
		reason    reservation.Reason
	}{
		"appendfsync":      {"everysec", "always", reservation.ReasonStoreNotDurable},
		"maxmemory-policy": {"allkeys-lru", "noeviction", reservation.ReasonStoreUnavailable},
	} {
		if err := client.ConfigSet(ctx, setting, test.bad).Err(); err != nil {
			t.Fatal(err)
		}
		s.lookAtAll(ctx)
		before := keysOf(t, client, s.options.Prefix)
		_, err := s.Reserve(ctx, reserveOf("o-"+setting, "mug"))
		wantReason(t, err, test.reason)
		wantReason(t, s.Ready(ctx), test.reason)
		if after := keysOf(t, client, s.options.Prefix); len(after) != len(before) {
			t.Errorf("a refused call left a trace")
		}
		if err := client.ConfigSet(ctx, setting, test.good).Err(); err != nil {
			t.Fatal(err)
		}
		s.lookAtAll(ctx)
		if _, err := s.Reserve(ctx, reserveOf("o-"+setting, "mug")); err != nil {
			t.Errorf("after %s is back: %v", setting, err)
		}
	}
}
