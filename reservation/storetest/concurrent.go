package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// callers is how many call at the same time.
const callers = 256

func runConcurrent(t *testing.T, open func(t *testing.T) Subject) {
	t.Run("the last units of a SKU go once", func(t *testing.T) {
		t.Parallel()
		fight(t, open(t), "set-policy MUG backorder_mode=DENY", 1_000)
	})
	t.Run("backorders go to their limit", func(t *testing.T) {
		t.Parallel()
		fight(t, open(t), "set-policy MUG backorder_mode=ALLOW backorder_limit=500", 1_500)
	})
	t.Run("a mix of calls keeps what always holds", func(t *testing.T) {
		t.Parallel()
		mix(t, open(t))
	})
	t.Run("one reservation is released once", func(t *testing.T) {
		t.Parallel()
		releaseTogether(t, open(t))
	})
}

// fight has many callers send more orders than can be had, each order twice at the same time.
func fight(t *testing.T, subject Subject, policy string, units int) {
	defaultStock := newGenerator(0).stocks[0]
	must(t, subject, defaultStock, policy)
	must(t, subject, defaultStock, "restock r1 MUG*1000")
	orders := units + units/4
	var texts []string
	for n := range orders {
		text := fmt.Sprintf("reserve o%d MUG*1 ttl=1h", n)
		texts = append(texts, text, text)
	}
	outcomes := together(t, subject, defaultStock, texts)

	granted := 0
	for n := range orders {
		a, b := outcomes[2*n], outcomes[2*n+1]
		if (a.Refusal == nil) != (b.Refusal == nil) {
			t.Errorf("order o%d was granted and refused: %v and %v", n, a.print(), b.print())
		}
		if a.Refusal != nil || b.Refusal != nil {
			continue
		}
		granted++
		first, _ := a.Answer.(reservation.ReserveAnswer)
		again, _ := b.Answer.(reservation.ReserveAnswer)
		if first.Replayed == again.Replayed {
			t.Errorf("order o%d: replayed is %v twice", n, first.Replayed)
		}
		first.Replayed, again.Replayed = false, false
		if difference := diff(first, again); difference != "" {
			t.Errorf("order o%d was answered in two ways:\n%s", n, difference)
		}
	}
	if granted != units {
		t.Errorf("%d orders were granted, must be %d", granted, units)
	}
	snapshot := snapshotOf(t, subject, defaultStock)
	if reserved := snapshot.Items[0].Reserved; reserved != int64(units) {
		t.Errorf("%d units are reserved, must be %d", reserved, units)
	}
	if kept := len(snapshot.Reservations); kept != units {
		t.Errorf("%d reservations are kept, must be %d", kept, units)
	}
}

// mix has many callers send random calls, so that each meets the others' ids and units.
func mix(t *testing.T, subject Subject) {
	const each = 12
	stocks := newGenerator(0).stocks
	for _, stock := range stocks {
		must(t, subject, stock, "set-default backorder_mode=ALLOW backorder_limit=50")
		must(t, subject, stock, "restock first MUG*200 mug*200 z*200")
	}
	var texts []string
	for caller := range callers {
		g := newGenerator(uint64(caller))
		for range each {
			_, written := g.next()
			if len(written) == 1 {
				texts = append(texts, written...)
			}
		}
	}
	for _, stock := range stocks {
		together(t, subject, stock, texts)
		snapshotOf(t, subject, stock)
	}
}

// releaseTogether has many callers release the same reservation, restock and correct by the same
// requests.
func releaseTogether(t *testing.T, subject Subject) {
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, "restock r1 MUG*10")
	must(t, subject, stock, "reserve o1 MUG*8")
	var texts []string
	for range callers / 4 {
		texts = append(texts, "release o1 by=r2 MUG*3", "restock r3 MUG*2", "release o1",
			"adjust r4 MUG*-1:damaged")
	}
	together(t, subject, stock, texts)
	item := snapshotOf(t, subject, stock).Items[0]
	if item.OnHand != 11 || item.Reserved != 0 {
		t.Errorf("%s, must have 11 on hand and nothing reserved", printStock(item))
	}
}

// must makes a call that prepares a test.
func must(t *testing.T, subject Subject, stock reservation.StockID, text string) {
	t.Helper()
	c, err := parseCall(stock, text)
	if err != nil {
		t.Fatal(err)
	}
	result, err := c.outcome(t.Context(), subject)
	if err != nil || result.Refusal != nil {
		t.Fatalf("%s: %v %v", text, result.print(), err)
	}
}

// together has the callers work through the texts, the next free one taking the next text, and
// returns what came of each.
func together(
	t *testing.T, subject Subject, stock reservation.StockID, texts []string,
) []outcome {
	t.Helper()
	var calls []call
	var advances []int
	for n, text := range texts {
		if _, isAdvance := advance(text); isAdvance {
			advances = append(advances, n)
			calls = append(calls, call{})
			continue
		}
		c, err := parseCall(stock, text)
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, c)
	}
	outcomes := make([]outcome, len(calls))
	faults := make([]error, len(calls))
	jobs := make(chan int)
	var working sync.WaitGroup
	for range callers {
		working.Go(func() {
			for n := range jobs {
				outcomes[n], faults[n] = makeOrAdvance(t.Context(), subject, calls[n], texts[n])
			}
		})
	}
	for n := range calls {
		jobs <- n
	}
	close(jobs)
	working.Wait()
	for n, fault := range faults {
		if fault != nil {
			t.Errorf("%s: %v", texts[n], fault)
		}
	}
	t.Logf("%d calls and %d steps of the clock", len(calls)-len(advances), len(advances))
	return outcomes
}

func makeOrAdvance(ctx context.Context, subject Subject, c call, text string) (outcome, error) {
	if d, advances := advance(text); advances {
		subject.Advance(d)
		return outcome{}, nil
	}
	return c.outcome(ctx, subject)
}
