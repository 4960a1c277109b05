package storetest

import (
	"github.com/holdfast-dev/holdfast/reservation"
)

// compare holds a snapshot against the fold of its journal.
func (f *folded) compare(snapshot reservation.Snapshot) problems {
	var p problems
	if snapshot.Sequence != f.sequence {
		p.addf("I7: the sequence is %d after %d events", snapshot.Sequence, f.sequence)
	}
	if difference := diff(f.byDefault, snapshot.Default); difference != "" {
		p.addf("I7: default policy (-journal +store):\n%s", difference)
	}
	for _, item := range snapshot.Items {
		it, known := f.items[item.SKU]
		if !known {
			p.addf("I7: the journal does not know %s", item.SKU)
			continue
		}
		if difference := diff(it.snapshot(item), item); difference != "" {
			p.addf("I7: item %s (-journal +store):\n%s", item.SKU, difference)
		}
	}
	if len(snapshot.Items) != len(f.items) {
		p.addf("I7: there are %d SKUs, the journal has %d", len(snapshot.Items), len(f.items))
	}
	p = append(p, f.compareReservations(snapshot.Reservations)...)
	return append(p, f.compareOpen()...)
}

// snapshot shows a folded SKU. Filling is no event's: it follows from the figures, which [Problems]
// looks at by itself.
func (it *foldedItem) snapshot(like reservation.ItemSnapshot) reservation.ItemSnapshot {
	shown := reservation.ItemSnapshot{
		SKU: like.SKU, OnHand: it.onHand, Reserved: it.reserved,
		Filling: like.Filling, Own: it.own, Queue: it.queue,
	}
	for _, entry := range it.queue {
		shown.Queued += entry.Units
	}
	return shown
}

// compareReservations holds those kept against those told. What is finished may be forgotten.
func (f *folded) compareReservations(kept []reservation.Reservation) problems {
	var p problems
	seen := map[reservation.ReservationID]bool{}
	for _, r := range kept {
		seen[r.ID] = true
		told, known := f.reservations[r.ID]
		if !known {
			p.addf("I7: the journal does not know %s", r.ID)
			continue
		}
		if difference := diff(told.snapshot(r), r); difference != "" {
			p.addf("I7: reservation %s (-journal +store):\n%s", r.ID, difference)
		}
	}
	for id, told := range f.reservations {
		if !seen[id] && !told.state.IsFinished() {
			p.addf("I7: %s is %s in the journal and not kept", id, told.state)
		}
	}
	return p
}

// snapshot shows a folded reservation. What no event tells is taken over from like.
func (r *foldedReservation) snapshot(like reservation.Reservation) reservation.Reservation {
	shown := like
	shown.State = r.state
	shown.CreateTime = r.createTime
	shown.ExpireTime = r.expireTime
	shown.Term = r.term
	shown.Lines = nil
	for index, line := range r.lines {
		told := reservation.ReservationLine{
			SKU: line.sku, Requested: line.requested,
			Covered: line.covered, Backordered: line.backordered,
			Fulfilled: line.fulfilled, Released: line.released,
			Reason: line.refusal, Orderable: line.orderable,
		}
		if index < len(like.Lines) {
			told.Notify = like.Lines[index].Notify
			told.RestockTime = like.Lines[index].RestockTime
			told.Substitutes = like.Lines[index].Substitutes
		}
		shown.Lines = append(shown.Lines, told)
	}
	return shown
}

// compareOpen holds what is reserved of each SKU against the counted open lines (I2).
func (f *folded) compareOpen() problems {
	var p problems
	open := map[reservation.SKU]int64{}
	for id, r := range f.reservations {
		for index, line := range r.lines {
			if line.counted {
				open[line.sku] += line.open()
			} else if line.backordered != 0 {
				p.addf("%s/%d is not counted and has backordered units", id, index)
			}
		}
	}
	for sku, it := range f.items {
		if it.reserved != open[sku] {
			p.addf("I2: %d %s are reserved, %d are open", it.reserved, sku, open[sku])
		}
	}
	return p
}
