package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/reservation/redisstore"
)

// scrapeServe starts holdfast serve in memory, calls it once, and returns what /metrics says.
func scrapeServe(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	printed := make(chan string, 1)
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		const arguments = "serve --listen 127.0.0.1:0 --operations-listen 127.0.0.1:0"
		ended <- run(ctx, strings.Fields(arguments),
			session{stdout: &firstLine{printed: printed}, stderr: &stderr})
	}()
	var line string
	select {
	case line = <-printed:
	case status := <-ended:
		t.Fatalf("it ended with exit status %d: %s", status, &stderr)
	}
	defer func() {
		cancel()
		<-ended
	}()
	found := regexp.MustCompile(`gRPC on (\S+), operations on (\S+);`).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("the first line is %q", line)
	}
	mustRun(t, "restock", "--address", found[1], "--id", "r1", "TEA=3")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, found[2]+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestMetricsPage_HasEveryMetric holds docs/metrics.md and what a server says together.
func TestMetricsPage_HasEveryMetric(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\|").FindAllStringSubmatch(
		string(page), -1) {
		for _, name := range regexp.MustCompile("`([a-z_*]+)`").FindAllStringSubmatch(row[1], -1) {
			listed[name[1]] = false
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\S+) `).FindAllStringSubmatch(
		scrapeServe(t), -1) {
		name := line[1]
		if family, _, _ := strings.Cut(name, "_"); family == "go" || family == "process" {
			name = family + "_*"
		}
		if _, ok := listed[name]; !ok {
			t.Errorf("the page lacks %s", name)
		}
		listed[name] = true
	}
	for name, said := range listed {
		if !said {
			t.Errorf("the page has %s, which no server says", name)
		}
	}
}

func TestStoreMetrics_SayWhatTheStoreSays(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newStoreMetrics(func() redisstore.Stats {
		return redisstore.Stats{
			ScanTime: time.UnixMilli(1_700_000_000_500), Stocks: 3, DueHolds: 4,
			OldestCommitted: 90 * time.Second, MaintenanceFailures: 5, ClockStepsForward: 6,
			ClockStepsBackward: 7, FencedStocks: 8, Losses: 9, Replicas: 10, UnreplicatedOperations: 11,
		}
	}))
	want := map[string]float64{
		"holdfast_holds_due": 4, "holdfast_maintenance_failures_total": 5,
		"holdfast_oldest_committed_age_seconds": 90, "holdfast_stocks": 3,
		"holdfast_store_clock_steps_total forward": 6, "holdfast_store_clock_steps_total backward": 7,
		"holdfast_store_scan_timestamp_seconds": 1_700_000_000.5,
		"holdfast_fenced_stocks":                8, "holdfast_losses_total": 9,
		"holdfast_store_replicas": 10, "holdfast_store_unreplicated_total": 11,
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}
