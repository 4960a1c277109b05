package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	encodingproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// DefaultSlowCall is from how long on a call is logged as slow.
	DefaultSlowCall = 250 * time.Millisecond
	// DefaultReadyEvery is how often the store's readiness is asked for.
	DefaultReadyEvery = time.Second
)

// Options are what a server can be told. The zero value serves, and logs nothing.
type Options struct {
	// Logger gets faults, failures of the store and slow calls; at debug level every call. Nil:
	// nothing is logged.
	Logger *slog.Logger
	// RequireTTL refuses a Reserve without a ttl (INVALID_REQUEST), which would never expire.
	RequireTTL bool
	// SlowCall is from how long on a call is logged as slow. 0: DefaultSlowCall; below 0: no call
	// is.
	SlowCall time.Duration
	// Ready says whether the store can take calls; nil means always. It is asked every ReadyEvery,
	// with a context that ends after a second.
	Ready func(ctx context.Context) error
	// ReadyEvery is how often Ready is asked. 0: DefaultReadyEvery.
	ReadyEvery time.Duration
	// Auditor answers Audit and Repair, Exporter Export and Restore, Fencer GetFence, ListFences and
	// LiftFence. Nil: UNIMPLEMENTED.
	Auditor  Auditor
	Exporter Exporter
	Fencer   Fencer
	// Registry gets the server's metrics and is what /metrics shows. Nil: a new one.
	Registry *prometheus.Registry
	// Version is what holdfast_build_info says. Empty: "unknown".
	Version string
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.SlowCall == 0 {
		o.SlowCall = DefaultSlowCall
	}
	if o.SlowCall < 0 {
		o.SlowCall = 1<<63 - 1
	}
	if o.ReadyEvery <= 0 {
		o.ReadyEvery = DefaultReadyEvery
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	return o
}

// Server serves a store over gRPC, with health checks and reflection. Whoever makes one calls
// Shutdown in the end, served or not.
type Server struct {
	grpc      *grpc.Server
	readiness *readiness
	registry  *prometheus.Registry
	logger    *slog.Logger
	drain     context.CancelFunc
}

// New makes a server for a store. It answers NOT_SERVING to health checks until Serve is called and
// the store is ready.
func New(store reservation.Store, opts Options) *Server {
	opts = opts.withDefaults()
	draining, drain := context.WithCancel(context.Background())
	measured := newMetrics(opts.Registry, opts.Version)
	passed := &chain{
		metrics: measured,
		log:     &callLog{logger: opts.Logger, slow: opts.SlowCall},
		drain:   draining,
	}
	server := grpc.NewServer(append(transportOptions(),
		grpc.ChainUnaryInterceptor(passed.unary()...),
		grpc.ChainStreamInterceptor(passed.stream()...),
	)...)
	holdfastv1.RegisterReservationServiceServer(server, &reservationService{
		store: store, metrics: measured, log: passed.log, drain: draining,
		requireTTL: opts.RequireTTL,
	})
	holdfastv1.RegisterStockServiceServer(server, &stockService{store: store})
	holdfastv1.RegisterEventServiceServer(server, &eventService{
		store: store, shared: newSharedResponses(),
	})
	holdfastv1.RegisterAuditServiceServer(server, &auditService{
		auditor: opts.Auditor, exporter: opts.Exporter, fencer: opts.Fencer,
	})
	// Counters that exist from the start can be alarmed on before the first error.
	measured.calls.InitializeMetrics(server)

	checks := health.NewServer()
	healthpb.RegisterHealthServer(server, checks)
	reflection.Register(server)
	return &Server{
		grpc:      server,
		readiness: newReadiness(checks, opts),
		registry:  opts.Registry,
		logger:    opts.Logger,
		drain:     drain,
	}
}

// transportOptions are all said out loud, each with its reason, so that none changes with a release
// of grpc-go unnoticed. Left out: NumStreamWorkers, which gave nothing (measured twice, November
// 2026; docs/decisions/0004-what-was-tried-for-speed.md).
func transportOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		// A request within the limits is under 100 KiB. More is read so that a breach of a limit is
		// told as INVALID_ARGUMENT by its field, not as the transport's RESOURCE_EXHAUSTED.
		grpc.MaxRecvMsgSize(4 << 20),
		// A page of 1,000 items, each with a full policy, is under 1 MiB; callers read 4 MiB by
		// default.
		grpc.MaxSendMsgSize(4 << 20),
		// Bounds what one connection can make the server hold; a caller's further calls wait at the
		// caller. A checkout gateway with all of its calls on one connection stays below it.
		grpc.MaxConcurrentStreams(4096),
		// Ids and tracing need far less; it bounds what is read before anything is known of a call.
		grpc.MaxHeaderListSize(16 << 10),
		// So that one request of a ReserveStream that cannot be decoded is refused by itself.
		grpc.ForceServerCodecV2(itemCodec{encoding.GetCodecV2(encodingproto.Name)}),
		// Who connects and says nothing is gone after this.
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			// A peer that vanished without a word is noticed within a minute and a half, not in two
			// hours. No age and no idle limit: a connection that works is not closed, for the
			// callers' reconnecting at once would be the only load peak of a quiet day.
			Time:    time.Minute,
			Timeout: 20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			// Callers behind load balancers ping idle connections to keep them; grpc-go's default
			// of five minutes would close those with ENHANCE_YOUR_CALM.
			MinTime:             10 * time.Second,
			PermitWithoutStream: true,
		}),
	}
}

// Serve takes calls from listener until Shutdown; then it returns nil. It closes the listener.
func (s *Server) Serve(listener net.Listener) error {
	s.readiness.start()
	s.SetServing(true)
	// Also where it could not begin: nobody may be told that it serves.
	defer s.SetServing(false)
	if err := s.grpc.Serve(listener); err != nil {
		return fmt.Errorf("serve gRPC: %w", err)
	}
	return nil
}

// SetServing says whether the server wants calls. Health checks and /readyz answer that it serves
// when it wants to and the store is ready; calls are answered either way. Serve sets it, Shutdown
// clears it.
func (s *Server) SetServing(serving bool) { s.readiness.setServing(serving) }

// Shutdown turns health checks to NOT_SERVING, ends waiting streams, lets the calls in flight
// finish and returns nil. When ctx ends first it cuts them off and returns ctx's error. A second
// call is harmless.
func (s *Server) Shutdown(ctx context.Context) error {
	s.SetServing(false)
	s.readiness.stop()
	s.drain()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.grpc.GracefulStop()
	}()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		// It ends the goroutine above as well, once the handlers have heeded their contexts.
		s.grpc.Stop()
		return fmt.Errorf("drain calls: %w", ctx.Err())
	}
}
