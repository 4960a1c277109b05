package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// readyTimeout bounds one question for the store's readiness.
const readyTimeout = time.Second

const (
	sentenceStarting   = "the server has not yet heard from its store"
	sentenceNotServing = "the server takes no calls: it is starting or shutting down"
	sentenceNotReady   = "the store is not ready"
)

// readiness knows whether the server can take calls: it wants to, and its store is ready. It tells
// the health service of every change. One goroutine asks the store; start begins and stop ends it.
type readiness struct {
	checks *health.Server
	logger *slog.Logger
	ready  func(ctx context.Context) error
	every  time.Duration

	startOnce sync.Once
	stopped   context.Context // done when the goroutine must end
	cancel    context.CancelFunc
	watching  sync.WaitGroup

	mu      sync.Mutex
	serving bool
	trouble string // why the store is not ready, in public words; empty: it is
}

func newReadiness(checks *health.Server, opts Options) *readiness {
	r := &readiness{checks: checks, logger: opts.Logger, ready: opts.Ready, every: opts.ReadyEvery}
	r.stopped, r.cancel = context.WithCancel(context.Background())
	if r.ready != nil {
		r.trouble = sentenceStarting
	}
	r.publish()
	return r
}

// start begins to ask the store, once.
func (r *readiness) start() {
	r.startOnce.Do(func() {
		if r.ready != nil {
			r.watching.Go(r.watch)
		}
	})
}

// stop ends what start began and waits for it; start does nothing afterwards.
func (r *readiness) stop() {
	r.cancel()
	r.startOnce.Do(func() {})
	r.watching.Wait()
}

func (r *readiness) watch() {
	ticker := time.NewTicker(r.every)
	defer ticker.Stop()
	for {
		r.ask()
		select {
		case <-r.stopped.Done():
			return
		case <-ticker.C:
		}
	}
}

func (r *readiness) ask() {
	ctx, cancel := context.WithTimeout(r.stopped, readyTimeout)
	defer cancel()
	err := r.ready(ctx)
	if r.stopped.Err() != nil {
		return
	}
	trouble := publicTrouble(err)
	r.mu.Lock()
	changed := trouble != r.trouble
	r.trouble = trouble
	r.mu.Unlock()
	if !changed {
		return
	}
	if err != nil {
		r.logger.Warn("store is not ready", slog.String("cause", err.Error()))
	} else {
		r.logger.Info("store is ready")
	}
	r.publish()
}

// publicTrouble says in public words why a store is not ready; empty when it is.
func publicTrouble(err error) string {
	if err == nil {
		return ""
	}
	var e *reservation.Error
	if errors.As(err, &e) && e.Reason == reservation.ReasonStoreNotDurable {
		return "the store keeps less than the durability that was chosen"
	}
	return sentenceNotReady
}

func (r *readiness) setServing(serving bool) {
	r.mu.Lock()
	r.serving = serving
	r.mu.Unlock()
	r.publish()
}

// state says whether the server can take calls and, if not, why.
func (r *readiness) state() (ready bool, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.serving:
		return false, sentenceNotServing
	case r.trouble != "":
		return false, r.trouble
	}
	return true, ""
}

// publish tells the health service. It holds the lock, so that the last state is told last.
func (r *readiness) publish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if r.serving && r.trouble == "" {
		status = healthpb.HealthCheckResponse_SERVING
	}
	for _, service := range []string{
		"", // the server as a whole
		holdfastv1.ReservationService_ServiceDesc.ServiceName,
		holdfastv1.StockService_ServiceDesc.ServiceName,
		holdfastv1.EventService_ServiceDesc.ServiceName,
	} {
		r.checks.SetServingStatus(service, status)
	}
}
