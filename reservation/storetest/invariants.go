package storetest

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Problems returns what in a snapshot breaks the contract, section 6: the figures and queues by
// themselves (I1, I2), and all of it against the journal folded from its first event (I3, I5, I7).
func Problems(snapshot reservation.Snapshot) []string {
	var p problems
	for _, item := range snapshot.Items {
		p.figures(item)
	}
	p.queues(snapshot)
	f := fold(snapshot.Events)
	p = append(p, f.problems...)
	p = append(p, f.compare(snapshot)...)
	return p
}

// problems collects sentences.
type problems []string

func (p *problems) addf(format string, args ...any) {
	*p = append(*p, fmt.Sprintf(format, args...))
}

// figures holds one SKU's numbers against each other.
func (p *problems) figures(item reservation.ItemSnapshot) {
	shown := reservation.Item{
		SKU: item.SKU, OnHand: item.OnHand, Reserved: item.Reserved,
		Queued: item.Queued, Filling: item.Filling,
	}
	if item.OnHand < 0 || item.Reserved < 0 || item.Queued < 0 || item.Filling < 0 {
		p.addf("I1: %s has a negative figure: %+v", item.SKU, item)
	}
	if item.Queued > item.Reserved {
		p.addf("I2: %s queues %d of %d reserved", item.SKU, item.Queued, item.Reserved)
	}
	if short := max(0, -shown.Available()); shown.Backordered()+shown.Shortfall() != short {
		p.addf("I2: %s has backordered %d + shortfall %d, but %d units are missing",
			item.SKU, shown.Backordered(), shown.Shortfall(), short)
	}
	// The contract gives the rule step by step; this is what its steps come to.
	due := min(max(shown.Available()+item.Queued, 0), item.Queued)
	if item.Filling != due {
		p.addf("%s has filling %d, must be %d", item.SKU, item.Filling, due)
	}
}

// place is where a line waits.
type place struct {
	sku   reservation.SKU
	id    reservation.ReservationID
	index int
}

// queues holds each queue against its sum and against the lines that wait in it.
func (p *problems) queues(snapshot reservation.Snapshot) {
	waiting := map[place]int64{}
	for _, item := range snapshot.Items {
		var sum int64
		for _, entry := range item.Queue {
			at := place{item.SKU, entry.ID, entry.Index}
			if _, twice := waiting[at]; twice {
				p.addf("%s/%d waits twice for %s", entry.ID, entry.Index, item.SKU)
			}
			waiting[at] = entry.Units
			sum += entry.Units
		}
		if sum != item.Queued {
			p.addf("I2: the queue of %s lists %d units, queued is %d", item.SKU, sum, item.Queued)
		}
	}
	for _, r := range snapshot.Reservations {
		p.state(r)
		for index, line := range r.Lines {
			p.line(r, index)
			at := place{line.SKU, r.ID, index}
			if waiting[at] != line.Backordered {
				p.addf("I2: %s/%d has %d backordered, its queue says %d",
					r.ID, index, line.Backordered, waiting[at])
			}
			delete(waiting, at)
		}
	}
	for at := range waiting {
		p.addf("%s/%d waits for %s, but there is no such line", at.id, at.index, at.sku)
	}
}

// state holds a reservation's state against its units.
func (p *problems) state(r reservation.Reservation) {
	var open, fulfilled int64
	for _, line := range r.Lines {
		open += line.Open()
		fulfilled += line.Fulfilled
	}
	if open == 0 && !r.State.IsFinished() {
		p.addf("%s is %s with nothing open", r.ID, r.State)
	}
	mayBeFulfilled := r.State == reservation.StateCommitted ||
		r.State == reservation.StateFulfilled
	if fulfilled > 0 && !mayBeFulfilled ||
		fulfilled == 0 && r.State == reservation.StateFulfilled {
		p.addf("%s is %s with %d units fulfilled", r.ID, r.State, fulfilled)
	}
	if r.State == reservation.StateHeld && r.Term != 1 {
		p.addf("I3: %s is HELD in term %d", r.ID, r.Term)
	}
}

// line holds one line against its reservation's state.
func (p *problems) line(r reservation.Reservation, index int) {
	line := r.Lines[index]
	units := []int64{line.Covered, line.Backordered, line.Fulfilled, line.Released}
	var granted int64
	for _, n := range units {
		granted += n
		if n < 0 {
			p.addf("%s/%d has negative units: %+v", r.ID, index, line)
		}
	}
	if granted > line.Requested {
		p.addf("%s/%d was granted %d of %d", r.ID, index, granted, line.Requested)
	}
	if r.State.IsFinished() && line.Open() > 0 {
		p.addf("%s is %s with %d units open on line %d", r.ID, r.State, line.Open(), index)
	}
}
