package redisstore

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// BenchmarkReserve measures Reserve of three lines over 1,000 SKUs by 256 callers, without gRPC.
func BenchmarkReserve(b *testing.B) {
	ctx := context.Background()
	s, err := Open(ctx, Options{
		URL: realServer.URL(), Prefix: newPrefix(), Durability: DurabilityNone,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close(ctx) }()
	skus := make([]reservation.Line, 1000)
	for i := range skus {
		skus[i] = reservation.Line{
			SKU:      mustSKU(fmt.Sprintf("sku-%06d", i)),
			Quantity: must(reservation.NewQuantity(reservation.MaxQuantity)),
		}
	}
	request := reservation.RestockRequest{
		Stock: mustStock(""), Request: mustRequest("initial"), Lines: must(reservation.NewLines(skus)),
	}
	if _, err := s.Restock(ctx, request); err != nil {
		b.Fatal(err)
	}
	one := must(reservation.NewQuantity(1))
	var next atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(128)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := next.Add(1)
			lines := make([]reservation.Line, 3)
			for i := range lines {
				lines[i] = reservation.Line{SKU: skus[(n*7+int64(i)*331)%1000].SKU, Quantity: one}
			}
			_, err := s.Reserve(ctx, reservation.ReserveRequest{
				Stock: mustStock(""), ID: mustID(fmt.Sprintf("order-%012d", n)),
				Lines: must(reservation.NewLines(lines)),
			})
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}
