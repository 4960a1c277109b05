package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// races is how many reservations each race is about.
const races = 400

func runRaces(t *testing.T, open func(t *testing.T) Subject) {
	t.Run("a hold is committed or it expires", func(t *testing.T) {
		t.Parallel()
		raceExpiry(t, open(t), "commit o%d", reservation.StateCommitted)
	})
	t.Run("a hold is extended or it expires", func(t *testing.T) {
		t.Parallel()
		raceExpiry(t, open(t), "extend o%d ttl=1h", reservation.StateHeld)
	})
	t.Run("a hold comes back once", func(t *testing.T) {
		t.Parallel()
		raceReacquire(t, open(t))
	})
	t.Run("who waits is filled or leaves", func(t *testing.T) {
		t.Parallel()
		raceRestock(t, open(t))
	})
	t.Run("a unit is shipped or released", func(t *testing.T) {
		t.Parallel()
		raceFulfill(t, open(t))
	})
	t.Run("the last units on hand leave once", func(t *testing.T) {
		t.Parallel()
		raceOnHand(t, open(t))
	})
}

// raceExpiry has callers keep holds while the clock steps over their expiry and sweeps run: each
// hold is as its caller was told, and its unit is reserved or free accordingly.
func raceExpiry(t *testing.T, subject Subject, keep string, kept reservation.State) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, fmt.Sprintf("restock r1 MUG*%d", races))
	for n := range races {
		must(t, subject, stock, fmt.Sprintf("reserve o%d MUG*1 ttl=10s", n))
	}
	var texts []string
	for n := range races {
		if n == races/2 {
			texts = append(texts, "advance 10s")
		}
		if n%7 == 0 {
			texts = append(texts, "sweep")
		}
		texts = append(texts, fmt.Sprintf(keep, n))
	}
	outcomes := together(t, subject, stock, texts)
	must(t, subject, stock, "sweep")
	must(t, subject, stock, "sweep")

	states := statesOf(snapshotOf(t, subject, stock))
	var reserved int64
	at := 0
	for n := range races {
		for texts[at] != fmt.Sprintf(keep, n) {
			at++
		}
		told, want := outcomes[at], reservation.StateExpired
		if told.Refusal == nil {
			want = kept
			reserved++
		} else if told.Refusal.State != reservation.StateExpired {
			t.Errorf("%s: %v", texts[at], told.print())
		}
		if id := fmt.Sprintf("o%d", n); states[id] != want {
			t.Errorf("%s is %s, its caller was told %v", id, states[id], told.print())
		}
	}
	item := snapshotOf(t, subject, stock).Items[0]
	if item.Reserved != reserved || item.OnHand != races {
		t.Errorf("%s, must have %d reserved", printStock(item), reserved)
	}
	t.Logf("%d of %d were kept", reserved, races)
}

func statesOf(snapshot reservation.Snapshot) map[string]reservation.State {
	states := map[string]reservation.State{}
	for _, r := range snapshot.Reservations {
		states[r.ID.String()] = r.State
	}
	return states
}

// raceReacquire has callers take expired holds up again, each several times, while others take the
// units: none is promised twice.
func raceReacquire(t *testing.T, subject Subject) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, fmt.Sprintf("restock r1 MUG*%d", races))
	for n := range races {
		must(t, subject, stock, fmt.Sprintf("reserve o%d MUG*1 ttl=10s", n))
	}
	subject.Advance(10 * time.Second)
	var texts []string
	for n := range races {
		again := fmt.Sprintf("commit o%d reacquire", n)
		texts = append(texts, again, fmt.Sprintf("reserve new%d MUG*1", n), again)
	}
	outcomes := together(t, subject, stock, texts)
	granted := map[string]bool{}
	for n, result := range outcomes {
		if result.Refusal == nil {
			granted[texts[n]] = true
		}
	}
	snapshot := snapshotOf(t, subject, stock)
	for _, r := range snapshot.Reservations {
		if r.Term > 2 {
			t.Errorf("I3: %s is in term %d", r.ID, r.Term)
		}
	}
	if item := snapshot.Items[0]; len(granted) != races || item.Reserved != races {
		t.Errorf("%d grants, %s, must be %d", len(granted), printStock(item), races)
	}
}

// raceRestock has callers leave a queue while units arrive for it.
func raceRestock(t *testing.T, subject Subject) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, "set-policy MUG backorder_mode=ALLOW")
	for n := range races {
		must(t, subject, stock, fmt.Sprintf("reserve o%d MUG*1", n))
	}
	var texts []string
	for n := range races / 2 {
		leave := fmt.Sprintf("release o%d", 2*n)
		texts = append(texts, leave, fmt.Sprintf("restock r%d MUG*1", n), leave)
	}
	for n, result := range together(t, subject, stock, texts) {
		if result.Refusal != nil {
			t.Errorf("%s: %v", texts[n], result.print())
		}
	}
	for range races/reservation.LineBudget + 1 {
		must(t, subject, stock, "drain")
	}
	item := snapshotOf(t, subject, stock).Items[0]
	if item.OnHand != races/2 || item.Reserved != races/2 || item.Queued != 0 {
		t.Errorf("%s, must have %d on hand, reserved and filled", printStock(item), races/2)
	}
}

// raceFulfill has callers ship and cancel the same orders: every unit ends in one way.
func raceFulfill(t *testing.T, subject Subject) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, fmt.Sprintf("restock r1 MUG*%d", 3*races))
	var texts []string
	for n := range races {
		must(t, subject, stock, fmt.Sprintf("reserve o%d MUG*3", n))
		texts = append(texts, fmt.Sprintf("fulfill o%d by=f%d MUG*1", n, n),
			fmt.Sprintf("release o%d", n), fmt.Sprintf("fulfill o%d", n),
			fmt.Sprintf("fulfill o%d by=f%d MUG*1", n, n))
	}
	together(t, subject, stock, texts)
	snapshot := snapshotOf(t, subject, stock)
	var shipped int64
	for _, r := range snapshot.Reservations {
		line := r.Lines[0]
		shipped += line.Fulfilled
		if line.Fulfilled+line.Released != 3 || !r.State.IsFinished() {
			t.Errorf("%s is %s: %+v", r.ID, r.State, line)
		}
	}
	item := snapshot.Items[0]
	if item.OnHand != 3*races-shipped || item.Reserved != 0 {
		t.Errorf("%s, but %d of %d were shipped", printStock(item), shipped, 3*races)
	}
}

// raceOnHand has callers ship what a count takes away.
func raceOnHand(t *testing.T, subject Subject) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, fmt.Sprintf("restock r1 MUG*%d", races))
	var texts []string
	for n := range races {
		must(t, subject, stock, fmt.Sprintf("reserve o%d MUG*1", n))
		texts = append(texts, fmt.Sprintf("fulfill o%d", n), fmt.Sprintf("adjust a%d MUG*-1", n))
	}
	outcomes := together(t, subject, stock, texts)
	var gone, fulfilled int64
	for n, result := range outcomes {
		switch {
		case result.Refusal != nil:
		case n%2 == 0:
			gone, fulfilled = gone+1, fulfilled+1
		default:
			gone++
		}
	}
	item := snapshotOf(t, subject, stock).Items[0]
	if gone != races || item.OnHand != 0 || item.Reserved != races-fulfilled {
		t.Errorf("%s after %d units were shipped and %d are gone", printStock(item), fulfilled, gone)
	}
}
