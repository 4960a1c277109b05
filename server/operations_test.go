package server_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

func scrape(t *testing.T, s *server.Server, path string, code int) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	s.Operations().Handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	if recorder.Code != code {
		t.Errorf("%s is %d, want %d: %s", path, recorder.Code, code, recorder.Body)
	}
	return recorder.Body.String()
}

func TestOperations(t *testing.T) {
	r := newRig(t, server.Options{Version: "v1.2.3"}, nil)
	r.restock("A", 9)
	r.reserve("r-1", lines("A", 1))
	_, _ = r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		ReservationId: "r-2", Lines: lines("A", 100),
	})
	scrape(t, r.server, "/healthz", 200)
	scrape(t, r.server, "/readyz", 200)
	scrape(t, r.server, "/nothing", 404)
	if body := scrape(t, r.server, "/", 200); !strings.Contains(body, "/metrics") {
		t.Errorf("index: %s", body)
	}
	body := scrape(t, r.server, "/metrics", 200)
	for _, want := range []string{
		"holdfast_reserves_without_ttl_total 2\n",
		`holdfast_errors_total{reason="LINES_REFUSED"} 1`,
		`holdfast_errors_total{reason="INTERNAL"} 0`, `version="v1.2.3"`, "go_goroutines",
		"process_open_fds", `grpc_server_handling_seconds_bucket{grpc_method="Reserve",` +
			`grpc_service="holdfast.v1.ReservationService",grpc_type="unary",le="0.0001"}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	operations := r.server.Operations()
	if operations.ReadHeaderTimeout <= 0 || operations.ReadTimeout <= 0 ||
		operations.WriteTimeout <= 0 || operations.IdleTimeout <= 0 {
		t.Error("a timeout of the operations server is not set")
	}
}

func TestReserve_RequireTTL(t *testing.T) {
	r := newRig(t, server.Options{RequireTTL: true}, nil)
	r.restock("A", 9)
	_, err := r.reservations.Reserve(r.ctx,
		&holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 1)})
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	if names := fields(got); len(names) != 1 || names[0] != "ttl" {
		t.Errorf("fields %v", names)
	}
	if body := scrape(t, r.server, "/metrics", 200); !strings.Contains(body,
		"without_ttl_total 1\n") {
		t.Error("the Reserve without a ttl is not counted")
	}
}

func TestLog_SlowCallsAndNoRefusals(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	_, _ = r.stocks.GetStock(r.ctx, &holdfastv1.GetStockRequest{Sku: "NONE"})
	_, _ = r.stocks.GetStock(r.ctx, &holdfastv1.GetStockRequest{})
	if log := r.log.String(); strings.Contains(log, "level=WARN") ||
		strings.Contains(log, "level=ERROR") {
		t.Errorf("an answer of the contract is in the log: %s", log)
	}
	r = newRig(t, server.Options{SlowCall: time.Nanosecond}, nil)
	_, _ = r.stocks.GetStock(r.ctx, &holdfastv1.GetStockRequest{Sku: "NONE"})
	if !strings.Contains(r.log.String(), `msg="slow call"`) {
		t.Errorf("the slow call is not in the log: %s", r.log)
	}
}

func TestLog_StoreThatIsAwayDoesNotFloodIt(t *testing.T) {
	buffer := &logBuffer{}
	r := newRig(t, server.Options{Logger: slog.New(slog.NewTextHandler(buffer, nil))},
		failWith(&reservation.Error{Reason: reservation.ReasonStoreUnavailable}))
	const calls = 500
	for range calls {
		_, _ = r.stocks.ListStock(r.ctx, &holdfastv1.ListStockRequest{})
	}
	written := strings.Count(buffer.String(), "STORE_UNAVAILABLE")
	if written == 0 || written == calls {
		t.Errorf("%d calls wrote %d lines", calls, written)
	}
}

func TestLogQuota_IsPerSecondAndSaysWhatItSuppressed(t *testing.T) {
	take := server.NewLogQuota()
	now := time.Unix(1_000, 0)
	for i := range 25 {
		allowed, suppressed := take(now.Add(time.Duration(i) * time.Millisecond))
		if allowed != (i < 20) || suppressed != 0 {
			t.Errorf("line %d: allowed %v, suppressed %d", i, allowed, suppressed)
		}
	}
	if allowed, suppressed := take(now.Add(time.Second)); !allowed || suppressed != 5 {
		t.Errorf("a second later: allowed %v, suppressed %d", allowed, suppressed)
	}
}
