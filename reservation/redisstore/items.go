package redisstore

import (
	"context"
	"fmt"
	"strings"
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
	read, err := openItems(s.readFresh(ctx, scriptReadItems, stock, namedItems(skus)...))
	if err != nil {
		return reservation.ItemsAnswer{}, err
	}
	return reservation.ItemsAnswer{Items: read.items, StoreTime: read.now}, nil
}

// List pages through the stock's SKUs; see lua/read_items.lua.
func (s *Store) List(
	ctx context.Context, request reservation.ListRequest,
) (reservation.ListAnswer, error) {
	page := itemsPage(request.After, request.Limit)
	read, err := openItems(s.readFresh(ctx, scriptReadItems, request.Stock, page...))
	if err != nil {
		return reservation.ListAnswer{}, err
	}
	return reservation.ListAnswer{Items: read.items, More: read.more, StoreTime: read.now}, nil
}

func (s *Store) readItems(
	ctx context.Context, stock reservation.StockID, skus []reservation.SKU,
) (itemsRead, error) {
	r, err := s.read(ctx, scriptReadItems, stock, nil, namedItems(skus)...)
	return openItems(r, err)
}

// namedItems and itemsPage are the arguments of lua/read_items.lua.
func namedItems(skus []reservation.SKU) []any {
	args := make([]any, 0, len(skus)+2)
	args = append(args, "", 0)
	for _, sku := range skus {
		args = append(args, sku.String())
	}
	return args
}

func itemsPage(after reservation.SKU, limit int) []any {
	from := "-"
	if after != (reservation.SKU{}) {
		from = "(" + after.String()
	}
	return []any{from, limit}
}

func openItems(r *reply, err error) (itemsRead, error) {
	if err != nil {
		return itemsRead{}, err
	}
	read := itemsRead{now: timeOf(r.now), stockDefault: r.policy(r.list())}
	list := reply{values: r.list()}
	for list.more() {
		item, own := list.item(list.sku(), list.text(), read.stockDefault)
		read.items, read.own = append(read.items, item), append(read.own, own)
	}
	if list.err != nil {
		return itemsRead{}, internal(list.err)
	}
	read.more = r.int() == 1
	if r.err != nil {
		return itemsRead{}, internal(r.err)
	}
	return read, nil
}

// item reads a SKU as it is stored: "on_hand reserved", or "on_hand reserved queued filling", and
// its own policy behind that, a field a line; see lua/include/items.lua.
func (r *reply) item(
	sku reservation.SKU, value string, stockDefault reservation.Policy,
) (reservation.Item, reservation.Policy) {
	figures, policy, _ := strings.Cut(value, "\n")
	item := reservation.Item{SKU: sku}
	words := strings.Fields(figures)
	if len(words) != 2 && len(words) != 4 {
		r.err = fmt.Errorf("reply has %q for the SKU %s", value, sku)
		return item, reservation.Policy{}
	}
	item.OnHand, item.Reserved = r.parseInt(words[0]), r.parseInt(words[1])
	if len(words) == 4 {
		item.Queued, item.Filling = r.parseInt(words[2]), r.parseInt(words[3])
	}
	var own reservation.Policy
	for field := range strings.SplitSeq(policy, "\n") {
		name, stored, _ := strings.Cut(field, " ")
		r.policyField(&own, name, stored)
	}
	item.Policy = reservation.Resolve(own, stockDefault)
	return item, own
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
			e.sku(sku)
		},
	}, false)
	if err != nil {
		return reservation.Stamp{}, err
	}
	return r.stamp(), nil
}
