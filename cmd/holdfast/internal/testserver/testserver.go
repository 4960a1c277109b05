// Package testserver serves the model over gRPC inside of a test.
package testserver

import (
	"context"
	"net"
	"sync"
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
	return Begin(t, store, "127.0.0.1:0").Address
}

// Server serves a store.
type Server struct {
	Address string
	end     func(t *testing.T)
}

// End stops serving; the end of the test does so too.
func (s *Server) End(t *testing.T) {
	t.Helper()
	s.end(t)
}

// Begin serves a store at an address until the test ends or the server is ended.
func Begin(t *testing.T, store reservation.Store, address string) *Server {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	options := server.Options{}
	if auditor, audits := store.(server.Auditor); audits {
		options.Auditor = auditor
	}
	if exporter, exports := store.(server.Exporter); exports {
		options.Exporter = exporter
	}
	if fencer, fences := store.(server.Fencer); fences {
		options.Fencer = fencer
	}
	served := server.New(store, options)
	ended := make(chan error, 1)
	go func() { ended <- served.Serve(listener) }()
	var once sync.Once
	s := &Server{Address: listener.Addr().String(), end: func(t *testing.T) {
		t.Helper()
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := served.Shutdown(ctx); err != nil {
				t.Errorf("shutting the test's server down: %v", err)
			}
			if err := <-ended; err != nil {
				t.Errorf("serving: %v", err)
			}
		})
	}}
	t.Cleanup(func() { s.end(t) })
	return s
}
