package redisstore

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

func mustStock(name string) reservation.StockID { return must(reservation.ParseStockID(name)) }

func mustSKU(name string) reservation.SKU { return must(reservation.ParseSKU(name)) }

func mustID(name string) reservation.ReservationID {
	return must(reservation.ParseReservationID(name))
}

func mustRequest(name string) reservation.RequestID {
	return must(reservation.ParseRequestID(name))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// linesOf makes lines of a SKU and units, one after the other.
func linesOf(sku string, units int64, more ...any) reservation.Lines {
	list := []reservation.Line{{SKU: mustSKU(sku), Quantity: must(reservation.NewQuantity(units))}}
	for pair := range slices.Chunk(more, 2) {
		list = append(list, reservation.Line{
			SKU:      mustSKU(fmt.Sprint(pair[0])),
			Quantity: must(reservation.NewQuantity(int64(pair[1].(int)))),
		})
	}
	return must(reservation.NewLines(list))
}

// reserveOf asks for one unit.
func reserveOf(id, sku string) reservation.ReserveRequest {
	return reservation.ReserveRequest{
		Stock: mustStock(""), ID: mustID(id), Lines: linesOf(sku, 1),
	}
}

func restockOf(request, sku string, units int64) reservation.RestockRequest {
	return reservation.RestockRequest{
		Stock: mustStock(""), Request: mustRequest(request), Lines: linesOf(sku, units),
	}
}

// stocked opens a store on the shared real server with 1,000 units of the SKU "mug".
func stocked(t *testing.T, options Options) *Store {
	t.Helper()
	s := openReal(t, options)
	restock(t, s, "initial", "mug", 1_000)
	return s
}

func restock(t *testing.T, s *Store, request, sku string, units int64) {
	t.Helper()
	if _, err := s.Restock(context.Background(), restockOf(request, sku, units)); err != nil {
		t.Fatal(err)
	}
}

// reservedOf returns how many units of the SKU "mug" are reserved.
func reservedOf(ctx context.Context, t *testing.T, s *Store) int64 {
	t.Helper()
	mug := []reservation.SKU{mustSKU("mug")}
	answer, err := s.Items(ctx, mustStock(""), mug)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Items[0].Reserved
}

func wantReason(t *testing.T, err error, reason reservation.Reason) {
	t.Helper()
	if err == nil || reservation.ReasonOf(err) != reason {
		t.Fatalf("got %v, want the reason %s", err, reason)
	}
}
