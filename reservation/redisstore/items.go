package redisstore

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// itemsRead is what lua/read_items.lua answers.
type itemsRead struct {
	stockDefault reservation.Policy
	items        []reservation.Item
	own          []reservation.Policy
	more         bool
	now          time.Time
}

// Items returns the figures of SKUs in the order asked for; see lua/read_items.lua.
func (s *Store) Items(
	ctx context.Context, stock reservation.StockID, skus []reservation.SKU,
) (reservation.ItemsAnswer, error) {
	read, err := s.readItems(ctx, stock, skus)
	if err != nil {
		return reservation.ItemsAnswer{}, err
	}
	return reservation.ItemsAnswer{Items: read.items, StoreTime: read.now}, nil
}

// List pages through the stock's SKUs; see lua/read_items.lua.
func (s *Store) List(
	ctx context.Context, request reservation.ListRequest,
) (reservation.ListAnswer, error) {
	read, err := s.readPage(ctx, request.Stock, request.After, request.Limit)
	if err != nil {
		return reservation.ListAnswer{}, err
	}
	return reservation.ListAnswer{Items: read.items, More: read.more, StoreTime: read.now}, nil
}

func (s *Store) readItems(
	ctx context.Context, stock reservation.StockID, skus []reservation.SKU,
) (itemsRead, error) {
	r, err := s.read(ctx, scriptReadItems, func(e *encoder) {
		for _, sku := range skus {
			e.keys = append(e.keys, e.stock.sku(sku))
		}
	}, stock)
	return openItems(r, err)
}

func (s *Store) readPage(
	ctx context.Context, stock reservation.StockID, after reservation.SKU, limit int,
) (itemsRead, error) {
	from := "-"
	if after != (reservation.SKU{}) {
		from = "(" + after.String()
	}
	r, err := s.read(ctx, scriptReadItems, func(e *encoder) {
		e.text(from)
		e.count(limit)
	}, stock)
	return openItems(r, err)
}

func openItems(r *reply, err error) (itemsRead, error) {
	if err != nil {
		return itemsRead{}, err
	}
	read := itemsRead{now: timeOf(r.now), stockDefault: r.policy(r.list())}
	for _, raw := range r.list() {
		pair, ok := raw.([]any)
		if !ok || len(pair) != 2 {
			return itemsRead{}, internal(errReplyEnds)
		}
		item := reply{values: pair}
		sku, flat := item.sku(), item.list()
		own := item.policy(flat)
		read.items = append(read.items, item.figures(sku, flat, own, read.stockDefault))
		read.own = append(read.own, own)
		if item.err != nil {
			return itemsRead{}, internal(item.err)
		}
	}
	read.more = r.int() == 1
	if r.err != nil {
		return itemsRead{}, internal(r.err)
	}
	return read, nil
}

// figures reads a SKU's figures from a list of stored names and values.
func (r *reply) figures(
	sku reservation.SKU, flat []any, own, stockDefault reservation.Policy,
) reservation.Item {
	item := reservation.Item{SKU: sku, Policy: reservation.Resolve(own, stockDefault)}
	for i := 0; i+1 < len(flat); i += 2 {
		value, _ := flat[i+1].(string)
		switch flat[i] {
		case "h":
			item.OnHand = r.parseInt(value)
		case "r":
			item.Reserved = r.parseInt(value)
		case "q":
			item.Queued = r.parseInt(value)
		case "f":
			item.Filling = r.parseInt(value)
		}
	}
	return item
}

// DeleteItem forgets a SKU that has nothing on hand, reserved or queued; see lua/delete_item.lua.
// It is not sent again by itself: a repeat would answer that the SKU is unknown.
func (s *Store) DeleteItem(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
) (reservation.Stamp, error) {
	r, err := s.change(ctx, stock, &operation{
		script: scriptDeleteItem, lines: 1, bytes: requestOverhead,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.sku(sku))
		},
	}, false)
	if err != nil {
		return reservation.Stamp{}, err
	}
	return r.stamp(), nil
}
