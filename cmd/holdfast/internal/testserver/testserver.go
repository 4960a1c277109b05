// Package testserver serves the model over gRPC inside of a test.
package testserver

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/server"
)

// NewModel returns an empty model with the default retention on the system's clock.
func NewModel() *model.Model {
	return model.New(model.Options{Retention: reservation.DefaultRetention, Now: time.Now})
}

// Start serves a store on a free port until the test ends and returns the address.
func Start(t *testing.T, store reservation.Store) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := server.New(store, server.Options{})
	ended := make(chan error, 1)
	go func() { ended <- served.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := served.Shutdown(ctx); err != nil {
			t.Errorf("shutting the test's server down: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return listener.Addr().String()
}
