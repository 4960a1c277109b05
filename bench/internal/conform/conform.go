// Package conform holds an arm against the model of the contract, over gRPC, before it is measured:
// who is measured must do the work.
package conform

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Abilities are what an arm has besides Reserve of every line or none, policies and figures.
type Abilities struct {
	// Partial is Reserve in partial mode.
	Partial bool
	// Fills is a restock that serves who waits.
	Fills bool
	// Expires is that a hold which is due makes no answer worse.
	Expires bool
}

// Check sends the same calls to an arm and to the oracle, a server over the model, and returns the
// first difference. seed decides the calls.
func Check(
	ctx context.Context, arm, oracle *grpc.ClientConn, can Abilities, seed uint64, calls int,
) error {
	r := &run{
		can: can, random: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // a replay needs it
		stock: fmt.Sprintf("conform-%d", seed), sides: [2]side{sideOf(arm), sideOf(oracle)},
	}
	for name, part := range map[string]func(ctx context.Context) error{
		"the contract's table": r.table, "holds that are due": r.due,
	} {
		if err := part(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	for call := range calls {
		if err := r.step(ctx); err != nil {
			return fmt.Errorf("call %d of seed %d: %w", call+1, seed, err)
		}
	}
	return nil
}

// side is one of the two that are held against each other.
type side struct {
	reservations holdfastv1.ReservationServiceClient
	stock        holdfastv1.StockServiceClient
}

func sideOf(conn *grpc.ClientConn) side {
	return side{
		holdfastv1.NewReservationServiceClient(conn), holdfastv1.NewStockServiceClient(conn),
	}
}

type run struct {
	can    Abilities
	random *rand.Rand
	stock  string
	sides  [2]side // the arm, the oracle
	number int
	past   []*holdfastv1.ReserveRequest
}

// skus are few, so that queues grow and lines meet; one is unknown.
func skus() []string { return []string{"A", "b", "C d", "e", "unknown"} }

func (r *run) id(kind string) string {
	r.number++
	return fmt.Sprintf("%s-%d", kind, r.number)
}

func (r *run) pick(list ...int64) int64 { return list[r.random.IntN(len(list))] }

// prepare gives both sides the same stock.
func (r *run) prepare(ctx context.Context) error {
	request := &holdfastv1.RestockRequest{StockId: r.stock, RequestId: r.id("supply")}
	for _, sku := range skus()[:len(skus())-1] {
		request.Lines = append(request.Lines, &holdfastv1.LineQuantity{Sku: sku, Quantity: 40})
	}
	return r.restock(ctx, request)
}

func (r *run) step(ctx context.Context) error {
	switch dice := r.random.IntN(100); {
	case dice < 60:
		request := &holdfastv1.ReserveRequest{
			StockId: r.stock, ReservationId: r.id("order"), Lines: r.lines(4),
		}
		if r.can.Partial && r.random.IntN(4) == 0 {
			request.Mode = holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL
		}
		if r.random.IntN(2) == 0 {
			request.Ttl = durationpb.New(time.Hour)
		}
		r.past = append(r.past, request)
		return r.reserve(ctx, request)
	case dice < 70 && len(r.past) > 0:
		request := r.past[r.random.IntN(len(r.past))]
		if r.random.IntN(3) == 0 {
			request = &holdfastv1.ReserveRequest{
				StockId: r.stock, ReservationId: request.GetReservationId(), Lines: r.lines(2),
			}
		}
		return r.reserve(ctx, request)
	case dice < 80 && r.can.Fills:
		return r.restock(ctx, &holdfastv1.RestockRequest{
			StockId: r.stock, RequestId: r.id("arrival"), Lines: r.known(r.lines(2)),
		})
	case dice < 95:
		return r.setPolicy(ctx, skus()[r.random.IntN(len(skus())-1)])
	}
	return r.setPolicy(ctx, "")
}

func (r *run) lines(most int) []*holdfastv1.LineQuantity {
	lines := make([]*holdfastv1.LineQuantity, 1+r.random.IntN(most))
	for i := range lines {
		at := r.random.IntN(len(skus()) - 1)
		if r.random.IntN(40) == 0 {
			at = len(skus()) - 1
		}
		lines[i] = &holdfastv1.LineQuantity{Sku: skus()[at], Quantity: 1 + r.random.Int64N(12)}
	}
	return lines
}

// known leaves out lines of the unknown SKU, which a restock would create.
func (r *run) known(lines []*holdfastv1.LineQuantity) []*holdfastv1.LineQuantity {
	for _, line := range lines {
		if line.Sku == skus()[len(skus())-1] {
			line.Sku = skus()[0]
		}
	}
	return lines
}

func (r *run) policy() *holdfastv1.Policy {
	p := &holdfastv1.Policy{}
	switch r.random.IntN(5) {
	case 0:
		mode := holdfastv1.BackorderMode(r.pick(1, 2, 3))
		p.BackorderMode = &mode
	case 1:
		limit := r.pick(0, 5, 30, 1_000_000_000_000)
		p.BackorderLimit = &limit
	case 2:
		safety := r.pick(0, 2, 7)
		p.SafetyStock = &safety
	case 3:
		least, most, step := r.pick(1, 2), r.pick(6, 10, 1000), r.pick(1, 2)
		p.MinQuantity, p.MaxQuantity, p.QuantityIncrement = &least, &most, &step
	case 4:
		sellable, tracked := r.random.IntN(6) > 0, r.random.IntN(6) > 0
		p.Sellable, p.Tracked = &sellable, &tracked
	}
	return p
}

// table is the table of the contract, section 3.
func (r *run) table(ctx context.Context) error {
	allow, deny := int64(2), int64(1)
	limit, safety := int64(10), int64(2)
	for _, row := range []struct {
		available     int64
		mode          int64
		limit, safety *int64
		asks          [][]int64
	}{
		{3, allow, nil, nil, [][]int64{{5}, {5}}},
		{3, deny, nil, nil, [][]int64{{5}}},
		{10, allow, &limit, nil, [][]int64{{15}, {6}}},
		{10, allow, nil, nil, [][]int64{{20, 20}}},
		{10, deny, nil, nil, [][]int64{{8, 5}, {12, 5}}},
		{5, deny, nil, &safety, [][]int64{{4}, {3}}},
	} {
		sku := r.id("row")
		err := r.restock(ctx, &holdfastv1.RestockRequest{
			StockId: r.stock, RequestId: r.id("supply"),
			Lines: []*holdfastv1.LineQuantity{{Sku: sku, Quantity: row.available}},
		})
		if err != nil {
			return err
		}
		mode := holdfastv1.BackorderMode(row.mode)
		policy := &holdfastv1.Policy{
			BackorderMode: &mode, BackorderLimit: row.limit, SafetyStock: row.safety,
		}
		if err := r.set(ctx, sku, policy); err != nil {
			return err
		}
		for _, ask := range row.asks {
			request := &holdfastv1.ReserveRequest{StockId: r.stock, ReservationId: r.id("order")}
			for _, quantity := range ask {
				request.Lines = append(request.Lines,
					&holdfastv1.LineQuantity{Sku: sku, Quantity: quantity})
			}
			if err := r.reserve(ctx, request); err != nil {
				return err
			}
		}
	}
	return nil
}

// due lets a hold run out and asks for its units.
func (r *run) due(ctx context.Context) error {
	if !r.can.Expires {
		return nil
	}
	sku := r.id("short")
	lines := []*holdfastv1.LineQuantity{{Sku: sku, Quantity: 5}}
	supply := &holdfastv1.RestockRequest{StockId: r.stock, RequestId: r.id("supply"), Lines: lines}
	hold := &holdfastv1.ReserveRequest{
		StockId: r.stock, ReservationId: r.id("hold"), Lines: lines, Ttl: durationpb.New(time.Second),
	}
	if err := errors.Join(r.restock(ctx, supply), r.reserve(ctx, hold)); err != nil {
		return err
	}
	timer := time.NewTimer(1100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return r.reserve(ctx, &holdfastv1.ReserveRequest{
		StockId: r.stock, ReservationId: r.id("late"), Lines: lines,
	})
}
