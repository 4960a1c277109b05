package model

import (
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// figures are the numbers of one SKU, in units.
type figures struct {
	onHand   int64
	reserved int64
	queued   int64 // what the queue lists
	filling  int64 // of it: due to the front, not yet written to the lines
}

func (f figures) available() int64 { return f.onHand - f.reserved }

func (f figures) backordered() int64 { return f.queued - f.filling }

// shortfall is what is promised as covered and not there.
func (f figures) shortfall() int64 { return max(0, f.reserved-f.backordered()-f.onHand) }

// settle is the rule of the contract, section 3, in its words; it follows every change of the
// figures.
func (f *figures) settle() {
	f.filling = min(f.filling, f.queued)
	free := f.onHand - (f.reserved - f.backordered())
	if free > 0 {
		f.filling += min(free, f.backordered())
	}
	if free < 0 {
		f.filling -= min(-free, f.filling)
	}
}

// workOff writes units that are due to the front of queues to their lines, one SKU after the other,
// as far as the change's budget goes.
func (c *change) workOff(skus []reservation.SKU) {
	for at := 0; at < len(skus); at++ {
		it := c.items[skus[at]]
		for it.filling > 0 && c.handled < reservation.LineBudget {
			for _, sku := range c.serveHead(it) {
				if !slices.Contains(skus[at:], sku) {
					skus = append(skus, sku)
				}
			}
		}
	}
}

// serveHead handles the first line of a queue. Nobody is filled whose hold has run out: it is
// reclaimed, and what it gives back may serve other queues, whose SKUs are returned.
func (c *change) serveHead(it *item) (grown []reservation.SKU) {
	head := it.queue[0]
	r := c.records[head.id]
	if r.isDue(c.now) {
		c.handled += r.weight()
		return c.expire(r)
	}
	c.handled++
	c.fill(it, r, head.index)
	return nil
}

// bringUp works off what stands before the lines of one reservation, so that they have what is
// due to them. It is false where the budget ended before.
func (c *change) bringUp(r *record) (done bool) {
	for {
		// What a hold gives back that is met on the way may be due to a line before.
		index := slices.IndexFunc(r.lines, func(l line) bool {
			return l.counted && l.Backordered > 0 && c.items[l.SKU].filling > 0
		})
		switch {
		case index < 0:
			return true
		case c.handled >= reservation.LineBudget:
			return false
		}
		c.serveHead(c.items[r.lines[index].SKU])
	}
}

// fill gives the line at the head of a queue what is due to it.
func (c *change) fill(it *item, r *record, index int) {
	l := &r.lines[index]
	units := min(l.Backordered, it.filling)
	l.Covered += units
	l.Backordered -= units
	it.queued -= units
	it.filling -= units
	if l.Backordered == 0 {
		it.queue = it.queue[1:]
	}
	c.fills = append(c.fills, reservation.Fill{ID: r.id, SKU: l.SKU, Units: units})
	c.emit(reservation.Event{
		Type:        reservation.EventBackorderFilled,
		Reservation: r.id,
		Lines:       []reservation.EventLine{{Index: index, SKU: l.SKU, Covered: units}},
	})
}

// join puts a line at the tail of the queue.
func (it *item) join(id reservation.ReservationID, index int) {
	it.tickets++
	it.queue = append(it.queue, entry{id: id, index: index, ticket: it.tickets})
}

// leave takes a line out of the queue, wherever it stands.
func (it *item) leave(id reservation.ReservationID, index int) {
	it.queue = slices.DeleteFunc(slices.Clone(it.queue), func(e entry) bool {
		return e.id == id && e.index == index
	})
}
