package books

import (
	"fmt"
	"slices"
	"strings"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// The states, by shorter names.
const (
	held      = holdfastv1.ReservationState_RESERVATION_STATE_HELD
	committed = holdfastv1.ReservationState_RESERVATION_STATE_COMMITTED
	fulfilled = holdfastv1.ReservationState_RESERVATION_STATE_FULFILLED
	released  = holdfastv1.ReservationState_RESERVATION_STATE_RELEASED
	expired   = holdfastv1.ReservationState_RESERVATION_STATE_EXPIRED
)

// line is one line of an order, in units. Every SKU stands on one line of an order at most.
type line struct {
	sku                       string
	open, fulfilled, released int64
}

// figures are an order as it is in the stock, or should be. The zero value is one that is not
// there.
type figures struct {
	state holdfastv1.ReservationState
	lines []line
}

// figuresOf reads a reservation.
func figuresOf(r *holdfastv1.Reservation) figures {
	f := figures{state: r.GetState()}
	for _, l := range r.GetLines() {
		f.lines = append(f.lines, line{
			sku: l.GetSku(), open: l.GetReservedQuantity(),
			fulfilled: l.GetFulfilledQuantity(), released: l.GetReleasedQuantity(),
		})
	}
	return f
}

func (f figures) isThere() bool { return f.state != 0 }

func (f figures) equal(other figures) bool {
	return f.state == other.state && slices.Equal(f.lines, other.lines)
}

// String says the figures in short.
func (f figures) String() string {
	if !f.isThere() {
		return "not there"
	}
	text := []string{strings.TrimPrefix(f.state.String(), "RESERVATION_STATE_")}
	for _, l := range f.lines {
		text = append(text, fmt.Sprintf("%s open %d fulfilled %d released %d",
			l.sku, l.open, l.fulfilled, l.released))
	}
	return strings.Join(text, ", ")
}

// units are the quantities by SKU that one change moves.
type units map[string]int64

// giveBack returns the figures after a release; nil: of everything.
func (f figures) giveBack(some units) figures {
	return f.moved(some, func(l *line, n int64) { l.released += n })
}

// ship returns the figures after a fulfilment; nil: of everything.
func (f figures) ship(some units) figures {
	return f.moved(some, func(l *line, n int64) { l.fulfilled += n })
}

func (f figures) moved(some units, take func(l *line, n int64)) figures {
	after := figures{state: f.state, lines: slices.Clone(f.lines)}
	isOpen, isShipped := false, false
	for i := range after.lines {
		l := &after.lines[i]
		n, named := some[l.sku]
		if some == nil {
			n, named = l.open, true
		}
		if named {
			l.open -= n
			take(l, n)
		}
		isOpen = isOpen || l.open > 0
		isShipped = isShipped || l.fulfilled > 0
	}
	switch {
	case isOpen:
	case isShipped:
		after.state = fulfilled
	default:
		after.state = released
	}
	return after
}

// at returns the figures as they are at a store time: a hold that has run out is EXPIRED.
func (f figures) at(now, expires time.Time) figures {
	if f.state != held || expires.IsZero() || now.Before(expires) {
		return f
	}
	over := f.giveBack(nil)
	over.state = expired
	return over
}

// canBe says whether an order with these figures may be seen as got, at the latest at a store time:
// as it is, or run out.
func (f figures) canBe(got figures, now, expires time.Time) bool {
	return got.equal(f) || got.equal(f.at(now, expires))
}
