package redisstore

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// benchOrders is how many reservations of three lines the stock of [BenchmarkAudit] has.
const benchOrders = 20_000

// BenchmarkAudit measures what looking at a whole stock takes of the store: each reading step of
// the largest size that a walk asks for, and a whole audit and repair.
func BenchmarkAudit(b *testing.B) {
	ctx := context.Background()
	s, err := Open(ctx, Options{
		URL: realServer.URL(), Prefix: newPrefix(), Durability: DurabilityNone, quiet: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close(ctx) }()
	stock := mustStock("")
	ids, skus := benchStock(ctx, b, s)
	keys := s.keys.of(stock)
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"records=64x3", func() error {
			_, _, err := s.readRecords(ctx, stock, ids[:recordsAtOnce])
			return err
		}},
		{"records=1x1000", func() error {
			_, _, err := s.readRecords(ctx, stock, []string{"whole"})
			return err
		}},
		{"skus=64", func() error {
			_, _, _, err := s.readFigures(ctx, stock, skus[:recordsAtOnce])
			return err
		}},
		{"queue=100", func() error {
			_, _, err := s.readMoment(ctx, scriptAuditQueue, stock, nil, "waited", "-inf", queuePage)
			return err
		}},
		{"scan=1000", func() error {
			return s.client.Scan(ctx, 0, keys.base+"*", scanPage).Err()
		}},
		{"audit=20000", func() error {
			_, err := s.Audit(ctx, reservation.AuditRequest{Stock: stock},
				func(reservation.AuditReport) error { return nil })
			return err
		}},
		{"repair=20000", func() error {
			_, err := s.Repair(ctx, reservation.RepairRequest{Stock: stock, SKU: mustSKU(skus[0])})
			return err
		}},
	} {
		b.Run(step.name, func(b *testing.B) {
			before := cpuOfStore(ctx, b, s)
			for b.Loop() {
				if err := step.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpuOfStore(ctx, b, s)-before)*1e6/float64(b.N), "store-cpu-µs/op")
		})
	}
}

// benchStock makes 1,000 SKUs, orders of three lines over them, one order of 1,000 lines, and a SKU
// for which 1,000 wait. It returns the orders and the SKUs.
func benchStock(ctx context.Context, b *testing.B, s *Store) (ids, skus []string) {
	b.Helper()
	supply := make([]reservation.Line, 1_000)
	skus = make([]string, len(supply))
	for i := range supply {
		skus[i] = fmt.Sprintf("sku-%06d", i)
		supply[i] = reservation.Line{
			SKU: mustSKU(skus[i]), Quantity: must(reservation.NewQuantity(reservation.MaxQuantity)),
		}
	}
	whole := must(reservation.NewLines(supply))
	for n := range 2 { // one for the order of 1,000 lines
		if _, err := s.Restock(ctx, reservation.RestockRequest{
			Stock: mustStock(""), Request: mustRequest(fmt.Sprint("in-", n)), Lines: whole,
		}); err != nil {
			b.Fatal(err)
		}
	}
	setMode(b, s, "waited", reservation.BackorderAllow) //nolint:contextcheck // a test's own
	order := func(id string, lines reservation.Lines) {
		_, err := s.Reserve(ctx, reservation.ReserveRequest{
			Stock: mustStock(""), ID: mustID(id), Lines: lines,
		})
		if err != nil {
			b.Error(err)
		}
	}
	order("whole", whole)
	ids = make([]string, benchOrders)
	var callers sync.WaitGroup
	for caller := range 256 {
		callers.Go(func() {
			for n := caller; n < benchOrders; n += 256 {
				ids[n] = fmt.Sprintf("order-%012d", n)
				order(ids[n], linesOf(skus[n%1_000], 1, skus[(n+331)%1_000], 1, skus[(n+662)%1_000], 1))
			}
			for n := caller; n < 1_000; n += 256 {
				order(fmt.Sprintf("waits-%04d", n), linesOf("waited", 1))
			}
		})
	}
	callers.Wait()
	return ids, skus
}
