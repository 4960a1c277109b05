package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// setBack lets a store forget what act changes, as one does that comes back with an older file.
func setBack(t *testing.T, store *redis.Client, act func()) {
	t.Helper()
	ctx := context.Background()
	before := make(map[string]string)
	for _, key := range store.Keys(ctx, "*").Val() {
		before[key] = store.Dump(ctx, key).Val()
	}
	act()
	if err := store.FlushAll(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	for key, value := range before {
		if err := store.Restore(ctx, key, time.Duration(0), value).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFence_Transcript is a session of an operator whose store lost an order. FENCE stands for the
// fence's id.
func TestFence_Transcript(t *testing.T) {
	const file = "testdata/fenced/fence.txt"
	store := withRedis(t)
	mustRun(t, "restock", "TEA=10")
	mustRun(t, "reserve", "--id", "o1", "TEA=3")
	setBack(t, store, func() { mustRun(t, "reserve", "--id", "o2", "TEA=2") })
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shown := command(t, "fence", "show", "--output", "json")
	id := regexp.MustCompile(`"fence_id": +"([0-9]+-[0-9]+)"`).FindStringSubmatch(shown.stdout)
	if shown.status != exitFindings || id == nil {
		t.Fatalf("as JSON: %+v", shown)
	}
	got := transcript(t, strings.ReplaceAll(string(want), "FENCE", id[1]))
	host, _ := os.Hostname()
	for value, name := range map[string]string{
		id[1]: "FENCE", fmt.Sprintf("%s:%d", host, os.Getpid()): "SERVER",
	} {
		got = strings.ReplaceAll(got, value, name)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want), got); diff != "" && !*update {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestFence_ThatCannotBeLookedAtHasAStatusOfItsOwn(t *testing.T) {
	for _, flag := range []string{"--stock=default", "--all"} {
		got := command(t, "fence", "show", flag, "--timeout", "100ms", "--address", "127.0.0.1:1")
		if got.status != exitCouldNot || got.stderr == "" || got.stdout != "" {
			t.Errorf("%s: %+v", flag, got)
		}
	}
	withServer(t) // over the model, which loses nothing
	if got := command(t, "fence", "show"); got.status != exitCouldNot ||
		!strings.Contains(got.stderr, "Unimplemented") {
		t.Errorf("without a fencer: %+v", got)
	}
	if got := command(t, "fence", "lift", "1-1"); got.status != exitRefused {
		t.Errorf("lifting without a fencer: %+v", got)
	}
}
