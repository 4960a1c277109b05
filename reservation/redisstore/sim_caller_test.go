package redisstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// simCaller makes calls, one after the other. All that it does was drawn before the run began, so
// that it does not hang on what it was answered.
type simCaller struct {
	world  *simWorld
	name   int
	random *rand.Rand
	calls  []*simPending
	made   int // reservations
}

// simPending is a call that is made until a store decides it, or its caller has had enough.
type simPending struct {
	world   *simWorld
	who     string
	key     string
	once    bool
	extends bool
	call    func(ctx context.Context, s *Store) (any, error)
	pause   time.Duration // before it
	tries   []simTry
	settled bool
}

// simTry is one attempt as it was drawn.
type simTry struct {
	store           int
	deadline, leave time.Duration // 0: none
	pause           time.Duration // before the next one
}

const simMaxTries = 4

// work makes the calls.
func (c *simCaller) work() {
	for _, call := range c.calls {
		wait(call.pause)
		for _, try := range call.tries {
			call.try(c.world.stores[try.store], try.deadline, try.leave)
			if call.settled {
				break
			}
			wait(try.pause)
		}
	}
}

// try makes one attempt.
func (p *simPending) try(s *Store, deadline, leave time.Duration) {
	server := p.world.server
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if deadline > 0 {
		ctx, cancel = context.WithTimeout(ctx, deadline)
		defer cancel()
	}
	if leave > 0 {
		stop := time.AfterFunc(leave, cancel)
		defer stop.Stop()
	}
	attempt := &simAttempt{key: p.key, who: p.who, once: p.once, extends: p.extends}
	server.mu.Lock()
	attempt.start = server.lockedNow().UnixMilli()
	attempt.deadline = simDeadline(deadline)
	server.judge.begin(attempt)
	server.mu.Unlock()
	answer, err := p.call(ctx, s)
	server.mu.Lock()
	defer server.mu.Unlock()
	server.judge.end(attempt, server.lockedNow().UnixMilli(), answer, err)
	p.settled = attempt.outcome == toldDecided
}

func (c *simCaller) within(from, to time.Duration) time.Duration {
	return from + time.Duration(c.random.Int64N(int64(to-from)))
}

func (c *simCaller) chance(percent int) bool { return c.random.IntN(100) < percent }

// plan draws one more call.
func (c *simCaller) plan() {
	p := &simPending{world: c.world, who: fmt.Sprintf("caller %d, call %d", c.name, len(c.calls))}
	p.pause = c.within(time.Microsecond, 12*time.Millisecond)
	if c.chance(15) {
		p.pause += c.within(0, 900*time.Millisecond)
	}
	c.draw(p)
	for range 1 + c.random.IntN(simMaxTries) {
		try := simTry{store: c.random.IntN(simStores), pause: c.within(1, 80*time.Millisecond)}
		if c.chance(50) {
			try.deadline = c.within(5*time.Millisecond, 2*simCallTimeout)
		}
		if c.chance(15) {
			try.leave = c.within(1, simCallTimeout)
		}
		p.tries = append(p.tries, try)
	}
	c.calls = append(c.calls, p)
}

// draw draws what a call asks for.
func (c *simCaller) draw(p *simPending) {
	stock, id := c.someReservation()
	request := simMust(reservation.ParseRequestID(fmt.Sprintf("%d:%d", c.name, len(c.calls))))
	switch n := c.random.IntN(100); {
	case n < 40:
		c.drawReserve(p)
	case n < 50:
		ask := reservation.CommitRequest{Stock: stock, ID: id, Reacquire: c.chance(50)}
		simAsk(p, ask, (*Store).Commit)
	case n < 57:
		ask := reservation.ExtendRequest{Stock: stock, ID: id, TTL: c.ttl()}
		p.extends = true
		simAsk(p, ask, (*Store).Extend)
	case n < 64:
		ask := reservation.ReleaseRequest{Stock: stock, ID: id, AllowMissing: c.chance(30)}
		simAsk(p, ask, (*Store).Release)
	case n < 69:
		ask := reservation.ReleaseRequest{Stock: stock, ID: id, Request: request, Lines: c.lines(2)}
		simAsk(p, ask, (*Store).Release)
	case n < 74:
		simAsk(p, reservation.FulfillRequest{Stock: stock, ID: id}, (*Store).Fulfill)
	case n < 79:
		ask := reservation.FulfillRequest{Stock: stock, ID: id, Request: request, Lines: c.lines(2)}
		simAsk(p, ask, (*Store).Fulfill)
	case n < 86:
		ask := reservation.RestockRequest{Stock: stock, Request: request, Lines: c.lines(2)}
		simAsk(p, ask, (*Store).Restock)
	case n < 91:
		c.drawAdjust(p, stock, request)
	case n < 96:
		ask := simGet{stock, id}
		simAsk(p, ask, func(s *Store, ctx context.Context, ask simGet) (reservation.GetAnswer, error) {
			return s.Get(ctx, ask.Stock, ask.ID)
		})
	default:
		p.once = true
		ask := simDelete{stock, simMust(reservation.ParseSKU("once " + request.String()))}
		c.world.put(stock, ask.SKU)
		simAsk(p, ask, func(s *Store, ctx context.Context, ask simDelete) (reservation.Stamp, error) {
			return s.DeleteItem(ctx, ask.Stock, ask.SKU)
		})
	}
}

// simAsk makes a call of a request and the method that takes it.
func simAsk[Ask, Answer any](
	p *simPending, ask Ask, method func(*Store, context.Context, Ask) (Answer, error),
) {
	p.key = simKey(ask)
	p.call = func(ctx context.Context, s *Store) (any, error) { return method(s, ctx, ask) }
}

func (c *simCaller) drawReserve(p *simPending) {
	ask := reservation.ReserveRequest{
		Stock: c.stockOf(c.name), ID: simReservationID(c.name, c.made), Lines: c.lines(3),
		Mode: reservation.ModeAllOrNothing,
	}
	if c.chance(25) {
		ask.Mode = reservation.ModePartial
	}
	if c.chance(60) {
		ask.TTL = c.ttl()
	}
	if c.made > 0 && c.chance(12) {
		ask.Replaces = simReservationID(c.name, c.made-1)
	}
	c.made++
	simAsk(p, ask, (*Store).Reserve)
}

func (c *simCaller) drawAdjust(
	p *simPending, stock reservation.StockID, request reservation.RequestID,
) {
	ask := reservation.AdjustRequest{Stock: stock, Request: request}
	for range 1 + c.random.IntN(2) {
		delta := c.random.Int64N(4) + 1
		if c.chance(60) {
			delta = -delta
		}
		ask.Lines = append(ask.Lines, reservation.AdjustLine{
			SKU: c.sku(), Delta: simMust(reservation.NewDelta(delta)),
			Reason: simMust(reservation.ParseAdjustReason("count")),
		})
	}
	simAsk(p, ask, (*Store).Adjust)
}

func simReservationID(caller, n int) reservation.ReservationID {
	return simMust(reservation.ParseReservationID(fmt.Sprintf("r%d-%d", caller, n)))
}

// someReservation is one of the caller's own, mostly, or of another.
func (c *simCaller) someReservation() (reservation.StockID, reservation.ReservationID) {
	caller, n := c.random.IntN(simCallers), c.random.IntN(3)
	if c.made > 0 && c.chance(80) {
		caller, n = c.name, max(0, c.made-1-c.random.IntN(2))
	}
	return c.stockOf(caller), simReservationID(caller, n)
}

// stockOf returns the stock that a caller reserves from.
func (c *simCaller) stockOf(caller int) reservation.StockID {
	return c.world.stocks[boolToInt(caller == simCallers-1)]
}

func (c *simCaller) sku() reservation.SKU {
	return c.world.skus[c.random.IntN(len(c.world.skus))]
}

func (c *simCaller) ttl() reservation.TTL {
	return simMust(reservation.NewTTL(c.within(time.Second, 2500*time.Millisecond)))
}

func (c *simCaller) lines(most int) reservation.Lines {
	list := make([]reservation.Line, 1+c.random.IntN(most))
	for i := range list {
		list[i] = reservation.Line{
			SKU: c.sku(), Quantity: simMust(reservation.NewQuantity(1 + c.random.Int64N(3))),
		}
	}
	return simMust(reservation.NewLines(list))
}
