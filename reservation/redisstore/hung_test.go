package redisstore

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// TestStore_AHungStoreIsNotACallerWhoGaveUp stops the server's process in its tracks: a caller who
// still waits is told about the store, one whose own time is over about that.
func TestStore_AHungStoreIsNotACallerWhoGaveUp(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := stocked(t, Options{URL: server.URL(), CallTimeout: 300 * time.Millisecond, quiet: true})
	t.Cleanup(func() {
		if err := server.Continue(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Hang(); err != nil {
		t.Fatal(err)
	}
	stock, id := mustStock(""), mustID("o")
	mug := []reservation.SKU{mustSKU("mug")}
	calls := map[string]func(ctx context.Context) error{
		"a read": func(ctx context.Context) error {
			_, err := s.Items(ctx, stock, mug)
			return err
		},
		"Get": func(ctx context.Context) error {
			_, err := s.Get(ctx, stock, id)
			return err
		},
		"Watch": func(ctx context.Context) error {
			_, err := watchUntil(ctx, s, reservation.Optional[reservation.Position]{}, 1, func() {})
			return err
		},
		"Ready": s.Ready,
		"the registration of a new stock": func(ctx context.Context) error {
			request := restockOf("r", "mug", 1)
			request.Stock = mustStock("new")
			_, err := s.Restock(ctx, request)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReason(t, call(t.Context()), reservation.ReasonStoreUnavailable)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			wantReason(t, call(ctx), reservation.ReasonCallerGaveUp)
		})
	}
	t.Run("Reserve", func(t *testing.T) {
		t.Parallel()
		_, err := s.Reserve(t.Context(), reserveOf("o", "mug"))
		settlesAt(t, err)
	})
}
