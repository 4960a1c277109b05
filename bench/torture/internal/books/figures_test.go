package books

import (
	"testing"
	"time"
)

// twoLines is an order of two units of A and one of B.
func twoLines() figures {
	return figures{state: committed, lines: []line{{sku: "A", open: 2}, {sku: "B", open: 1}}}
}

func TestFigures_FollowWhatIsDoneToAnOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		got, want figures
	}{
		"a part goes back": {
			twoLines().giveBack(units{"A": 1}),
			figures{committed, []line{{"A", 1, 0, 1}, {"B", 1, 0, 0}}},
		},
		"all goes back": {
			twoLines().giveBack(nil), figures{released, []line{{"A", 0, 0, 2}, {"B", 0, 0, 1}}},
		},
		"all is shipped": {
			twoLines().ship(nil), figures{fulfilled, []line{{"A", 0, 2, 0}, {"B", 0, 1, 0}}},
		},
		"the rest goes back after a part was shipped": {
			twoLines().ship(units{"A": 1}).giveBack(nil),
			figures{fulfilled, []line{{"A", 0, 1, 1}, {"B", 0, 0, 1}}},
		},
	} {
		if !test.got.equal(test.want) {
			t.Errorf("%s: %s, want %s", name, test.got, test.want)
		}
	}
}

func TestFigures_AHoldRunsOutAtItsExpiry(t *testing.T) {
	t.Parallel()
	expires := time.UnixMilli(1_000)
	hold := twoLines()
	hold.state = held
	over := figures{expired, []line{{"A", 0, 0, 2}, {"B", 0, 0, 1}}}
	if got := hold.at(time.UnixMilli(999), expires); !got.equal(hold) {
		t.Errorf("a millisecond before: %s", got)
	}
	if got := hold.at(expires, expires); !got.equal(over) {
		t.Errorf("at its expiry: %s", got)
	}
	if got := twoLines().at(expires, expires); !got.equal(twoLines()) {
		t.Errorf("one that is firm: %s", got)
	}
	if !hold.canBe(over, expires, expires) || hold.canBe(over, time.UnixMilli(999), expires) {
		t.Error("it may be seen as run out from its expiry on, and not before")
	}
}
