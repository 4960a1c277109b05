package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/secret"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
	"github.com/holdfast-dev/holdfast/server"
)

// serveCommand is the server's configuration. It may be printed and logged whole: the type of what
// is secret in it (Redis) leaves the secret out.
type serveCommand struct {
	Listen           string        `default:"127.0.0.1:50051" env:"HOLDFAST_LISTEN" placeholder:"HOST:PORT" help:"Where gRPC is served; default ${default}."`
	OperationsListen string        `default:"127.0.0.1:8081" env:"HOLDFAST_OPERATIONS_LISTEN" placeholder:"HOST:PORT" help:"Where /healthz, /readyz and /metrics are served over HTTP; empty: nowhere. Default ${default}."`
	Redis            secret.URL    `env:"HOLDFAST_REDIS_URL" placeholder:"URL" help:"The Redis or Valkey that keeps the stocks: redis://[user:password@]host:port[/database]; of a Redis Cluster redis+cluster://[user:password@]host:port[,host:port...]; of a primary that Sentinels name redis+sentinel://[user:password@]host:port[,host:port...]/primary[/database][?sentinel_user=...&sentinel_password=...]. rediss://, rediss+cluster:// and rediss+sentinel:// for TLS. Without it everything is in memory only and nothing survives the process."`
	RedisPrefix      string        `default:"hf" env:"HOLDFAST_REDIS_PREFIX" help:"Begins every key; default ${default}."`
	Durability       string        `env:"HOLDFAST_DURABILITY" placeholder:"LEVEL" help:"What an acknowledged change survives: none, fsync (the store's disk), which is the default, or replica (the store's disk, and the memory of as many replicas as --replicas says). Only with --redis; a store that keeps less is refused."`
	Replicas         int           `env:"HOLDFAST_REPLICAS" placeholder:"N" help:"How many replicas must have a change before it is acknowledged, 1 to 16; default 1. Only with --durability replica."`
	Retention        time.Duration `default:"24h" env:"HOLDFAST_RETENTION" help:"How long finished reservations and request ids are remembered, 1h to 720h; default ${default}."`
	RequireTTL       bool          `name:"require-ttl" env:"HOLDFAST_REQUIRE_TTL" help:"Refuse a Reserve without a ttl, which never expires."`
	LogLevel         slog.Level    `default:"info" env:"HOLDFAST_LOG_LEVEL" placeholder:"LEVEL" help:"debug, info, warn or error; default ${default}."`
	LogFormat        string        `enum:"text,json" default:"text" env:"HOLDFAST_LOG_FORMAT" placeholder:"FORMAT" help:"text or json, on standard error; default ${default}."`
	SlowCall         time.Duration `default:"250ms" env:"HOLDFAST_SLOW_CALL" help:"Log calls that take this long or longer; 0s: none. Default ${default}."`
	ShutdownTimeout  time.Duration `default:"20s" env:"HOLDFAST_SHUTDOWN_TIMEOUT" help:"How long calls under way may take to finish on SIGINT or SIGTERM; a second signal ends them at once. Default ${default}."`
}

// Help is shown by holdfast serve --help.
func (c *serveCommand) Help() string {
	return `The first line on standard output says where it serves and what it keeps; logs go to
standard error. GOMEMLIMIT bounds the memory, and GOGC says how often garbage is collected.`
}

// check refuses what cannot be, each with a sentence that says what to change.
func (c *serveCommand) check() error {
	switch {
	case c.Redis.IsZero() && c.Durability != "":
		return usagef("--durability %s needs --redis (HOLDFAST_REDIS_URL): without one everything "+
			"is in memory only", c.Durability)
	case c.Replicas != 0 && c.Durability != redisstore.DurabilityReplica.String():
		return usagef("--replicas %d needs --durability replica: nothing else waits for replicas",
			c.Replicas)
	case c.Replicas < 0 || c.Replicas > redisstore.MaxReplicas:
		return usagef("--replicas is %d, must be 1 to %d", c.Replicas, redisstore.MaxReplicas)
	case c.Retention < reservation.MinRetention || c.Retention > reservation.MaxRetention:
		return usagef("--retention is %v, must be %v to %v", c.Retention,
			reservation.MinRetention, reservation.MaxRetention)
	case c.SlowCall < 0:
		return usagef("--slow-call is %v, must be 0s (none) or more", c.SlowCall)
	case c.ShutdownTimeout <= 0:
		return usagef("--shutdown-timeout is %v, must be more than 0s", c.ShutdownTimeout)
	}
	return nil
}

// Run serves until the session's context ends.
func (c *serveCommand) Run(s *session) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	server.CollectSeldom()
	logger := c.logger(s)
	calls, operations, err := c.listen(s.ctx)
	if err != nil {
		return err
	}
	keeper, err := c.openStore(s.ctx, logger)
	if err != nil {
		closeListener(calls)
		closeListener(operations)
		return err
	}
	slowCall := c.SlowCall
	if slowCall == 0 {
		slowCall = -1 // none
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newStoreMetrics(keeper.Stats))
	served := server.New(keeper, server.Options{
		Logger: logger, RequireTTL: c.RequireTTL, SlowCall: slowCall, Ready: keeper.Ready,
		Registry: registry, Version: version(), Auditor: keeper, Exporter: keeper,
		Fencer: keeper,
	})
	fmt.Fprintln(s.stdout, c.announcement(calls, operations))
	logger.Debug("configuration", "serve", fmt.Sprintf("%+v", *c))
	return c.serve(s.ctx, logger, &running{
		server: served, store: keeper, calls: calls,
		operations: served.Operations(), operationsAt: operations,
	})
}

func (c *serveCommand) logger(s *session) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.stderr, options))
	}
	return slog.New(slog.NewTextHandler(s.stderr, options))
}

// listen takes the addresses before anything else is done; operations is nil where there is none.
func (c *serveCommand) listen(ctx context.Context) (calls, operations net.Listener, err error) {
	var config net.ListenConfig
	calls, err = config.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("--listen %s cannot be had: %w", c.Listen, err)
	}
	if c.OperationsListen == "" {
		return calls, nil, nil
	}
	operations, err = config.Listen(ctx, "tcp", c.OperationsListen)
	if err != nil {
		closeListener(calls)
		return nil, nil, fmt.Errorf(
			"--operations-listen %s cannot be had (empty: no operations): %w",
			c.OperationsListen, err)
	}
	return calls, operations, nil
}

func closeListener(listener net.Listener) {
	if listener != nil {
		_ = listener.Close() // nobody uses it
	}
}

func (c *serveCommand) announcement(calls, operations net.Listener) string {
	where := "holdfast serves gRPC on " + calls.Addr().String()
	if operations != nil {
		where += ", operations on http://" + operations.Addr().String()
	}
	if c.Redis.IsZero() {
		return where + "; IN MEMORY ONLY, nothing survives this process " +
			"(--redis or HOLDFAST_REDIS_URL keeps it)"
	}
	durability := c.durability()
	if durability == redisstore.DurabilityReplica.String() {
		durability += fmt.Sprintf(" (%d)", max(1, c.Replicas))
	}
	return fmt.Sprintf("%s; kept in %s, durability %s", where, c.Redis, durability)
}

// running is a server and all that belongs to it.
type running struct {
	server       *server.Server
	store        store
	calls        net.Listener
	operations   *http.Server
	operationsAt net.Listener // nil: operations are not served
}

// serve serves until ctx ends or serving fails. Then health says NOT_SERVING, calls under way
// finish, and after them the store is closed; operations answer to the last, so that a probe sees
// it happen.
func (c *serveCommand) serve(ctx context.Context, logger *slog.Logger, r *running) error {
	failures := make(chan error, 2)
	go func() { failures <- r.server.Serve(r.calls) }()
	if r.operationsAt != nil {
		go func() {
			if err := r.operations.Serve(r.operationsAt); !errors.Is(err, http.ErrServerClosed) {
				failures <- fmt.Errorf("serve operations: %w", err)
			}
		}()
	}
	var failed error
	select {
	case <-ctx.Done():
		logger.Info("shutting down", "timeout", c.ShutdownTimeout)
	case failed = <-failures:
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownTimeout)
	defer cancel()
	failed = errors.Join(failed, r.server.Shutdown(ending), r.store.Close(ending))
	if err := r.operations.Shutdown(ending); err != nil {
		failed = errors.Join(failed, fmt.Errorf("end operations: %w", err))
	}
	if failed == nil {
		logger.Info("shut down")
	}
	return failed
}
