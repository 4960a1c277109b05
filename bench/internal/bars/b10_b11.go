package bars

import (
	"context"
	"fmt"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/report"
	"github.com/holdfast-dev/holdfast/bench/internal/stats"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
)

const (
	// calm is how long the latencies before an upheaval are measured, settling how long before
	// that the load begins.
	calm     = 4 * time.Second
	settling = time.Second
	// upheavalLimit bounds how long an upheaval is measured: longer than any bar allows. One that
	// takes longer counts as that long.
	upheavalLimit = 12 * time.Second
	// openCallers is how many calls of an open loop may be under way.
	openCallers = 1_024
	// openInterval is how finely an open loop's latencies are told apart in time.
	openInterval = 20 * time.Millisecond
)

// upheaval is what one repetition of B10 or B11 saw.
type upheaval struct {
	before, after time.Duration // p99
	took          time.Duration // until the last was done
}

// runUpheavals repeats an upheaval at half of the capacity and makes the claims about it.
func (b *bench) runUpheavals(
	ctx context.Context, what, done string, most float64,
	once func(ctx context.Context, s *lab.Subject, redis *lab.Redis, capacity float64) (
		upheaval, error),
) ([]report.Claim, error) {
	loader, err := b.lab.Loader(nil)
	if err != nil {
		return nil, err
	}
	s, redis, err := b.overRedis(ctx, arm.Config{Arm: arm.Ours}, cores{}, loader)
	if err != nil {
		return nil, err
	}
	full, err := b.fresh(s, lab.Plenty(spreadSKUs), b.closed(firmSpread()))(ctx)
	if err != nil {
		return nil, err
	}
	b.plan.Say(fmt.Sprintf("%s: the capacity is %.0f/s", b.bar, full.Rate))
	before := report.Arm{Name: "p99 before", Unit: "ms"}
	after := report.Arm{Name: "p99 after", Unit: "ms"}
	took := single(b.bar, done, "s", stats.AtMost(most))
	for i := range b.plan.Pairs {
		seen, err := once(ctx, s, redis, full.Rate)
		if err != nil {
			return nil, fmt.Errorf("repetition %d: %w", i+1, err)
		}
		before.Values = append(before.Values, micros(seen.before)/1e3)
		after.Values = append(after.Values, micros(seen.after)/1e3)
		took.Values = append(took.Values, seen.took.Seconds())
		b.plan.Say(fmt.Sprintf("%s %d/%d: p99 %v before, %v after; done after %v", b.bar, i+1,
			b.plan.Pairs, seen.before, seen.after, seen.took.Round(time.Millisecond)))
	}
	return []report.Claim{ratio(b.bar, what, stats.AtMost(2), after, before), took}, nil
}

// firmSpread is 3 lines over 1,000 SKUs, firm at once: what is held is the upheaval's alone.
func firmSpread() load.Work { return load.Work{SKUs: spreadSKUs, Lines: spreadLines} }

// open makes a job of an open loop.
func (b *bench) open(work load.Work, rate float64, most time.Duration) load.Job {
	return load.Job{
		Work: work, Callers: openCallers, Connections: connections, For: most, Rate: rate,
		Interval: openInterval,
	}
}

// watch sends an open loop at half of the capacity, lets the upheaval begin at a moment, waits
// until it is over and measures before and after.
func (b *bench) watch(
	ctx context.Context, s *lab.Subject, capacity float64, at time.Time,
	begin func(ctx context.Context) error, isOver func(ctx context.Context) (bool, error),
) (seen upheaval, err error) {
	job := s.Job(b.open(firmSpread(), capacity/2, time.Until(at)+upheavalLimit))
	if err := s.Loader.Start(job); err != nil {
		return seen, err
	}
	if err := pause(ctx, time.Until(at)); err != nil {
		return seen, err
	}
	if err := begin(ctx); err != nil {
		return seen, err
	}
	over, isDone, err := await(ctx, at, upheavalLimit, isOver)
	if err != nil {
		return seen, err
	}
	// The calls that were due until then are to be answered.
	if err := pause(ctx, openInterval); err != nil {
		return seen, err
	}
	if err := s.Loader.Stop(); err != nil {
		return seen, err
	}
	result, err := s.Loader.Finish(ctx, job.For)
	if err != nil {
		return seen, err
	}
	s.Count(result)
	seen.took = over.Sub(at)
	from, to := at.Sub(result.Started), over.Sub(result.Started)+openInterval
	seen.before, err = result.QuantileBetween(from-b.plan.span(calm), from, 99)
	if err != nil {
		return seen, err
	}
	if seen.after, err = result.QuantileBetween(from, to, 99); err != nil || isDone {
		return seen, err
	}
	// Late is measured; never is a fault.
	if _, isDone, err = await(ctx, time.Now(), setupLimit, isOver); err == nil && !isDone {
		err = fmt.Errorf("it was not over after %v", time.Since(at))
	}
	return seen, err
}

// await asks until something is over or a limit is met, and returns when that was.
func await(
	ctx context.Context, since time.Time, limit time.Duration,
	isOver func(ctx context.Context) (bool, error),
) (at time.Time, over bool, err error) {
	for time.Since(since) < limit {
		over, err := isOver(ctx)
		if err != nil || over {
			return time.Now(), over, err
		}
		if err := pause(ctx, openInterval/2); err != nil {
			return time.Now(), false, err
		}
	}
	return time.Now(), false, nil
}

// pause waits for so long, or until ctx ends.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runB10 lets 100,000 holds expire at once.
func runB10(ctx context.Context, b *bench) ([]report.Claim, error) {
	return b.runUpheavals(ctx,
		"100,000 holds expire at once: p99 until the last is reclaimed ÷ before",
		"100,000 holds expire at once: all are reclaimed within", 10, b.expire)
}

func (b *bench) expire(
	ctx context.Context, s *lab.Subject, redis *lab.Redis, capacity float64,
) (upheaval, error) {
	if err := s.Fill(ctx, lab.Plenty(spreadSKUs)); err != nil {
		return upheaval{}, err
	}
	count := b.plan.size(100_000)
	making := time.Second + time.Duration(1.3*float64(count)/capacity*float64(time.Second))
	at := time.Now().Add(making + settling + b.plan.span(calm)).Truncate(time.Millisecond)
	work := spread()
	work.TTL, work.Until = 0, at
	holds, err := b.reserveMany(ctx, s, work, count)
	if err != nil {
		return upheaval{}, err
	}
	if left := time.Until(at); left < settling+b.plan.span(calm) {
		return upheaval{}, fmt.Errorf("making %d holds left %v before they expire", count, left)
	}
	held := redisstore.DefaultPrefix + ":{" + s.Stock + "}:held"
	seen, err := b.watch(ctx, s, capacity, at, func(context.Context) error { return nil },
		func(ctx context.Context) (bool, error) {
			left, err := redis.Client.ZCard(ctx, held).Result()
			return left == 0, err
		})
	if err != nil {
		return upheaval{}, err
	}
	for sku, units := range holds.Result.Units {
		s.Expect(sku, -units)
	}
	return seen, s.Verify(ctx)
}

// runB11 lets one restock fill 10,000 who wait.
func runB11(ctx context.Context, b *bench) ([]report.Claim, error) {
	return b.runUpheavals(ctx,
		"one Restock fills 10,000 waiting: p99 until the last is filled ÷ before",
		"one Restock fills 10,000 waiting: all are filled within", 2, b.refill)
}

func (b *bench) refill(
	ctx context.Context, s *lab.Subject, _ *lab.Redis, capacity float64,
) (upheaval, error) {
	const sku = spreadSKUs // one more than the load draws from
	goods := lab.Plenty(spreadSKUs + 1)
	goods.Units[sku] = 0
	if err := s.Fill(ctx, goods); err != nil {
		return upheaval{}, err
	}
	allow := holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW
	if err := setMode(ctx, s, sku, allow); err != nil {
		return upheaval{}, err
	}
	count := b.plan.size(10_000)
	work := load.Work{SKUs: 1, FirstSKU: sku, Lines: 1}
	if _, err := b.reserveMany(ctx, s, work, count); err != nil {
		return upheaval{}, err
	}
	arrival := lab.Goods{SKUs: goods.SKUs[sku:], Units: []int64{int64(count)}}
	client := holdfastv1.NewStockServiceClient(s.Server.Conn)
	at := time.Now().Add(settling + b.plan.span(calm))
	seen, err := b.watch(ctx, s, capacity, at,
		func(ctx context.Context) error { return s.Restock(ctx, "arrival", arrival) },
		func(ctx context.Context) (bool, error) {
			got, err := client.GetStock(ctx, &holdfastv1.GetStockRequest{
				StockId: s.Stock, Sku: goods.SKUs[sku],
			})
			item := got.GetItem()
			return item.GetBackorderedQuantity() == 0 && item.GetFillingQuantity() == 0, err
		})
	if err != nil {
		return upheaval{}, err
	}
	s.Supplied(sku, int64(count))
	return seen, s.Verify(ctx)
}
