package arm

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Restock adds units that arrived. It is for making a stock: no request_id is remembered, and
// nothing may wait.
func (n *naive) Restock(
	ctx context.Context, request reservation.RestockRequest,
) (reservation.RestockAnswer, error) {
	k := naiveKeysOf(request.Stock)
	pipe := n.client.Pipeline()
	for _, line := range request.Lines.All() {
		pipe.HIncrBy(ctx, k.sku(line.SKU), "h", line.Quantity.Units())
		pipe.HIncrBy(ctx, k.sku(line.SKU), "r", 0)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return reservation.RestockAnswer{}, internal(err)
	}
	return reservation.RestockAnswer{}, nil
}

// Items returns figures; policies are not told.
func (n *naive) Items(
	ctx context.Context, stock reservation.StockID, skus []reservation.SKU,
) (reservation.ItemsAnswer, error) {
	k := naiveKeysOf(stock)
	pipe := n.client.Pipeline()
	read := make([]*redis.SliceCmd, len(skus))
	for i, sku := range skus {
		read[i] = pipe.HMGet(ctx, k.sku(sku), "h", "r", "q")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return reservation.ItemsAnswer{}, internal(err)
	}
	answer := reservation.ItemsAnswer{Items: make([]reservation.Item, len(skus))}
	for i, sku := range skus {
		var figures struct {
			OnHand   int64 `redis:"h"`
			Reserved int64 `redis:"r"`
			Queued   int64 `redis:"q"`
		}
		if err := read[i].Scan(&figures); err != nil {
			return reservation.ItemsAnswer{}, internal(err)
		}
		answer.Items[i] = reservation.Item{
			SKU: sku, OnHand: figures.OnHand, Reserved: figures.Reserved, Queued: figures.Queued,
			Policy: reservation.Resolve(reservation.Policy{}, reservation.Policy{}),
		}
	}
	return answer, nil
}

// SetPolicy changes a SKU's own policy. It is for making a stock: it may not run beside others.
func (n *naive) SetPolicy(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
	change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	return n.change(ctx, naiveKeysOf(stock).sku(sku), change)
}

// SetDefaultPolicy changes the stock's default policy, as SetPolicy does a SKU's.
func (n *naive) SetDefaultPolicy(
	ctx context.Context, stock reservation.StockID, change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	return n.change(ctx, naiveKeysOf(stock).base+"policy", change)
}

// policyField is a field of a policy's hash and the value that it has, nil where it is unset.
type policyField struct {
	name  string
	value *int64
}

// fieldsOf returns every field that this arm knows: all but restock time and substitutes.
func fieldsOf(p reservation.Policy) []policyField {
	var mode *int64
	if p.BackorderMode.Set {
		value := int64(p.BackorderMode.Value)
		mode = &value
	}
	number := func(o reservation.Optional[int64]) *int64 {
		if !o.Set {
			return nil
		}
		return &o.Value
	}
	truth := func(o reservation.Optional[bool]) *int64 {
		if !o.Set {
			return nil
		}
		value := int64(0)
		if o.Value {
			value = 1
		}
		return &value
	}
	return []policyField{
		{"bm", mode},
		{"bl", number(p.BackorderLimit)},
		{"ss", number(p.SafetyStock)},
		{"ls", number(p.LowStockThreshold)},
		{"mn", number(p.MinQuantity)},
		{"mx", number(p.MaxQuantity)},
		{"qi", number(p.QuantityIncrement)},
		{"se", truth(p.Sellable)},
		{"tr", truth(p.Tracked)},
	}
}

func (n *naive) change(
	ctx context.Context, key string, change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	stored, err := n.client.HGetAll(ctx, key).Result()
	if err != nil {
		return reservation.PolicyAnswer{}, internal(err)
	}
	own := change.Apply(naivePolicy(stored))
	pipe := n.client.TxPipeline()
	for _, field := range fieldsOf(own) {
		if field.value == nil {
			pipe.HDel(ctx, key, field.name)
		} else {
			pipe.HSet(ctx, key, field.name, *field.value)
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return reservation.PolicyAnswer{}, internal(err)
	}
	return reservation.PolicyAnswer{
		Own: own, Effective: reservation.Resolve(own, reservation.Policy{}),
	}, nil
}

// naivePolicy reads a policy's hash.
func naivePolicy(stored map[string]string) reservation.Policy {
	number := func(name string) reservation.Optional[int64] {
		value, err := strconv.ParseInt(stored[name], 10, 64)
		if err != nil {
			return reservation.Optional[int64]{}
		}
		return reservation.Some(value)
	}
	truth := func(name string) reservation.Optional[bool] {
		value := number(name)
		return reservation.Optional[bool]{Value: value.Value == 1, Set: value.Set}
	}
	mode := number("bm")
	return reservation.Policy{
		BackorderMode: reservation.Optional[reservation.BackorderMode]{
			Value: reservation.BackorderMode(mode.Value), Set: mode.Set,
		},
		BackorderLimit: number("bl"), SafetyStock: number("ss"), LowStockThreshold: number("ls"),
		MinQuantity: number("mn"), MaxQuantity: number("mx"), QuantityIncrement: number("qi"),
		Sellable: truth("se"), Tracked: truth("tr"),
	}
}
