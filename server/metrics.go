package server

import (
	"errors"
	"runtime/debug"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc/codes"

	"github.com/holdfast-dev/holdfast/reservation"
)

// metrics are what the server itself measures.
type metrics struct {
	calls              *grpcprom.ServerMetrics
	reservesWithoutTTL prometheus.Counter
	errors             [reservation.ReasonCallerGaveUp + 1]prometheus.Counter // by reason
	streamAnswers      [codes.Unauthenticated + 1]prometheus.Counter          // by code
	streamSeconds      prometheus.Histogram
}

// latencyBuckets lie around what a call takes: a tenth of a millisecond from memory, about one over
// a network, tens in a queue, and seconds when something is wrong. In seconds.
func latencyBuckets() []float64 {
	return []float64{
		.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5,
	}
}

func newMetrics(registry prometheus.Registerer, version string) *metrics {
	m := &metrics{
		calls: grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram(
			grpcprom.WithHistogramBuckets(latencyBuckets()),
		)),
		reservesWithoutTTL: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "holdfast_reserves_without_ttl_total",
			Help: "Reserve calls without a ttl, refused or not: what they get never expires.",
		}),
	}
	byReason := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "holdfast_errors_total",
		Help: "Errors answered, by the reason in google.rpc.ErrorInfo.",
	}, []string{"reason"})
	for i := range m.errors[1:] {
		reason := reservation.ReasonInvalidRequest + reservation.Reason(i)
		m.errors[reason] = byReason.WithLabelValues(reason.String())
	}
	registry.MustRegister(m.calls, m.reservesWithoutTTL, byReason, m.initStream(), m.streamSeconds,
		buildInfo(version),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// initStream makes the metrics of ReserveStream's answers and returns their counter.
func (m *metrics) initStream() *prometheus.CounterVec {
	byCode := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "holdfast_reserve_stream_answers_total",
		Help: "Answers to the requests of ReserveStreams, by gRPC code.",
	}, []string{"grpc_code"})
	for code := range m.streamAnswers {
		m.streamAnswers[code] = byCode.WithLabelValues(codes.Code(code).String())
	}
	m.streamSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "holdfast_reserve_stream_handling_seconds",
		Help:    "How long requests of ReserveStreams took, from being read to their answer.",
		Buckets: latencyBuckets(),
	})
	return byCode
}

// streamAnswered counts an answer in a ReserveStream.
func (m *metrics) streamAnswered(code codes.Code, elapsed time.Duration) {
	m.streamAnswers[min(code, codes.Unauthenticated)].Inc()
	m.streamSeconds.Observe(elapsed.Seconds())
}

// counted counts an error by its reason and returns it. The end of a watch by a shutdown is none:
// an alarm on STORE_UNAVAILABLE would go off at every deployment.
func (m *metrics) counted(err error) error {
	//nolint:errorlint // statusOf returns it unwrapped
	if f, ok := err.(*failure); ok && !errors.Is(f.cause, errDraining) {
		m.errors[f.reason].Inc()
	}
	return err
}

// buildInfo is a constant 1 whose labels say what runs.
func buildInfo(version string) prometheus.Collector {
	revision, goVersion := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "holdfast_build_info",
		Help: "Always 1; the labels say which Holdfast runs.",
		ConstLabels: prometheus.Labels{
			"version": version, "revision": revision, "goversion": goVersion,
		},
	})
	gauge.Set(1)
	return gauge
}
