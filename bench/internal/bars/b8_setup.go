package bars

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
)

// shop is a stock of many SKUs and reservations that is written straight into Redis: by calls it
// would take minutes. What it writes is what calls leave behind, which is checked before it is
// used; see sameAsCalls.
type shop struct {
	redis *lab.Redis
	stock string
	skus  int
	// firm and held are how many reservations there are of each; the firm ones come first.
	firm, held int
	now        time.Time

	reserved []int64 // units by SKU, of all reservations
	taken    []int64 // units by SKU, of those written so far
}

// The policy of every SKU and the units on hand.
const (
	shopOnHand   = 1_000_000
	shopLimit    = 100
	shopLowStock = 10
	shopHold     = 24 * time.Hour
	// shopRun begins the ids of its reservations.
	shopRun = "shop00"
)

func (s *shop) key(name string) string {
	return redisstore.DefaultPrefix + ":{" + s.stock + "}:" + name
}

// draw returns the SKUs of a reservation's lines, always the same ones.
func (s *shop) draw(number int) [spreadLines]int {
	random := rand.New(rand.NewPCG(uint64(number), 1)) //nolint:gosec // draws
	first, step := random.IntN(s.skus), 1+random.IntN((s.skus-1)/spreadLines)
	var drawn [spreadLines]int
	for i := range drawn {
		drawn[i] = (first + i*step) % s.skus
	}
	return drawn
}

// count finds out what the reservations take of each SKU.
func (s *shop) count() {
	s.reserved, s.taken = make([]int64, s.skus), make([]int64, s.skus)
	for number := range s.firm + s.held {
		for _, sku := range s.draw(number) {
			s.reserved[sku]++
		}
	}
}

// The bounds of what goes to Redis at once.
const (
	shopChunk     = 500
	shopPipelines = 4
)

// each has write put what belongs to the numbers from one to another into pipelines, in order, and
// sends these, several at once.
func (s *shop) each(
	ctx context.Context, from, to int,
	write func(ctx context.Context, pipe goredis.Pipeliner, from, to int),
) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(shopPipelines)
	for at := from; at < to; at += shopChunk {
		pipe := s.redis.Client.Pipeline()
		write(ctx, pipe, at, min(at+shopChunk, to))
		group.Go(func() error {
			_, err := pipe.Exec(ctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("write the shop: %w", err)
	}
	return nil
}

// writeSKUs writes the SKUs as a Restock and a SetPolicy, and the reservations, leave them.
func (s *shop) writeSKUs(ctx context.Context) error {
	return s.each(ctx, 0, s.skus, func(
		ctx context.Context, pipe goredis.Pipeliner, from, to int,
	) {
		members := make([]goredis.Z, 0, to-from)
		items := make([]string, 0, 2*(to-from)) //nolint:mnd // SKUs and their values
		for number := from; number < to; number++ {
			sku := load.SKU(number)
			items = append(items, sku, fmt.Sprintf("%d %d\nbm 2\nbl %d\nls %d", shopOnHand,
				s.reserved[number], shopLimit, shopLowStock))
			members = append(members, goredis.Z{Member: sku})
		}
		pipe.HSet(ctx, s.key("items"), items)
		pipe.ZAdd(ctx, s.key("skus"), members...)
	})
}

// writeReservations writes the firm or the held reservations as a Reserve leaves them.
func (s *shop) writeReservations(ctx context.Context, held bool) error {
	from, to, index := 0, s.firm, s.key("committed")
	created := s.now.UnixMilli()
	score := created
	if held {
		from, to, index = s.firm, s.firm+s.held, s.key("held")
		score += shopHold.Milliseconds()
	}
	return s.each(ctx, from, to, func(
		ctx context.Context, pipe goredis.Pipeliner, from, to int,
	) {
		members := make([]goredis.Z, 0, to-from)
		for number := from; number < to; number++ {
			id := load.ID(shopRun, int64(number))
			fields := make([]any, 0, 2*(2+spreadLines)) //nolint:mnd // fields and their values
			ttl, state := int64(0), "2 1 0 0 0 0"
			if held {
				ttl, state = shopHold.Milliseconds(), fmt.Sprintf("1 1 %d 0 0 0", score)
			}
			fields = append(fields, "h", fmt.Sprintf("%d %d %d %d %s", created, number+1, spreadLines,
				ttl, s.fingerprint(number)), "s", state)
			for i, sku := range s.draw(number) {
				s.taken[sku]++
				fields = append(fields, "l"+strconv.Itoa(i+1),
					fmt.Sprintf("1 1 0 %d 1 %s", shopOnHand-s.taken[sku], load.SKU(sku)))
			}
			pipe.HSet(ctx, s.key("res:"+id), fields...)
			members = append(members, goredis.Z{Member: id, Score: float64(score)})
		}
		pipe.ZAdd(ctx, index, members...)
	})
}

// fingerprint has the length of a real one.
func (s *shop) fingerprint(number int) string { return fmt.Sprintf("shop%012d", number) }

// finish moves the sequence to where as many calls would have left it.
func (s *shop) finish(ctx context.Context) error {
	err := s.redis.Client.HSet(ctx, s.key("meta"), "sequence", 2*s.skus+s.firm+s.held).Err()
	if err != nil {
		return fmt.Errorf("write the shop: %w", err)
	}
	return nil
}

// write writes everything.
func (s *shop) write(ctx context.Context) error {
	s.count()
	return errors.Join(s.writeSKUs(ctx), s.writeReservations(ctx, false),
		s.writeReservations(ctx, true))
}
