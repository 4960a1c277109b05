package redisstore

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// hold reserves a unit of the SKU "mug" for a second.
func hold(t *testing.T, s *Store, id string) {
	t.Helper()
	request := reserveOf(id, "mug")
	request.TTL = must(reservation.NewTTL(time.Second))
	if _, err := s.Reserve(t.Context(), request); err != nil {
		t.Fatal(err)
	}
}

// wantRegistered holds that the default stock is in the set of stocks, for everybody to sweep.
func wantRegistered(t *testing.T, s *Store) {
	t.Helper()
	names, err := s.client.SMembers(context.Background(), s.keys.stocks()).Result()
	if err != nil || !slices.Equal(names, []string{"default"}) {
		t.Fatalf("the registered stocks are %v, %v", names, err)
	}
}

// TestStocks_AreRegisteredAnewWhenTheStoreLostThem empties the store behind the back of one that
// knew its stock well.
func TestStocks_AreRegisteredAnewWhenTheStoreLostThem(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(t *testing.T, s *Store, restart func()){
		"in the same process": func(t *testing.T, s *Store, _ func()) {
			t.Helper()
			if err := s.client.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		},
		"in a process that started empty": func(_ *testing.T, _ *Store, restart func()) { restart() },
	} {
		for _, first := range []string{"Restock", "Reserve"} {
			t.Run(name+", then "+first, func(t *testing.T) {
				t.Parallel()
				server := startServer(t, "--appendonly", "no")
				s := stocked(t, Options{
					URL: server.URL(), Durability: DurabilityNone, quiet: true,
				})
				hold(t, s, "before")
				hold(t, s, "before-too")
				wantRegistered(t, s)
				empty(t, s, func() {
					server.Kill()
					if err := server.Restart(context.Background()); err != nil {
						t.Fatal(err)
					}
				})
				if first == "Restock" {
					eventually(t, func(ctx context.Context) error {
						_, err := s.Restock(ctx, restockOf("after", "mug", 5))
						return err
					})
				} else {
					// Another server creates the stock; this one only reserves.
					other := openReal(t, Options{
						URL: server.URL(), Durability: DurabilityNone, Prefix: s.options.Prefix,
						quiet: true,
					})
					restock(t, other, "after", "mug", 5)
					if err := s.client.Del(t.Context(), s.keys.stocks()).Err(); err != nil {
						eventually(t, func(ctx context.Context) error {
							return s.client.Del(ctx, s.keys.stocks()).Err()
						})
					}
					_, err := s.Reserve(t.Context(), reserveOf("after", "mug"))
					wantReason(t, err, reservation.ReasonStockFenced)
				}
				wantRegistered(t, s)
			})
		}
	}
}

// TestStocks_OneThatIsOnlyReservedOnIsRegistered lets a store meet a stock by a Reserve whose
// registration is gone.
func TestStocks_OneThatIsOnlyReservedOnIsRegistered(t *testing.T) {
	t.Parallel()
	s := stocked(t, Options{quiet: true})
	if err := s.client.Del(t.Context(), s.keys.stocks()).Err(); err != nil {
		t.Fatal(err)
	}
	other := openReal(t, Options{
		URL: realServer.URL(), Durability: DurabilityNone, Prefix: s.options.Prefix, quiet: true,
	})
	hold(t, other, "o")
	wantRegistered(t, other)
}

// TestStocks_ThatDoNotExistLeaveNothing names stocks that were never written to.
func TestStocks_ThatDoNotExistLeaveNothing(t *testing.T) {
	t.Parallel()
	s := openReal(t, Options{quiet: true})
	_, err := s.Reserve(t.Context(), reserveOf("o", "mug"))
	wantReason(t, err, reservation.ReasonUnknownSKU)
	if keys := keysOf(t, s.client, s.options.Prefix); len(keys) > 0 || len(s.stocks.batchers) > 0 {
		t.Errorf("%d keys and %d batchers are left", len(keys), len(s.stocks.batchers))
	}
}
