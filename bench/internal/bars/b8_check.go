package bars

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
)

// sameAsCalls makes a small shop by the store's own calls and another by writing it, and returns an
// error where a key of a SKU or a reservation, or an index, is not the same or takes other memory.
func sameAsCalls(ctx context.Context, redis *lab.Redis, like shop) (err error) {
	store, err := redisstore.Open(ctx, redisstore.Options{
		URL: redis.URL, Durability: redisstore.DurabilityNone,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	called, written := like, like
	called.stock, written.stock = "sample-called", "sample-wrote"
	for _, s := range []*shop{&called, &written} {
		s.skus, s.firm, s.held = 7, 1, 1
	}
	if err := callShop(ctx, store, &called); err != nil {
		return err
	}
	if err := written.write(ctx); err != nil {
		return err
	}
	keys, err := redis.Client.Keys(ctx, written.key("*")).Result()
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	const ofTheStock = 4 // items, and the indexes of SKUs, of firm and of held reservations
	if len(keys) != written.firm+written.held+ofTheStock {
		return fmt.Errorf("the written shop has the keys %v", keys)
	}
	for _, key := range keys {
		same := strings.Replace(key, written.stock, called.stock, 1)
		got, gotErr := describe(ctx, redis, key)
		want, wantErr := describe(ctx, redis, same)
		if err := errors.Join(gotErr, wantErr); err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("a call leaves %s as\n%s\nand the written shop as\n%s", key, want, got)
		}
	}
	return nil
}

// callShop makes a shop by calls.
func callShop(ctx context.Context, store *redisstore.Store, s *shop) error {
	stock, err := reservation.ParseStockID(s.stock)
	if err != nil {
		return err
	}
	request, err := reservation.ParseRequestID("supply")
	if err != nil {
		return err
	}
	numbers := make([]int, s.skus)
	for i := range numbers {
		numbers[i] = i
	}
	supply, err := linesOf(numbers, shopOnHand)
	if err != nil {
		return err
	}
	_, err = store.Restock(ctx, reservation.RestockRequest{
		Stock: stock, Request: request, Lines: supply,
	})
	if err != nil {
		return fmt.Errorf("restock: %w", err)
	}
	change := reservation.PolicyChange{
		Policy: reservation.Policy{
			BackorderMode:     reservation.Some(reservation.BackorderAllow),
			BackorderLimit:    reservation.Some[int64](shopLimit),
			LowStockThreshold: reservation.Some[int64](shopLowStock),
		},
		Fields: []reservation.PolicyField{
			reservation.FieldBackorderMode, reservation.FieldBackorderLimit,
			reservation.FieldLowStockThreshold,
		},
	}
	for _, line := range supply.All() {
		if _, err := store.SetPolicy(ctx, stock, line.SKU, change); err != nil {
			return fmt.Errorf("set a policy: %w", err)
		}
	}
	return callReservations(ctx, store, s, stock)
}

func callReservations(
	ctx context.Context, store *redisstore.Store, s *shop, stock reservation.StockID,
) error {
	hold, err := reservation.NewTTL(shopHold)
	if err != nil {
		return err
	}
	for number := range s.firm + s.held {
		id, err := reservation.ParseReservationID(load.ID(shopRun, int64(number)))
		if err != nil {
			return err
		}
		drawn := s.draw(number)
		lines, err := linesOf(drawn[:], 1)
		if err != nil {
			return err
		}
		request := reservation.ReserveRequest{Stock: stock, ID: id, Lines: lines}
		if number >= s.firm {
			request.TTL = hold
		}
		if _, err := store.Reserve(ctx, request); err != nil {
			return fmt.Errorf("reserve: %w", err)
		}
	}
	return nil
}

func linesOf(skus []int, units int64) (reservation.Lines, error) {
	quantity, err := reservation.NewQuantity(units)
	if err != nil {
		return reservation.Lines{}, err
	}
	list := make([]reservation.Line, len(skus))
	for i, number := range skus {
		sku, err := reservation.ParseSKU(load.SKU(number))
		if err != nil {
			return reservation.Lines{}, err
		}
		list[i] = reservation.Line{SKU: sku, Quantity: quantity}
	}
	return reservation.NewLines(list)
}

// describe writes down what a key holds and takes. What differs from call to call, times, sequences
// and fingerprints, is there by its length.
func describe(ctx context.Context, redis *lab.Redis, key string) (string, error) {
	encoding, err := redis.Client.ObjectEncoding(ctx, key).Result()
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", key, err)
	}
	size, err := redis.Client.MemoryUsage(ctx, key, 0).Result()
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", key, err)
	}
	text := fmt.Sprintf("%s, %d bytes:", encoding, size)
	kind, err := redis.Client.Type(ctx, key).Result()
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", key, err)
	}
	if kind != "hash" {
		members, err := redis.Client.ZRange(ctx, key, 0, -1).Result()
		return text + fmt.Sprint(members), err
	}
	flat, err := redis.Client.Do(ctx, "HGETALL", key).StringSlice()
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", key, err)
	}
	for pair := range slices.Chunk(flat, 2) {
		words := strings.Split(pair[1], " ")
		switch {
		case pair[0] == "h" && len(words) == 5:
			// The sequence takes more or less digits.
			text += fmt.Sprintf(" h=%d %s %s %d", len(words[0]), words[2], words[3], len(words[4]))
		case pair[0] == "s" && len(words) == 6:
			words[2] = fmt.Sprint(len(words[2]))
			text += " s=" + strings.Join(words, " ")
		default:
			text += " " + strings.Join(pair, "=")
		}
	}
	return text, nil
}
