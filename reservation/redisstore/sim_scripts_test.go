package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// simCall is one EVALSHA, taken apart as the headers of lua/*.lua say.
type simCall struct {
	script scriptName
	stock  reservation.StockID
	base   string   // of the stock's keys
	keys   []string // KEYS, from index 1 on at 0
	argv   []string
	count  int
	skus   []string
	fields []string // of a Reserve the values as they were packed
	at     int
}

// parseSimCall reads the arguments behind the SHA.
func parseSimCall(script scriptName, args []string) (*simCall, error) {
	n, err := strconv.Atoi(args[0])
	if err != nil || len(args) < 1+n+4 || n < fixedKeys {
		return nil, fmt.Errorf("%s has %d arguments and %s keys", script, len(args), args[0])
	}
	c := &simCall{script: script, keys: args[1 : 1+n], argv: args[1+n:]}
	c.base = strings.TrimSuffix(c.keys[0], "meta")
	_, tagged, _ := strings.Cut(c.base, "{")
	name, _, _ := strings.Cut(tagged, "}")
	if c.stock, err = reservation.ParseStockID(name); err != nil {
		return nil, fmt.Errorf("stock %q: %w", name, err)
	}
	if c.count, err = strconv.Atoi(c.argv[3]); err != nil {
		return nil, fmt.Errorf("count %q: %w", c.argv[3], err)
	}
	if len(c.argv) >= 6 {
		c.skus, c.fields = simUnpacked(c.argv[4]), simLines(c.argv[5])
		if script == scriptReserve {
			c.fields = simUnpacked(c.argv[5])
		}
	}
	return c, nil
}

// simLines takes lines apart, each ended by a newline.
func simLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// A field that is missing or malformed is a fault in what the store sent; the server notes it.
func (c *simCall) field() string {
	if c.at >= len(c.fields) {
		panic(simMalformed{"fields end early"})
	}
	c.at++
	return c.fields[c.at-1]
}

// simMalformed is what is wrong with a script call; the server recovers it.
type simMalformed struct{ what string }

func (c *simCall) number() int64 { return simInt(c.field()) }

func simInt(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(simMalformed{err.Error()})
	}
	return n
}

// simMust unwraps what a parser of the domain made of a text that the store sent.
func simMust[T any](value T, err error) T {
	if err != nil {
		panic(simMalformed{err.Error()})
	}
	return value
}

// named returns what the key at an index from 1 names.
func (c *simCall) named(index int64, kind string) string {
	name, ok := strings.CutPrefix(c.keys[index-1], c.base+kind)
	if !ok {
		panic(simMalformed{"key " + c.keys[index-1] + " is no " + kind})
	}
	return name
}

func (c *simCall) reservation(index int64) reservation.ReservationID {
	return simMust(reservation.ParseReservationID(c.named(index, "res:")))
}

func (c *simCall) request(index int64) reservation.RequestID {
	return simMust(reservation.ParseRequestID(c.named(index, "req:")))
}

func (c *simCall) sku(number int64) reservation.SKU {
	return simMust(reservation.ParseSKU(c.skus[number-1]))
}

func (c *simCall) line(sku reservation.SKU, units int64) reservation.Line {
	return reservation.Line{SKU: sku, Quantity: simMust(reservation.NewQuantity(units))}
}

// namedLines reads the lines of a reservation that a call names under a request id.
func (c *simCall) namedLines() (
	request reservation.RequestID, lines reservation.Lines, content string,
) {
	index := c.number()
	if index == 0 {
		return request, lines, ""
	}
	request, content = c.request(index), c.field()
	sku := func() reservation.SKU { return simMust(reservation.ParseSKU(c.field())) }
	return request, c.lines(sku), content
}

func (c *simCall) lines(sku func() reservation.SKU) reservation.Lines {
	list := make([]reservation.Line, c.number())
	for i := range list {
		list[i] = c.line(sku(), c.number())
	}
	return simMust(reservation.NewLines(list))
}

// simRequest is one request of a script call: what it asks for, in the domain's words.
type simRequest struct {
	ask      any // a request of package reservation, or one of the two below
	notAfter int64
	print    string // fingerprint of the content; empty where there is none
	// run carries it out and returns the answer, and its encoding.
	run func(ctx context.Context, m simModel) (answer any, encoded []any, err error)
}

// simDelete asks to forget a SKU; simGet for a reservation.
type (
	simDelete struct {
		Stock reservation.StockID
		SKU   reservation.SKU
	}
	simGet struct {
		Stock reservation.StockID
		ID    reservation.ReservationID
	}
)

// read reads the next request of a changing script.
func (c *simCall) read() simRequest {
	switch c.script { //nolint:exhaustive // the simulation calls no other
	case scriptReserve:
		return c.readReserve()
	case scriptCommit:
		r := simRequest{notAfter: c.number()}
		ask := reservation.CommitRequest{
			Stock: c.stock, ID: c.reservation(c.number()), Reacquire: c.field() == "1",
		}
		r.ask, r.run = ask, simChange(ask, simModel.Commit)
		return r
	case scriptExtend:
		r := simRequest{notAfter: c.number()}
		ask := reservation.ExtendRequest{Stock: c.stock, ID: c.reservation(c.number())}
		ask.TTL = simMust(reservation.NewTTL(time.Duration(c.number()) * time.Millisecond))
		r.ask, r.run = ask, simChange(ask, simModel.Extend)
		return r
	case scriptFulfill:
		r := simRequest{notAfter: c.number()}
		ask := reservation.FulfillRequest{Stock: c.stock, ID: c.reservation(c.number())}
		ask.Request, ask.Lines, r.print = c.namedLines()
		r.ask, r.run = ask, simChange(ask, simModel.Fulfill)
		return r
	case scriptRelease:
		return c.readRelease()
	case scriptRestock:
		return c.readRestock()
	case scriptAdjust:
		return c.readAdjust()
	case scriptDeleteItem:
		r := simRequest{notAfter: c.number()}
		ask := simDelete{c.stock, c.sku(c.number())}
		r.ask = ask
		r.run = func(ctx context.Context, m simModel) (any, []any, error) {
			stamp, err := m.DeleteItem(ctx, ask.Stock, ask.SKU)
			return stamp, []any{codeOK, stamp.Sequence}, err
		}
		return r
	default:
		panic(simMalformed{"the simulation knows no " + string(c.script)})
	}
}

func (c *simCall) readReserve() simRequest {
	ask := reservation.ReserveRequest{Stock: c.stock, Mode: reservation.ModeAllOrNothing}
	if c.field() == "1" {
		ask.Mode = reservation.ModePartial
	}
	r := simRequest{notAfter: c.number()}
	ask.ID, r.print = c.reservation(c.number()), c.field()
	if ttl := c.number(); ttl > 0 {
		ask.TTL = simMust(reservation.NewTTL(time.Duration(ttl) * time.Millisecond))
	}
	if replaces := c.number(); replaces > 0 {
		ask.Replaces = c.reservation(replaces)
	}
	list := make([]reservation.Line, c.number()/2)
	for i := range list {
		list[i] = c.line(c.sku(c.number()), c.number())
	}
	ask.Lines = simMust(reservation.NewLines(list))
	r.ask = ask
	r.run = func(ctx context.Context, m simModel) (any, []any, error) {
		answer, err := m.Reserve(ctx, ask)
		return answer, simReserved(answer), err
	}
	return r
}

func (c *simCall) readRelease() simRequest {
	r := simRequest{notAfter: c.number()}
	ask := reservation.ReleaseRequest{Stock: c.stock, ID: c.reservation(c.number())}
	ask.AllowMissing = c.field() == "1"
	ask.Request, ask.Lines, r.print = c.namedLines()
	r.ask = ask
	r.run = func(ctx context.Context, m simModel) (any, []any, error) {
		answer, err := m.Release(ctx, ask)
		head := []any{simCode(answer.Replayed), answer.Sequence, answer.StoreTime.UnixMilli()}
		return answer, simReservation(head, answer.Reservation), err
	}
	return r
}

func (c *simCall) readRestock() simRequest {
	r := simRequest{notAfter: c.number()}
	ask := reservation.RestockRequest{Stock: c.stock, Request: c.request(c.number())}
	r.print = c.field()
	ask.Lines = c.lines(func() reservation.SKU { return c.sku(c.number()) })
	r.ask = ask
	r.run = func(ctx context.Context, m simModel) (any, []any, error) {
		answer, err := m.Restock(ctx, ask)
		var rows []string
		for _, l := range answer.Lines {
			rows = append(rows, fmt.Sprint(l.Quantity, l.OnHand, l.Available, l.Filled, l.Backordered, 0))
		}
		return answer, simMoved(answer.Replayed, answer.Stamp, rows, answer.Fills), err
	}
	return r
}

func (c *simCall) readAdjust() simRequest {
	r := simRequest{notAfter: c.number()}
	ask := reservation.AdjustRequest{Stock: c.stock, Request: c.request(c.number())}
	r.print = c.field()
	ask.Lines = make([]reservation.AdjustLine, c.number())
	for i := range ask.Lines {
		ask.Lines[i] = reservation.AdjustLine{
			SKU: c.sku(c.number()), Delta: simMust(reservation.NewDelta(c.number())),
			Reason: simMust(reservation.ParseAdjustReason(c.field())),
		}
	}
	r.ask = ask
	r.run = func(ctx context.Context, m simModel) (any, []any, error) {
		answer, err := m.Adjust(ctx, ask)
		var rows []string
		for _, l := range answer.Lines {
			rows = append(rows,
				fmt.Sprint(l.Delta, l.OnHand, l.Available, l.Filled, l.Backordered, l.Shortfall))
		}
		return answer, simMoved(answer.Replayed, answer.Stamp, rows, answer.Fills), err
	}
	return r
}

func simChange[Ask any](
	ask Ask, call func(simModel, context.Context, Ask) (reservation.ChangeAnswer, error),
) func(ctx context.Context, m simModel) (any, []any, error) {
	return func(ctx context.Context, m simModel) (any, []any, error) {
		answer, err := call(m, ctx, ask)
		head := []any{simCode(answer.Replayed), answer.Sequence, answer.StoreTime.UnixMilli()}
		return answer, simReservation(head, answer.Reservation), err
	}
}
