package model

import (
	"github.com/holdfast-dev/holdfast/reservation"
)

// part is what one line gives back, in units.
type part struct {
	covered     int64
	backordered int64
}

// giveBack takes units off a line. What was backordered leaves the queue; what was covered is free.
func (c *change) giveBack(r *record, index int, units part) {
	l := &r.lines[index]
	l.Covered -= units.covered
	l.Backordered -= units.backordered
	l.Released += units.covered + units.backordered
	if !l.counted {
		return
	}
	it := c.touch(l.SKU)
	it.reserved -= units.covered + units.backordered
	it.queued -= units.backordered
	if units.backordered > 0 && l.Backordered == 0 {
		it.leave(r.id, index)
	}
	it.settle()
}

// giveBackAll takes every open unit off a reservation and returns what each line gave, for the
// event.
func (c *change) giveBackAll(r *record) []reservation.EventLine {
	var given []reservation.EventLine
	for index := range r.lines {
		l := r.lines[index]
		if l.Open() == 0 {
			continue
		}
		units := part{covered: l.Covered, backordered: l.Backordered}
		c.giveBack(r, index, units)
		given = append(given, eventLine(index, l.SKU, units))
	}
	return given
}

func eventLine(index int, sku reservation.SKU, units part) reservation.EventLine {
	return reservation.EventLine{
		Index:       index,
		SKU:         sku,
		Covered:     units.covered,
		Backordered: units.backordered,
	}
}

// releaseAll ends a held or committed reservation.
func (c *change) releaseAll(r *record) {
	given := c.giveBackAll(r)
	r.finish(r.endState(), c.now)
	c.emit(reservation.Event{
		Type:        reservation.EventReleased,
		Reservation: r.id,
		State:       r.state,
		Lines:       given,
	})
}

// expire reclaims a hold that has run out. It returns the SKUs of which more is due to their queues
// than before.
func (c *change) expire(r *record) (grown []reservation.SKU) {
	var skus []reservation.SKU
	before := map[reservation.SKU]int64{}
	for _, l := range r.lines {
		if l.counted && l.Open() > 0 {
			skus = append(skus, l.SKU)
			before[l.SKU] = c.items[l.SKU].filling
		}
	}
	given := c.giveBackAll(r)
	r.finish(reservation.StateExpired, c.now)
	c.emit(reservation.Event{
		Type:        reservation.EventExpired,
		Reservation: r.id,
		State:       r.state,
		Lines:       given,
	})
	for _, sku := range once(skus) {
		if c.items[sku].filling > before[sku] {
			grown = append(grown, sku)
		}
	}
	return grown
}
