package books

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// The holds: a short one runs out while its caller is still about it, a long one outlives the
// books.
const (
	shortHold = time.Second
	longHold  = time.Hour
	// soon is how long a caller goes on asking what became of its order.
	soon = 3 * time.Second
)

// caller makes one order after the other and carries each through its life.
type caller struct {
	books  *Books
	name   string
	at     int // which server it talks to
	random *rand.Rand
	made   int
}

// run makes orders until ctx ends or the books are full.
func (c *caller) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.made++
		stock := c.books.stocks[c.random.IntN(len(c.books.stocks))]
		if c.made%8 == 0 {
			sku := c.books.skus[c.random.IntN(len(c.books.skus))]
			id := fmt.Sprintf("%s-s%d", c.name, c.made)
			c.supply(ctx, stock, sku, id, c.arriving())
			continue
		}
		o := &order{stock: stock, id: fmt.Sprintf("%s-o%d", c.name, c.made)}
		if !c.books.enter(o) {
			return
		}
		c.live(ctx, o)
		pause(ctx, time.Duration(1+c.random.IntN(4))*time.Millisecond)
	}
}

// arriving returns how many units arrive, or at times are found missing.
func (c *caller) arriving() int64 {
	if c.random.IntN(5) == 0 {
		return -1 - c.random.Int64N(3)
	}
	return 3 + c.random.Int64N(10)
}

// live carries an order through its life until it ends or it is not known where it stands.
func (c *caller) live(ctx context.Context, o *order) {
	if !c.apply(ctx, o, c.reserving(o)) || ctx.Err() != nil {
		return
	}
	if o.known.state == held {
		switch c.random.IntN(10) {
		case 0:
			return // a cart that is left
		case 1, 2:
			c.apply(ctx, o, releasing(o, nil, ""))
			return
		case 3:
			if !c.apply(ctx, o, extending(o)) {
				return
			}
		}
		if !c.apply(ctx, o, committing(o)) {
			return
		}
	}
	for n := range 2 {
		if ctx.Err() != nil || o.known.state != committed {
			return
		}
		request := fmt.Sprintf("%s.%d", o.id, n)
		var next *change
		switch c.random.IntN(6) {
		case 0:
			next = releasing(o, nil, "")
		case 1:
			next = releasing(o, c.part(o), request)
		case 2, 3:
			next = fulfilling(o, nil, "")
		case 4:
			next = fulfilling(o, c.part(o), request)
		default:
			return
		}
		if !c.apply(ctx, o, next) && o.open != nil {
			return
		}
	}
}

// apply makes a change of an order and says whether it is done.
func (c *caller) apply(ctx context.Context, o *order, ch *change) bool {
	before := o.known
	outcome, reservation, a := c.attempt(ctx, ch)
	o.told = fmt.Sprintf("%s: %s", ch.name, said(a))
	switch outcome {
	case isDone:
		o.take(ch, reservation)
		c.books.expect(o, ch, before, figuresOf(reservation), a.StoreTime)
		return true
	case isNot:
		return false
	case isOpen:
		o.open = ch
		if c.books.options.Impatient || c.random.IntN(2) == 0 {
			c.resolveSoon(ctx, o)
		}
		return false
	}
	return false
}

// resolveSoon finds out what became of an order while the faults go on, by another server: what is
// found from the settle time on is final. Where that cannot be had soon it is left for later.
func (c *caller) resolveSoon(ctx context.Context, o *order) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	c.at++
	_ = c.resolveOrder(ctx, o) // the order stays open
}

// take writes down what an acknowledgement says.
func (o *order) take(ch *change, r *holdfastv1.Reservation) {
	o.known, o.open = figuresOf(r), nil
	if r.GetExpireTime() != nil {
		if expires := r.GetExpireTime().AsTime(); expires.After(o.expires) {
			o.expires = expires
		}
	}
	if ch.after.state == held && o.known.state == expired {
		o.known = ch.after // it ran out meanwhile; the books know that by themselves
	}
}

// expect notes an acknowledgement that does not say what the call is to do.
func (b *Books) expect(o *order, ch *change, before, got figures, now time.Time) {
	if ch.after.canBe(got, now, o.expires) || before.at(now, o.expires).equal(got) {
		return
	}
	b.disagree("%s of %s/%s was acknowledged as %s; it was %s and must be %s", ch.name, o.stock,
		o.id, got, before, ch.after)
}

func said(a answer.Answer) string {
	switch {
	case a.Verdict == answer.Done:
		return "acknowledged"
	case a.Reason != "":
		return a.Reason
	}
	return a.Code.String()
}

// reserving reserves one to three SKUs: for a while, for a short while, or for good.
func (c *caller) reserving(o *order) *change {
	request := &holdfastv1.ReserveRequest{StockId: o.stock, ReservationId: o.id}
	after := figures{state: committed}
	switch c.random.IntN(5) {
	case 0: // firm
	case 1:
		request.Ttl, after.state = durationpb.New(shortHold), held
	default:
		request.Ttl, after.state = durationpb.New(longHold), held
	}
	for _, n := range c.random.Perm(len(c.books.skus))[:1+c.random.IntN(3)] {
		sku, quantity := c.books.skus[n], 1+c.random.Int64N(3)
		request.Lines = append(request.Lines,
			&holdfastv1.LineQuantity{Sku: sku, Quantity: quantity})
		after.lines = append(after.lines, line{sku: sku, open: quantity})
	}
	return &change{name: "Reserve", after: after, send: func(
		ctx context.Context, client *rig.Client,
	) (*holdfastv1.Reservation, time.Time, error) {
		answered, err := client.Reservations.Reserve(ctx, request)
		return answered.GetReservation(), answered.GetStoreTime().AsTime(), err
	}}
}

// part chooses one unit of every line that has open ones.
func (c *caller) part(o *order) units {
	some := units{}
	for _, l := range o.known.lines {
		if l.open > 0 && (len(some) == 0 || c.random.IntN(2) == 0) {
			some[l.sku] = 1
		}
	}
	return some
}
