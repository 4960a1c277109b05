package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/reservation/redisstore"
)

// storeMetrics shows a store's Stats beside the server's own metrics; docs/metrics.md explains
// each.
type storeMetrics struct {
	stats func() redisstore.Stats

	scanned, stocks, due, committed, failures, steps *prometheus.Desc
	fenced, losses, replicas, unreplicated           *prometheus.Desc
}

func newStoreMetrics(stats func() redisstore.Stats) *storeMetrics {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &storeMetrics{
		stats: stats,
		scanned: describe("holdfast_store_scan_timestamp_seconds",
			"When the last whole scan of all stocks began, Unix time; 0 before the first."),
		stocks: describe("holdfast_stocks", "Stocks that the last scan found."),
		due: describe("holdfast_holds_due",
			"Holds that had expired and were not reclaimed yet when the last scan looked."),
		committed: describe("holdfast_oldest_committed_age_seconds",
			"For how long the oldest COMMITTED reservation of all stocks has been firm; 0: none."),
		fenced: describe("holdfast_fenced_stocks",
			"Stocks that grant nothing because changes that were acknowledged are lost."),
		losses: describe("holdfast_losses_total",
			"Times that the store did not have what this server had seen acknowledged."),
		failures: describe("holdfast_maintenance_failures_total",
			"Scans and turns of a sweeper that met an error; some are in the log."),
		steps: describe("holdfast_store_clock_steps_total",
			"Times that the store's clock was more than a second from where it should have been.",
			"direction"),
		replicas: describe("holdfast_store_replicas",
			"Replicas that the store had in step when they were counted last; with --durability replica."),
		unreplicated: describe("holdfast_store_unreplicated_total",
			"Operations of unknown outcome, for too few replicas had in time what the store had done."),
	}
}

// Describe is for the registry.
func (m *storeMetrics) Describe(descs chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(m, descs)
}

// Collect is for the registry.
func (m *storeMetrics) Collect(metrics chan<- prometheus.Metric) {
	stats := m.stats()
	scanned := 0.0
	if !stats.ScanTime.IsZero() {
		scanned = float64(stats.ScanTime.UnixMilli()) / 1_000
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	count := func(desc *prometheus.Desc, value int64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value),
			labels...)
	}
	gauge(m.scanned, scanned)
	gauge(m.stocks, float64(stats.Stocks))
	gauge(m.due, float64(stats.DueHolds))
	gauge(m.committed, stats.OldestCommitted.Seconds())
	gauge(m.fenced, float64(stats.FencedStocks))
	count(m.losses, stats.Losses)
	count(m.failures, stats.MaintenanceFailures)
	count(m.steps, stats.ClockStepsForward, "forward")
	count(m.steps, stats.ClockStepsBackward, "backward")
	gauge(m.replicas, float64(stats.Replicas))
	count(m.unreplicated, stats.UnreplicatedOperations)
}
