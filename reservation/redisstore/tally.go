package redisstore

import (
	"hash/maphash"
	"strconv"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/ledger"
)

// defaultWalkLimit is how many reservations one pass of a tally remembers, and of how many SKUs it
// keeps sums: about 80 MB in all. A larger stock is walked in several passes.
const defaultWalkLimit = 1 << 20

// nameHash stands for a name. Of 10^9 names two share one with a probability below 10^-19.
type nameHash [2]uint64

// hasher makes hashes of names; each has seeds of its own.
type hasher [2]maphash.Seed

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

func (h hasher) of(name string) nameHash {
	return nameHash{maphash.String(h[0], name), maphash.String(h[1], name)}
}

func (h hasher) line(id string, index int) nameHash {
	return h.of(id + "/" + strconv.Itoa(index))
}

// openUnits is what the reservations of a SKU have open.
type openUnits struct{ reserved, queued int64 }

// tally sums up, SKU by SKU, what a stock's reservations have open at the moment to which the
// journal has been followed. A reservation is added when it is read; from then on its events are.
// An event of one that was not read yet counts for nothing: the read will show what it did.
//
// To bound its memory, reservations are taken in classes, a pass over the stock for each, and SKUs
// in rounds. Those of classes that are done are all known, those of later ones are all unknown.
type tally struct {
	hash           hasher
	class, classes uint64
	round, rounds  uint64
	only           reservation.Optional[reservation.SKU] // the one SKU that is wanted

	known     map[nameHash]struct{}  // reservations of this class
	uncounted map[nameHash]struct{}  // lines that stand in no figure, of all classes
	sums      map[nameHash]openUnits // by SKU, of this round
}

// newTally makes a tally for about so many reservations and SKUs.
func newTally(reservations, skus int64, limit int) *tally {
	passes := func(n int64) uint64 { return uint64(n)/uint64(limit) + 1 }
	return &tally{hash: newHasher(), classes: passes(reservations), rounds: passes(skus)}
}

// beginRound forgets all and turns to the SKUs of a round.
func (t *tally) beginRound(round uint64) {
	t.round = round
	t.uncounted = make(map[nameHash]struct{})
	t.sums = make(map[nameHash]openUnits)
}

// beginClass turns to the next class; all of the one before must have been read.
func (t *tally) beginClass(class uint64) {
	t.class = class
	t.known = make(map[nameHash]struct{})
}

// isOfClass says whether a reservation is to be read in this pass.
func (t *tally) isOfClass(id string) bool { return t.hash.of(id)[0]%t.classes == t.class }

// isOfRound says whether a SKU's sums are kept in this round.
func (t *tally) isOfRound(sku string) bool { return t.hash.of(sku)[0]%t.rounds == t.round }

// of returns a SKU's sums.
func (t *tally) of(sku string) openUnits { return t.sums[t.hash.of(sku)] }

// read adds a reservation as it is at the present moment; one that is known already stays as it is.
func (t *tally) read(record *storedRecord) {
	if !t.isOfClass(record.name) {
		return
	}
	if t.knows(record.name) || !record.exists || record.fault != "" {
		return
	}
	t.known[t.hash.of(record.name)] = struct{}{}
	for i := range record.Lines {
		line := &record.Lines[i]
		t.mark(record.name, i, line.Counted)
		if line.Counted {
			t.add(line.SKU, line.Open(), line.Backordered)
		}
	}
}

// event adds what an event does to reservations that are known.
func (t *tally) event(event *reservation.Event) {
	if !t.follows(event) {
		return
	}
	for _, change := range ledger.Changes(event) {
		if t.isCounted(event.Reservation, change.Index) {
			t.add(change.SKU, change.Open(), change.Backordered)
		}
	}
}

// follows says whether an event is of a reservation that is known; a RESERVED makes its own so.
func (t *tally) follows(event *reservation.Event) bool {
	if event.Reservation.IsZero() {
		return false
	}
	id := event.Reservation.String()
	hash := t.hash.of(id)
	class := hash[0] % t.classes
	if class > t.class {
		return false
	}
	if event.Type == reservation.EventReserved {
		for _, line := range event.Lines {
			t.mark(id, line.Index, line.Counted)
		}
		if class == t.class {
			t.known[hash] = struct{}{}
		}
	}
	if class < t.class {
		return true
	}
	_, isKnown := t.known[hash]
	return isKnown
}

// knows says whether a reservation of this class is known.
func (t *tally) knows(id string) bool {
	_, isKnown := t.known[t.hash.of(id)]
	return isKnown
}

// isCounted says whether a line of a reservation that is known stands in its SKU's figures.
func (t *tally) isCounted(id reservation.ReservationID, index int) bool {
	if len(t.uncounted) == 0 {
		return true
	}
	_, is := t.uncounted[t.hash.line(id.String(), index)]
	return !is
}

// mark remembers whether a line is counted.
func (t *tally) mark(id string, index int, counted bool) {
	switch {
	case !counted:
		t.uncounted[t.hash.line(id, index)] = struct{}{}
	case len(t.uncounted) > 0:
		delete(t.uncounted, t.hash.line(id, index))
	}
}

func (t *tally) add(sku reservation.SKU, reserved, queued int64) {
	if reserved == 0 && queued == 0 || t.only.Set && t.only.Value != sku {
		return
	}
	name := sku.String()
	if !t.isOfRound(name) {
		return
	}
	hash := t.hash.of(name)
	sum := t.sums[hash]
	sum.reserved += reserved
	sum.queued += queued
	t.sums[hash] = sum
}
