package reservation

import (
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// CommitRequest makes a hold firm; with Reacquire also one that expired.
type CommitRequest struct {
	Stock     StockID
	ID        ReservationID
	Reacquire bool
}

// ExtendRequest counts a hold's expiry anew from now. TTL is not zero.
type ExtendRequest struct {
	Stock StockID
	ID    ReservationID
	TTL   TTL
}

// FulfillRequest ships covered units: everything open when Lines is zero, otherwise the lines,
// under a request id.
type FulfillRequest struct {
	Stock   StockID
	ID      ReservationID
	Request RequestID
	Lines   Lines
}

// ChangeAnswer is a reservation after a commit, an extension or a fulfilment.
type ChangeAnswer struct {
	Reservation Reservation
	Stamp
	Replayed bool // the first answer again; only of calls with a request id
}

// ListReservationsRequest asks for a page of the reservations in one state.
type ListReservationsRequest struct {
	Stock StockID
	State State
	After Cursor // zero: from the first
	Limit int    // 1 to [MaxPageSize]
}

// Cursor is a place in a list of reservations or backorders: the last one that a page had.
type Cursor struct {
	SKU   string // of a backorder
	Score int64
	Name  string
}

// ReservationsAnswer is a page of reservations. Next is set when others may follow.
type ReservationsAnswer struct {
	Reservations []Reservation
	Next         Optional[Cursor]
	StoreTime    time.Time
}

// BackordersRequest asks for a page of lines that wait.
type BackordersRequest struct {
	Stock StockID
	SKU   Optional[SKU] // unset: all SKUs
	After Cursor        // zero: from the first
	Limit int           // 1 to [MaxPageSize]
}

// Backorder is a line that waits.
type Backorder struct {
	SKU      SKU
	Position int64 // in the SKU's queue, from 1
	ID       ReservationID
	Index    int   // of the line
	Units    int64 // that it waits for
	Since    time.Time
}

// BackordersAnswer is a page of lines that wait. Next is set when others may follow.
type BackordersAnswer struct {
	Backorders []Backorder
	Next       Optional[Cursor]
	StoreTime  time.Time
}

// AdjustReason says in a few words why on hand is corrected: up to 64 bytes of UTF-8 without
// control characters.
type AdjustReason struct{ text string }

// MaxAdjustReasonLength is the longest reason, in bytes.
const MaxAdjustReasonLength = 64

// ParseAdjustReason reads a reason.
func ParseAdjustReason(text string) (AdjustReason, error) {
	if len(text) > MaxAdjustReasonLength {
		return AdjustReason{}, fmt.Errorf("is %d bytes long, at most %d are allowed",
			len(text), MaxAdjustReasonLength)
	}
	if !utf8.ValidString(text) {
		return AdjustReason{}, errors.New("is not valid UTF-8")
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return AdjustReason{}, fmt.Errorf("contains the control character %U", r)
		}
	}
	return AdjustReason{text}, nil
}

// String returns the reason.
func (r AdjustReason) String() string { return r.text }

// Delta is a number of units by which on hand moves: 1 to [MaxQuantity] in either direction.
type Delta struct{ units int64 }

// NewDelta makes a delta of units.
func NewDelta(units int64) (Delta, error) {
	if units == 0 || units < -MaxQuantity || units > MaxQuantity {
		return Delta{}, fmt.Errorf("is %d, must be 1 to %d in either direction", units,
			int64(MaxQuantity))
	}
	return Delta{units}, nil
}

// Units returns the number of units.
func (d Delta) Units() int64 { return d.units }

// AdjustLine corrects one SKU's on hand.
type AdjustLine struct {
	SKU    SKU
	Delta  Delta
	Reason AdjustReason
}

// AdjustRequest corrects on hand, line by line in order: 1 to [MaxLines] lines.
type AdjustRequest struct {
	Stock   StockID
	Request RequestID
	Lines   []AdjustLine
}

// CountLine is what a count found of one SKU: 0 to [MaxFigure] units, where Expected is set only
// while on hand is that.
type CountLine struct {
	SKU      SKU
	OnHand   int64
	Expected Optional[int64]
}

// SetStockRequest takes a count over: 1 to [MaxLines] lines, each SKU once.
type SetStockRequest struct {
	Stock   StockID
	Request RequestID
	Lines   []CountLine
}

// OnHandAnswer is the stock after a correction or a count.
type OnHandAnswer struct {
	Lines []OnHandLine
	Fills []Fill // the first [MaxFills] reservations filled within the call
	Stamp
	Replayed bool // the first answer again
}

// OnHandLine is a SKU right after one line of a correction or a count, in units.
type OnHandLine struct {
	SKU         SKU
	Delta       int64 // by which this line moved on hand
	OnHand      int64
	Available   int64
	Filled      int64 // of this line, to waiting backorders
	Backordered int64 // still waiting
	Shortfall   int64
}
