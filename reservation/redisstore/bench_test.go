package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// BenchmarkReserve measures Reserve by 256 callers without gRPC: what a call costs in this process,
// and what its script costs in Redis. Processor time is the figure to compare on a shared machine.
func BenchmarkReserve(b *testing.B) {
	for name, shape := range map[string]struct{ lines, skus int }{
		"hot": {lines: 1, skus: 1}, "wide": {lines: 3, skus: 1_000},
	} {
		b.Run(name, func(b *testing.B) { benchReserve(b, shape.lines, shape.skus) })
	}
}

func benchReserve(b *testing.B, lines, skus int) {
	b.Helper()
	ctx := context.Background()
	s, err := Open(ctx, Options{
		URL: realServer.URL(), Prefix: newPrefix(), Durability: DurabilityNone,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close(ctx) }()
	supply := make([]reservation.Line, skus)
	for i := range supply {
		supply[i] = reservation.Line{
			SKU:      mustSKU(fmt.Sprintf("sku-%06d", i)),
			Quantity: must(reservation.NewQuantity(reservation.MaxQuantity)),
		}
	}
	request := reservation.RestockRequest{
		Stock: mustStock(""), Request: mustRequest("initial"), Lines: must(reservation.NewLines(supply)),
	}
	if _, err := s.Restock(ctx, request); err != nil {
		b.Fatal(err)
	}
	one := must(reservation.NewQuantity(1))
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(128)
	before, own := cpuOfStore(ctx, b, s), cpuOfProcess(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := next.Add(1)
			asked := make([]reservation.Line, lines)
			for i := range asked {
				asked[i] = reservation.Line{
					SKU: supply[(n*7+int64(i)*331)%int64(skus)].SKU, Quantity: one,
				}
			}
			_, err := s.Reserve(ctx, reservation.ReserveRequest{
				Stock: mustStock(""), ID: mustID(fmt.Sprintf("order-%012d", n)),
				Lines: must(reservation.NewLines(asked)),
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64((cpuOfProcess(b)-own).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
	b.ReportMetric((cpuOfStore(ctx, b, s)-before)*1e6/float64(b.N), "store-cpu-µs/op")
}

// cpuOfProcess returns the CPU time that this process has taken.
func cpuOfProcess(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// cpuOfStore returns the CPU time that the store's process has taken, in seconds.
func cpuOfStore(ctx context.Context, b *testing.B, s *Store) float64 {
	b.Helper()
	text, err := s.client.Info(ctx, "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	var sum float64
	info := parseInfo(text)
	for _, name := range []string{"used_cpu_user", "used_cpu_sys"} {
		seconds, err := strconv.ParseFloat(info[name], 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += seconds
	}
	return sum
}
