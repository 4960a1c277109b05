package storetest

import (
	"context"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// runGaveUp makes calls for a caller who is gone already: none is sent, and the refusal says so.
func runGaveUp(t *testing.T, open func(t *testing.T) Subject) {
	subject := open(t)
	stock := newGenerator(0).stocks[0]
	must(t, subject, stock, "restock r1 MUG*3")
	must(t, subject, stock, "reserve o1 MUG*1")
	before := snapshotOf(t, subject, stock)
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, text := range []string{
		"reserve o2 MUG*1", "check MUG*1", "release o1", "release o1 by=r2 MUG*1", "get o1",
		"restock r3 MUG*1", "set-policy MUG sellable=false", "get-policy MUG",
		"set-default sellable=false", "get-default", "items MUG", "list limit=1", "delete MUG",
		"commit o1", "commit o1 reacquire", "extend o1 ttl=1m", "fulfill o1",
		"fulfill o1 by=r4 MUG*1", "adjust r5 MUG*1", "set-stock r6 MUG*1",
		"reservations COMMITTED", "backorders",
	} {
		c, err := parseCall(stock, text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.do(gone, subject)
		if reason := reservation.ReasonOf(err); reason != reservation.ReasonCallerGaveUp {
			t.Errorf("%s: %v (%s), must be %s", text, err, reason,
				reservation.ReasonCallerGaveUp)
		}
	}
	if difference := diff(before, snapshotOf(t, subject, stock)); difference != "" {
		t.Errorf("calls without a caller left a trace (-before +after):\n%s", difference)
	}
}
