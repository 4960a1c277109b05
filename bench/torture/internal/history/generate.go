package history

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Two SKUs, one that may be backordered, and few ids, so that callers meet each other everywhere.
const (
	reservationIDs = 7
	requestIDs     = 9
	limit          = 4
	longHold       = time.Hour
	shortHold      = time.Second
)

func skus() []string { return []string{"A", "B"} }

// generator makes requests for one client.
type generator struct {
	random *rand.Rand
	// expiring says that some holds are short.
	expiring bool
	// repeatable says that servers may send what they were asked for twice, as they do after a lost
	// answer. A hold that is extended twice is told of twice.
	repeatable bool
}

// first returns what is done before the clients begin.
func first(stock string) []proto.Message {
	allow, few := holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW, int64(limit)
	deny := holdfastv1.BackorderMode_BACKORDER_MODE_DENY
	return []proto.Message{
		&holdfastv1.SetPolicyRequest{
			StockId: stock, Sku: "A",
			Policy: &holdfastv1.Policy{BackorderMode: &deny, BackorderLimit: &few},
		},
		&holdfastv1.SetPolicyRequest{
			StockId: stock, Sku: "B",
			Policy: &holdfastv1.Policy{BackorderMode: &allow, BackorderLimit: &few},
		},
		&holdfastv1.RestockRequest{
			StockId: stock, RequestId: "first", Lines: []*holdfastv1.LineQuantity{
				{Sku: "A", Quantity: 5}, {Sku: "B", Quantity: 3},
			},
		},
	}
}

// last returns what is looked at after the clients have ended.
func last(stock string) []proto.Message {
	list := []proto.Message{&holdfastv1.BatchGetStockRequest{StockId: stock, Skus: skus()}}
	for n := range reservationIDs {
		list = append(list, &holdfastv1.GetReservationRequest{
			StockId: stock, ReservationId: fmt.Sprintf("r%d", n),
		})
	}
	return list
}

func (g *generator) reservation() string {
	return fmt.Sprintf("r%d", g.random.IntN(reservationIDs))
}

func (g *generator) request() string { return fmt.Sprintf("q%d", g.random.IntN(requestIDs)) }

func (g *generator) lines() []*holdfastv1.LineQuantity {
	var lines []*holdfastv1.LineQuantity
	for range 1 + g.random.IntN(2) {
		lines = append(lines, &holdfastv1.LineQuantity{
			Sku: skus()[g.random.IntN(2)], Quantity: 1 + g.random.Int64N(2),
		})
	}
	return lines
}

// next makes the next request.
func (g *generator) next(stock string) proto.Message {
	switch g.random.IntN(20) {
	case 0, 1, 2, 3, 4:
		return g.reserve(stock)
	case 5, 6:
		return &holdfastv1.CommitRequest{
			StockId: stock, ReservationId: g.reservation(), Reacquire: g.random.IntN(3) == 0,
		}
	case 7, 8:
		return &holdfastv1.ReleaseRequest{
			StockId: stock, ReservationId: g.reservation(), AllowMissing: g.random.IntN(4) == 0,
		}
	case 9:
		return &holdfastv1.ReleaseRequest{
			StockId: stock, ReservationId: g.reservation(), RequestId: g.request(),
			Lines: g.lines()[:1],
		}
	case 10:
		return &holdfastv1.FulfillRequest{StockId: stock, ReservationId: g.reservation()}
	case 11:
		return &holdfastv1.FulfillRequest{
			StockId: stock, ReservationId: g.reservation(), RequestId: g.request(),
			Lines: g.lines()[:1],
		}
	case 12:
		if g.repeatable {
			return g.reserve(stock)
		}
		return &holdfastv1.ExtendRequest{
			StockId: stock, ReservationId: g.reservation(), Ttl: durationpb.New(g.hold()),
		}
	case 13:
		return &holdfastv1.RestockRequest{
			StockId: stock, RequestId: g.request(), Lines: g.lines(),
		}
	case 14:
		return &holdfastv1.AdjustStockRequest{
			StockId: stock, RequestId: g.request(), Lines: []*holdfastv1.StockAdjustment{
				{Sku: skus()[g.random.IntN(2)], Delta: g.random.Int64N(2)*3 - 1, Reason: "count"},
			},
		}
	case 15:
		return g.count(stock)
	case 16:
		return &holdfastv1.CheckAvailabilityRequest{StockId: stock, Lines: g.lines()}
	case 17:
		return &holdfastv1.BatchGetStockRequest{StockId: stock, Skus: skus()}
	}
	return &holdfastv1.GetReservationRequest{StockId: stock, ReservationId: g.reservation()}
}

func (g *generator) hold() time.Duration {
	if g.expiring && g.random.IntN(3) > 0 {
		return shortHold
	}
	return longHold
}

func (g *generator) reserve(stock string) proto.Message {
	request := &holdfastv1.ReserveRequest{
		StockId: stock, ReservationId: g.reservation(), Lines: g.lines(),
	}
	if g.random.IntN(3) > 0 {
		request.Ttl = durationpb.New(g.hold())
	}
	if g.random.IntN(3) == 0 {
		request.Mode = holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL
	}
	if other := g.reservation(); g.random.IntN(6) == 0 && other != request.ReservationId {
		request.Replaces = other
	}
	return request
}

func (g *generator) count(stock string) proto.Message {
	counted := &holdfastv1.StockCount{
		Sku: skus()[g.random.IntN(2)], OnHandQuantity: g.random.Int64N(6),
	}
	if g.random.IntN(2) == 0 {
		expected := g.random.Int64N(6)
		counted.ExpectedOnHandQuantity = &expected
	}
	return &holdfastv1.SetStockRequest{
		StockId: stock, RequestId: g.request(), Lines: []*holdfastv1.StockCount{counted},
	}
}
