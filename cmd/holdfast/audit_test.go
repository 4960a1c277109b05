package main

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// withRedis starts a server on a Redis of its own, points the client commands to it and returns a
// connection to the Redis.
func withRedis(t *testing.T) *redis.Client {
	t.Helper()
	kept, err := redistest.Start(t.Context(), t.TempDir(), "--appendonly", "no")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Stop() })
	store, err := redisstore.Open(t.Context(), redisstore.Options{
		URL: kept.URL(), Durability: redisstore.DurabilityNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("HOLDFAST_ADDRESS", testserver.Start(t, store))
	client := redis.NewClient(&redis.Options{Addr: kept.Address})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// requireSaid wants an exit status and words on standard output.
func requireSaid(t *testing.T, got outcome, status int, words ...string) {
	t.Helper()
	if got.status != status {
		t.Fatalf("exit status %d, want %d: %+v", got.status, status, got)
	}
	for _, word := range words {
		if !strings.Contains(got.stdout, word) {
			t.Errorf("no %q in\n%s", word, got.stdout)
		}
	}
}

func TestAudit_AndRepairSayWhatTheyFindByExitStatus(t *testing.T) {
	kept := withRedis(t)
	mustRun(t, "restock", "TEA=10")
	mustRun(t, "reserve", "--id", "o1", "TEA=3")
	requireSaid(t, command(t, "audit"), exitSound, "stock default is sound at 1:3: 1 SKU and "+
		"1 reservation looked at; the journal was folded from its first event")
	requireSaid(t, command(t, "repair", "TEA"), exitSound, "TEA: nothing to mend")

	err := kept.HSet(t.Context(), "hf:{default}:items", "TEA", "10 7").Err()
	if err != nil {
		t.Fatal(err)
	}
	requireSaid(t, command(t, "audit"), exitFindings,
		"RESERVED_DIFFERS    SKU TEA: reserved is 7, should be 3\n", "stock default has 1 finding")
	requireSaid(t, command(t, "audit", "-o", "json"), exitFindings,
		`{"finding":{"type":"FINDING_TYPE_RESERVED_DIFFERS","sku":"TEA",`, `{"summary":{`)
	requireSaid(t, command(t, "repair", "TEA"), exitFindings, "nothing was changed: --apply does it",
		"reserved       7      3")
	requireSaid(t, command(t, "repair", "TEA", "--apply", "-o", "json"), exitSound,
		`"applied": true`)
	requireSaid(t, command(t, "audit"), exitSound)
	if got := command(t, "stock", "get", "TEA"); !strings.Contains(got.stdout, "3") {
		t.Errorf("the mended SKU: %s", got.stdout)
	}
}

func TestAudit_ThatCannotLookHasAStatusOfItsOwn(t *testing.T) {
	const nobody = "127.0.0.1:1"
	for _, arguments := range [][]string{
		{"audit", "--timeout", "100ms", "--address", nobody},
		{"repair", "TEA", "--timeout", "100ms", "--address", nobody},
		{"audit", "--address", "dns://%%"},
	} {
		if got := command(t, arguments...); got.status != exitCouldNot || got.stderr == "" ||
			got.stdout != "" {
			t.Errorf("%v: %+v", arguments, got)
		}
	}
	withServer(t) // over the model, which has no audit
	if got := command(t, "audit"); got.status != exitCouldNot ||
		!strings.Contains(got.stderr, "Unimplemented") {
		t.Errorf("without an auditor: %+v", got)
	}
}
