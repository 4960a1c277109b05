package lab

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Goods are what a stock has on hand.
type Goods struct {
	SKUs  []string
	Units []int64 // of each
}

// Plenty returns SKUs that no run sells out.
func Plenty(skus int) Goods {
	g := Goods{SKUs: make([]string, skus), Units: make([]int64, skus)}
	for i := range skus {
		g.SKUs[i], g.Units[i] = load.SKU(i), reservation.MaxQuantity
	}
	return g
}

// Subject is what is measured: a server of an arm, its store and what sends the load. It keeps
// count of what was granted, and the store's figures must agree.
type Subject struct {
	Arm    arm.Name
	Server *Server
	Loader *Loader
	// Empty forgets all that the store holds; nil where there is no store.
	Empty func(ctx context.Context) error
	// Settle gets the store ready for work once a stock has its goods; nil: nothing is to be done.
	Settle func(ctx context.Context) error
	// StoreCPU returns the processor time that the store has used; nil where nobody asks.
	StoreCPU func(ctx context.Context) (time.Duration, error)
	// Label begins the names of its stocks; subjects that share a store have different ones.
	Label string
	Stock string

	runs    int
	goods   Goods
	granted []int64 // units by SKU of goods
}

// Sample is what one run measured.
type Sample struct {
	Rate             float64 // calls answered in a second
	Granted, Refused int64
	P50, P99         time.Duration
	ServerCPU        time.Duration // a call
	StoreCPU         time.Duration // a call; 0 where nobody asked
	Result           *load.Result  `json:"-"`
}

// Fill gives the subject a new stock with goods, which is empty otherwise, and forgets the old one.
func (s *Subject) Fill(ctx context.Context, goods Goods) error {
	if s.Empty != nil {
		if err := s.Empty(ctx); err != nil {
			return err
		}
	}
	return s.Open(ctx, goods)
}

// Open gives the subject a new stock with goods beside those that are there.
func (s *Subject) Open(ctx context.Context, goods Goods) error {
	s.runs++
	s.Stock = fmt.Sprintf("%s-%06d", cmp.Or(s.Label, "bench"), s.runs)
	s.goods, s.granted = goods, make([]int64, len(goods.SKUs))
	if s.Empty == nil {
		return nil
	}
	if err := s.Restock(ctx, "supply", goods); err != nil || s.Settle == nil {
		return err
	}
	return s.Settle(ctx)
}

// Adopt takes what the stock has by other means for the subject's own: goods, and the units of
// each that are reserved.
func (s *Subject) Adopt(goods Goods, reserved []int64) { s.goods, s.granted = goods, reserved }

// Restock adds units to the stock; the subject does not count them as its own.
func (s *Subject) Restock(ctx context.Context, id string, goods Goods) error {
	client := holdfastv1.NewStockServiceClient(s.Server.Conn)
	var lines []*holdfastv1.LineQuantity
	for i, sku := range goods.SKUs {
		// A restock line holds 10^9 units; some real orders ask for more over the months.
		for left := goods.Units[i]; left > 0; {
			units := min(left, reservation.MaxQuantity)
			lines = append(lines, &holdfastv1.LineQuantity{Sku: sku, Quantity: units})
			left -= units
		}
	}
	number := 0
	for chunk := range slices.Chunk(lines, reservation.MaxLines) {
		number++
		_, err := client.Restock(ctx, &holdfastv1.RestockRequest{
			StockId: s.Stock, RequestId: fmt.Sprintf("%s-%d", id, number), Lines: chunk,
		})
		if err != nil {
			return fmt.Errorf("arm %s: restock: %w", s.Arm, err)
		}
	}
	return nil
}

// Job fills in what every job of the subject has in common.
func (s *Subject) Job(job load.Job) load.Job {
	s.runs++
	job.Address, job.Work.Stock = s.Server.Address, s.Stock
	job.Work.Run = fmt.Sprintf("r%05d", s.runs)
	job.Work.Seed = uint64(s.runs)
	return job
}

// Run runs a job and samples it.
func (s *Subject) Run(ctx context.Context, job load.Job) (Sample, error) {
	before, err := s.usage(ctx)
	if err != nil {
		return Sample{}, err
	}
	result, err := s.Loader.Run(ctx, s.Job(job))
	if err != nil {
		return Sample{}, fmt.Errorf("arm %s: %w", s.Arm, err)
	}
	after, err := s.usage(ctx)
	if err != nil {
		return Sample{}, err
	}
	s.Count(result)
	return s.sample(result, after.server-before.server, after.store-before.store)
}

func (s *Subject) sample(result *load.Result, server, store time.Duration) (Sample, error) {
	calls := time.Duration(result.Answered())
	sample := Sample{
		Rate: result.Rate(), Granted: result.Granted, Refused: result.Refused,
		ServerCPU: server / calls, StoreCPU: store / calls, Result: result,
	}
	var err error
	if sample.P50, err = result.Quantile(50); err != nil {
		return Sample{}, err
	}
	sample.P99, err = result.Quantile(99)
	return sample, err
}

type usage struct{ server, store time.Duration }

func (s *Subject) usage(ctx context.Context) (u usage, err error) {
	if u.server, err = s.Server.CPU(ctx); err != nil {
		return u, err
	}
	if s.StoreCPU != nil {
		u.store, err = s.StoreCPU(ctx)
	}
	return u, err
}

// Count adds what a job was granted to the subject's own count.
func (s *Subject) Count(result *load.Result) {
	for sku, units := range result.Units {
		s.granted[sku] += units
	}
}

// Expect adds units of a SKU to the subject's own count.
func (s *Subject) Expect(sku int, units int64) { s.granted[sku] += units }

// Supplied adds units of a SKU to what the subject takes for on hand.
func (s *Subject) Supplied(sku int, units int64) { s.goods.Units[sku] += units }

// Verify holds the store's figures against what was granted: of every SKU reserved is what the
// callers were told, and on hand is what arrived. An arm that grants without taking, or takes
// without granting, is caught here.
func (s *Subject) Verify(ctx context.Context) error {
	if s.Empty == nil {
		return nil
	}
	client := holdfastv1.NewStockServiceClient(s.Server.Conn)
	at := 0
	for names := range slices.Chunk(s.goods.SKUs, reservation.MaxPageSize) {
		got, err := client.BatchGetStock(ctx, &holdfastv1.BatchGetStockRequest{
			StockId: s.Stock, Skus: names,
		})
		if err != nil {
			return fmt.Errorf("arm %s: read the stock back: %w", s.Arm, err)
		}
		for i, item := range got.GetItems() {
			if err := s.verify(item, at+i); err != nil {
				return err
			}
		}
		at += len(got.GetItems())
	}
	if at != len(s.goods.SKUs) {
		return fmt.Errorf("arm %s: %d SKUs read back, not %d", s.Arm, at, len(s.goods.SKUs))
	}
	return nil
}

func (s *Subject) verify(item *holdfastv1.StockItem, sku int) error {
	switch {
	case item.GetSku() != s.goods.SKUs[sku]:
		return fmt.Errorf("arm %s: SKU %s read back as %s", s.Arm, s.goods.SKUs[sku], item.GetSku())
	case item.GetReservedQuantity() != s.granted[sku]:
		return fmt.Errorf("arm %s: of %s %d units are reserved, but %d were granted", s.Arm,
			item.GetSku(), item.GetReservedQuantity(), s.granted[sku])
	case item.GetOnHandQuantity() != s.goods.Units[sku]:
		return fmt.Errorf("arm %s: of %s %d units are on hand, but %d arrived", s.Arm,
			item.GetSku(), item.GetOnHandQuantity(), s.goods.Units[sku])
	}
	return nil
}
