package books

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

const (
	// mostOrders bounds the books, and with them the journals: the last 100,000 events of a stock
	// can be read again, and an order has about four.
	mostOrders = 30_000
	// firstUnits are there of every SKU at the start: some orders find them, some do not.
	firstUnits = 30
	// patience is how long one thing may take that has to be done when all faults are over.
	patience = 30 * time.Second
)

// Options say who calls, and for what.
type Options struct {
	// Stocks are the names of those that are sold from; none: two of them.
	Stocks []string
	// Clients are the servers; a caller begins with one and goes to the next after a failure.
	Clients []*rig.Client
	// Callers call at the same time.
	Callers int
	// Timeout is how long a caller waits for an answer.
	Timeout time.Duration
	// Transit is how long a request may be on its way to a server: gRPC tells a server how long its
	// caller waits, not until when.
	Transit time.Duration
	// HalfCancel says that every other call is given up at a random moment of its first ten
	// milliseconds.
	HalfCancel bool
	// Impatient callers try once, and look at what became of it as soon as that is final: whoever
	// tries again would not see what takes effect too late.
	Impatient bool
	// Resends says that what is open is found out by sending it again and not by a look: a look shows
	// what the store has, also what may still be lost with it.
	Resends bool
	// Seed decides what is called.
	Seed uint64
	// MayLose says that the store promises nothing over its own end: what is lost is counted and no
	// finding.
	MayLose bool
}

// Books are callers and what they were told.
type Books struct {
	ledger

	options Options
	stocks  []string
	skus    []string

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Open opens books for the stocks and gives them something to sell: two SKUs that may be
// backordered and two that may not. The servers must be well.
func Open(ctx context.Context, options Options) (*Books, error) {
	b := &Books{
		ledger:  ledger{mayLose: options.MayLose},
		options: options,
		stocks:  options.Stocks,
		skus:    []string{"A", "B", "C", "D"},
	}
	if len(b.stocks) == 0 {
		b.stocks = []string{"shop", "outlet"}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	errs := make([]error, len(b.stocks))
	var opening sync.WaitGroup
	places := make(chan struct{}, resolvers)
	for at, stock := range b.stocks {
		places <- struct{}{}
		opening.Go(func() {
			defer func() { <-places }()
			for n, sku := range b.skus {
				errs[at] = errors.Join(errs[at], b.open(ctx, stock, sku, n%2 == 1))
			}
		})
	}
	opening.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("open the books: %w", err)
	}
	return b, nil
}

// open creates a SKU and has its first units arrive.
func (b *Books) open(ctx context.Context, stock, sku string, mayWait bool) error {
	mode, limit := holdfastv1.BackorderMode_BACKORDER_MODE_DENY, int64(2*firstUnits)
	if mayWait {
		mode = holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW
	}
	_, err := b.client(0).Stock.SetPolicy(ctx, &holdfastv1.SetPolicyRequest{
		StockId: stock, Sku: sku,
		Policy: &holdfastv1.Policy{BackorderMode: &mode, BackorderLimit: &limit},
	})
	if err != nil {
		return err
	}
	first := arriving(stock, sku, "first-"+sku, firstUnits)
	if _, _, err := first.send(ctx, b.client(0)); err != nil {
		return err
	}
	b.enterSupply(&supply{stock: stock, sku: sku, units: firstUnits, isDone: true})
	return nil
}

// Start has the callers begin; Stop ends them.
func (b *Books) Start(ctx context.Context) {
	ctx, b.stop = context.WithCancel(ctx)
	for n := range b.options.Callers {
		c := &caller{
			books: b, name: fmt.Sprintf("c%d", n), at: n,
			random: rand.New(rand.NewPCG(b.options.Seed, uint64(1000+n))),
		}
		b.running.Go(func() { c.run(ctx) })
	}
}

// Stop has the callers end, each after the call that it makes.
func (b *Books) Stop() {
	b.stop()
	b.running.Wait()
}

// Counts returns what was seen so far.
func (b *Books) Counts() Counts { return b.snapshot() }

// client returns the n-th client, round and round.
func (b *Books) client(n int) *rig.Client { return b.options.Clients[n%len(b.options.Clients)] }
