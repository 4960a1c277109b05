package arm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/pgstore"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
	"github.com/holdfast-dev/holdfast/server"
)

// Name names an arm.
type Name string

// The arms.
const (
	// Echo is an empty handler that decodes the same request and answers a message of the same size.
	Echo Name = "echo"
	// Naive is the best script for one request a call.
	Naive Name = "naive"
	// Postgres is one function call a reservation.
	Postgres Name = "postgres"
	// PostgresBatched is one function call for many reservations.
	PostgresBatched Name = "postgres-batched"
	// Ours is Holdfast.
	Ours Name = "ours"
	// Model is the oracle that the others are held against; it is not measured.
	Model Name = "model"
)

// Config is an arm to serve.
type Config struct {
	Arm Name
	// Store is the URL of the Redis or the PostgreSQL; the echo has none.
	Store string
	// Durable says that the store must keep what is acknowledged.
	Durable bool
	// Pool is how many connections to the store a naive or a PostgreSQL arm has. Of the naive arm
	// 0 says one connection with automatic pipelining.
	Pool int
	// Lanes is how many batches of the batched PostgreSQL arm are under way at once.
	Lanes int
}

// listener is where gRPC is served.
type running interface {
	Serve(listener net.Listener) error
	Shutdown(ctx context.Context) error
}

// Served is an arm that takes calls.
type Served struct {
	Address string
	server  running
	failed  chan error
	closing []func(ctx context.Context) error
}

// Serve opens an arm's store and serves it on a free port of the loopback.
func Serve(ctx context.Context, config Config) (*Served, error) {
	s := &Served{failed: make(chan error, 1)}
	if err := s.open(ctx, config); err != nil {
		return nil, fmt.Errorf("arm %s: %w", config.Arm, err)
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	s.Address = listener.Addr().String()
	go func() { s.failed <- s.server.Serve(listener) }()
	return s, nil
}

// Close stops taking calls and closes the store.
func (s *Served) Close(ctx context.Context) error {
	var errs []error
	if s.server != nil {
		errs = append(errs, s.server.Shutdown(ctx))
	}
	for _, closing := range s.closing {
		errs = append(errs, closing(ctx))
	}
	return errors.Join(errs...)
}

func (s *Served) open(ctx context.Context, config Config) error {
	switch config.Arm {
	case Echo:
		s.server = newEcho()
		return nil
	case Naive:
		store, err := openNaive(ctx, config)
		if err != nil {
			return err
		}
		s.closing = append(s.closing, func(context.Context) error { return store.close() })
		s.serve(store, nil)
		return nil
	case Postgres, PostgresBatched:
		return s.openPostgres(ctx, config)
	case Model:
		s.serve(model.New(model.Options{Retention: reservation.DefaultRetention, Now: time.Now}), nil)
		return nil
	case Ours:
		durability := redisstore.DurabilityNone
		if config.Durable {
			durability = redisstore.DurabilityFsync
		}
		store, err := redisstore.Open(ctx, redisstore.Options{
			URL: config.Store, Durability: durability, Logger: logger(),
		})
		if err != nil {
			return err
		}
		s.closing = append(s.closing, store.Close)
		s.serve(store, store.Ready)
		return nil
	}
	return fmt.Errorf("there is no arm %q", config.Arm)
}

func (s *Served) openPostgres(ctx context.Context, config Config) error {
	options := pgstore.Options{URL: config.Store, Pool: config.Pool, Lanes: config.Lanes}
	if config.Arm == Postgres {
		options.Lanes = 0
	}
	store, err := pgstore.Open(ctx, options)
	if err != nil {
		return err
	}
	s.closing = append(s.closing, func(context.Context) error { store.Close(); return nil })
	s.serve(store, nil)
	return nil
}

// serve puts the server of Holdfast before a store, as its own command does.
func (s *Served) serve(store reservation.Store, ready func(context.Context) error) {
	s.server = server.New(store, server.Options{Logger: logger(), Ready: ready})
}

func logger() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }
