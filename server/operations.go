package server

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// index lists what the operations server has.
const index = `<!DOCTYPE html>
<title>Holdfast</title>
<h1>Holdfast</h1>
<ul>
<li><a href="/healthz">/healthz</a> the process lives
<li><a href="/readyz">/readyz</a> the server takes calls and its store is ready
<li><a href="/metrics">/metrics</a> figures for Prometheus
</ul>
`

// Operations returns an HTTP server for who runs Holdfast, with timeouts and without an address:
// call its Serve. It is not for callers: it has no authentication and belongs on a private address.
func (s *Server) Operations() *http.Server {
	errorLog := slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, index)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "the process lives")
	})
	// It answers from what the watcher last heard: a probe must not wait for a store that hangs.
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready, why := s.readiness.state(); !ready {
			say(w, http.StatusServiceUnavailable, why)
			return
		}
		say(w, http.StatusOK, "the server takes calls and its store is ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		ErrorLog:            errorLog,
		MaxRequestsInFlight: 4, // a scrape that hangs must not let others pile up
		Timeout:             10 * time.Second,
	}))
	return &http.Server{
		Handler:           mux,
		ErrorLog:          errorLog,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second, // no request has a body
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
}

// say answers one plain sentence.
func say(w http.ResponseWriter, code int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, sentence+"\n")
}
