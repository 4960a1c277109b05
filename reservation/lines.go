package reservation

import (
	"fmt"
	"time"
)

// Quantity is a number of whole units, 1 to [MaxQuantity]. The zero value is none.
type Quantity struct{ units int64 }

// NewQuantity makes a quantity of units.
func NewQuantity(units int64) (Quantity, error) {
	if units < 1 || units > MaxQuantity {
		return Quantity{}, fmt.Errorf("is %d, must be 1 to %d", units, int64(MaxQuantity))
	}
	return Quantity{units}, nil
}

// Units returns the number of units.
func (q Quantity) Units() int64 { return q.units }

// Line asks for a quantity of a SKU.
type Line struct {
	SKU      SKU
	Quantity Quantity
}

// Lines are the 1 to [MaxLines] lines of one request, in the caller's order. The zero value is
// none, which stands for "everything" where a call allows it.
type Lines struct{ list []Line }

// NewLines makes lines of a list; it keeps the list.
func NewLines(list []Line) (Lines, error) {
	if len(list) < 1 || len(list) > MaxLines {
		return Lines{}, fmt.Errorf("has %d lines, must have 1 to %d", len(list), MaxLines)
	}
	return Lines{list}, nil
}

// All returns the lines; the caller must not change them.
func (l Lines) All() []Line { return l.list }

// Len returns the number of lines.
func (l Lines) Len() int { return len(l.list) }

// IsZero says whether there are no lines.
func (l Lines) IsZero() bool { return len(l.list) == 0 }

// TTL is how long a hold lasts: [MinTTL] to [MaxTTL] in whole milliseconds. The zero value is no
// hold: the reservation is firm at once.
type TTL struct{ milliseconds int64 }

// NewTTL makes a TTL, rounded up to whole milliseconds.
func NewTTL(d time.Duration) (TTL, error) {
	if d < MinTTL || d > MaxTTL {
		return TTL{}, fmt.Errorf("is %v, must be %v to %v", d, MinTTL, MaxTTL)
	}
	return TTL{int64((d + time.Millisecond - 1) / time.Millisecond)}, nil
}

// Milliseconds returns the length of the hold; 0 for none.
func (t TTL) Milliseconds() int64 { return t.milliseconds }

// IsZero says whether there is no hold.
func (t TTL) IsZero() bool { return t.milliseconds == 0 }
