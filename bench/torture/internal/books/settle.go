package books

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// resolvers is how many open changes are resolved at the same time.
const resolvers = 8

// Settle finds out what became of every change that is open, each in one of the ways that a caller
// has: it looks, sends the same again, or gives the order up. The faults are over by now.
func (b *Books) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	jobs := make(chan func(*caller) error)
	errs := make([]error, resolvers)
	var working sync.WaitGroup
	for n := range resolvers {
		c := &caller{books: b, at: n, random: rand.New(rand.NewPCG(b.options.Seed, uint64(2000+n)))}
		working.Go(func() {
			for job := range jobs {
				if err := job(c); err != nil {
					errs[n] = err
				}
			}
		})
	}
	for _, o := range b.orders {
		if o.open != nil && ctx.Err() == nil {
			jobs <- func(c *caller) error { return c.resolveOrder(ctx, o) }
		}
	}
	for _, s := range b.supplies {
		if s.open != nil && ctx.Err() == nil {
			jobs <- func(c *caller) error { return c.resolveSupply(ctx, s) }
		}
	}
	close(jobs)
	working.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the others are alike
		}
	}
	return nil
}

// await waits until the store's clock is past a time.
func (c *caller) await(ctx context.Context, settles time.Time) error {
	for {
		request := &holdfastv1.GetStockRequest{StockId: c.books.stocks[0], Sku: c.books.skus[0]}
		looked, err := c.books.client(c.at).Stock.GetStock(ctx, request)
		now := looked.GetStoreTime().AsTime()
		if err != nil {
			now = answer.Of(err).StoreTime // a refusal tells the time as well
		}
		if !now.IsZero() && !now.Before(settles) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for what is open to settle: %w", errors.Join(err, ctx.Err()))
		}
		if err != nil {
			c.at++
		}
		pause(ctx, 10*time.Millisecond)
	}
}

// resolveOrder finds out about the open change of an order.
func (c *caller) resolveOrder(ctx context.Context, o *order) error {
	ch := o.open
	if err := c.await(ctx, ch.settles); err != nil {
		return err
	}
	switch isReserve := !o.known.isThere(); {
	case o.isGivenUp, isReserve && !c.books.options.Impatient && c.random.IntN(3) == 0:
		return c.abandon(ctx, o)
	case c.books.options.Resends:
	case c.books.options.Impatient, c.random.IntN(2) == 0:
		return c.look(ctx, o)
	}
	return c.resend(ctx, o)
}

// persist makes a call until it is acknowledged or refused for good.
func (c *caller) persist(
	ctx context.Context, ch *change,
) (*holdfastv1.Reservation, answer.Answer, error) {
	for {
		r, a := c.try(ctx, ch)
		switch a.Verdict {
		case answer.Done:
			return r, a, nil
		case answer.Refused:
			// Final only where no try can still take effect.
			if ch.settles.Before(a.StoreTime) {
				return nil, a, nil
			}
		case answer.NothingDone, answer.Unknown, answer.Faulty:
		}
		if ctx.Err() != nil {
			return nil, a, fmt.Errorf("resolve what is open: %w", errors.Join(a.Err, ctx.Err()))
		}
		c.at++
		pause(ctx, 20*time.Millisecond)
	}
}

// resend sends what is open again, with the same ids.
func (c *caller) resend(ctx context.Context, o *order) error {
	ch, before := o.open, o.known
	r, a, err := c.persist(ctx, ch)
	if err != nil {
		return err
	}
	c.books.resolved(ch.unknown)
	o.open, o.told = nil, o.told+"; sent again: "+said(a)
	if a.Verdict == answer.Done {
		o.take(ch, r)
		c.books.expect(o, ch, before, figuresOf(r), a.StoreTime)
	}
	return nil
}

// abandon gives up an order whose Reserve is open: after that it cannot be reserved any more.
func (c *caller) abandon(ctx context.Context, o *order) error {
	o.isGivenUp = true // from now on nothing else may be done about it
	ch := abandoning(o)
	r, a, err := c.persist(ctx, ch)
	o.open.unknown += ch.unknown
	if err != nil {
		return err
	}
	c.books.resolved(o.open.unknown)
	if a.Verdict != answer.Done {
		c.books.Findf("%s of %s/%s: %s", ch.name, o.stock, o.id, said(a))
		return nil
	}
	got := figuresOf(r)
	o.known, o.open, o.told = got, nil, o.told+"; given up"
	if got.state != released && got.state != expired {
		c.books.Findf("%s of %s/%s left it %s", ch.name, o.stock, o.id, got)
	}
	return nil
}

// look reads the reservation: it must be as before the open change or as after it.
func (c *caller) look(ctx context.Context, o *order) error {
	request := &holdfastv1.GetReservationRequest{StockId: o.stock, ReservationId: o.id}
	ch := &change{send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.GetReservation(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
	for {
		r, now, err := c.read(ctx, ch)
		a := answer.Of(err)
		if a.Verdict == answer.Done || a.Reason == "UNKNOWN_RESERVATION" {
			c.books.resolved(o.open.unknown)
			c.found(o, r, now)
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("look for what is open: %w", errors.Join(err, ctx.Err()))
		}
		c.at++
		pause(ctx, 20*time.Millisecond)
	}
}

// read makes a call that changes nothing, which the counts leave out.
func (c *caller) read(
	ctx context.Context, ch *change,
) (*holdfastv1.Reservation, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, c.books.options.Timeout)
	defer cancel()
	return ch.send(ctx, c.books.client(c.at))
}

// found takes what a look has found; nil is nothing.
func (c *caller) found(o *order, r *holdfastv1.Reservation, now time.Time) {
	ch, before, got := o.open, o.known, figuresOf(r)
	o.told += "; looked: " + got.String()
	expires := o.expires
	if r.GetExpireTime() != nil {
		expires = r.GetExpireTime().AsTime()
	}
	isBefore := before.canBe(got, now, expires)
	if !isBefore && !ch.after.canBe(got, now, expires) {
		c.books.disagree("%s of %s/%s is open; it is %s, but was %s and would be %s", ch.name,
			o.stock, o.id, got, before, ch.after)
	}
	o.take(ch, r)
	o.known = got
}

// resolveSupply sends an open arrival again.
func (c *caller) resolveSupply(ctx context.Context, s *supply) error {
	ch := s.open
	if err := c.await(ctx, ch.settles); err != nil {
		return err
	}
	_, a, err := c.persist(ctx, ch)
	if err != nil {
		return err
	}
	c.books.resolved(ch.unknown)
	s.isDone, s.open = a.Verdict == answer.Done, nil
	return nil
}
