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

// workOff writes units that are due to the front of queues to their lines: at most a budget of
// lines, one SKU after the other. It returns how many queue lines it handled, filled or
// reclaimed.
func (c *change) workOff(skus []reservation.SKU) (handled int) {
	for at := 0; at < len(skus); at++ {
		it := c.items[skus[at]]
		for it.filling > 0 && handled < reservation.LineBudget {
			handled++
			head := it.queue[0]
			r := c.records[head.id]
			if !r.isDue(c.now) {
				c.fill(it, r, head.index)
				continue
			}
			// Nobody is filled whose hold has run out; what it gives back may serve other queues.
			for _, sku := range c.expire(r) {
				if !slices.Contains(skus[at:], sku) {
					skus = append(skus, sku)
				}
			}
		}
	}
	return handled
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

// leave takes a line out of the queue, wherever it stands.
func (it *item) leave(place entry) {
	it.queue = slices.DeleteFunc(slices.Clone(it.queue), func(e entry) bool { return e == place })
}
