package reservation

import "time"

// ReserveRequest asks for units.
type ReserveRequest struct {
	Stock    StockID
	ID       ReservationID
	Lines    Lines
	TTL      TTL // zero: firm at once
	Mode     Mode
	Replaces ReservationID // zero: none
}

// ReserveAnswer is what was promised.
type ReserveAnswer struct {
	Reservation Reservation // as it was granted
	Stamp
	Replayed bool  // the first answer again
	StateNow State // of a replay; otherwise Reservation.State
}

// Reservation is a promise of units.
type Reservation struct {
	Stock      StockID
	ID         ReservationID
	State      State
	CreateTime time.Time // store time of the grant; zero of one that was released before reserved
	ExpireTime time.Time // zero: never held
	Term       int64     // grants of this id, from 1; 0 of one that was released before reserved
	Lines      []ReservationLine
}

// IsBackordered says whether any line has backordered units.
func (r Reservation) IsBackordered() bool {
	for _, line := range r.Lines {
		if line.Backordered > 0 {
			return true
		}
	}
	return false
}

// ReservationLine is one line of a reservation, in units: covered and backordered are open,
// granted = covered + backordered + fulfilled + released.
type ReservationLine struct {
	SKU         SKU
	Requested   int64
	Covered     int64
	Backordered int64
	Fulfilled   int64
	Released    int64
	// Notify says that units were backordered under ALLOW_AND_NOTIFY when the line was granted.
	Notify bool
	// Available is the SKU's right after this line; set in the answers of Reserve and Check only.
	Available Optional[int64]
	// RestockTime is the policy's at the grant; kept where units were backordered then and shown
	// while units are.
	RestockTime Optional[time.Time]
	// Substitutes are the policy's at the grant; kept and shown as RestockTime is, and besides where
	// Reason is set.
	Substitutes []SKU
	// Reason says why the line was granted less than it asked for, in PARTIAL mode; 0 where it was
	// not.
	Reason LineReason
	// Orderable is how much the line could have taken where Reason is set; unset: unlimited.
	Orderable Optional[int64]
}

// Open returns the units that the line reserves.
func (l ReservationLine) Open() int64 { return l.Covered + l.Backordered }

// CheckRequest asks what Reserve would answer.
type CheckRequest struct {
	Stock StockID
	Lines Lines
	Mode  Mode
}

// CheckAnswer is what Reserve would have answered.
type CheckAnswer struct {
	Grantable bool
	Lines     []ReservationLine // what each line would have got; 0 where refused
	Refusals  []LineRefusal     // every line that would have been refused or cut
	StoreTime time.Time
}

// ReleaseRequest gives units back: everything open when Lines is zero, otherwise the lines, under a
// request id. AllowMissing stands with a whole release only.
type ReleaseRequest struct {
	Stock        StockID
	ID           ReservationID
	Request      RequestID
	Lines        Lines
	AllowMissing bool
}

// ReleaseAnswer is the reservation after a release.
type ReleaseAnswer struct {
	Reservation Reservation
	Stamp
	Replayed bool // the first answer again
}

// GetAnswer is a reservation as it is now.
type GetAnswer struct {
	Reservation Reservation
	StoreTime   time.Time
}

// RestockRequest says what arrived.
type RestockRequest struct {
	Stock   StockID
	Request RequestID
	Lines   Lines
}

// RestockAnswer is the stock after an arrival.
type RestockAnswer struct {
	Lines []RestockLine
	Fills []Fill // the first [MaxFills] reservations filled within the call
	Stamp
	Replayed bool // the first answer again
}

// RestockLine is a SKU right after one line of a restock, in units.
type RestockLine struct {
	SKU         SKU
	Quantity    int64
	OnHand      int64
	Available   int64
	Filled      int64 // of this line, to waiting backorders
	Backordered int64 // still waiting
}

// Fill is units that went from backordered to covered.
type Fill struct {
	ID    ReservationID
	SKU   SKU
	Units int64
}

// PolicyAnswer is a policy after a change or a read. Stamp is zero after a read.
type PolicyAnswer struct {
	Own       Policy
	Effective EffectivePolicy
	Stamp
}

// Item is one SKU's figures, in units, and the policy in force.
type Item struct {
	SKU      SKU
	OnHand   int64
	Reserved int64
	Queued   int64
	Filling  int64
	Policy   EffectivePolicy
}

// Available returns on hand - reserved.
func (i Item) Available() int64 { return i.OnHand - i.Reserved }

// Backordered returns the units that wait and are not yet assigned any.
func (i Item) Backordered() int64 { return i.Queued - i.Filling }

// Shortfall returns the units promised as covered that are not there.
func (i Item) Shortfall() int64 { return max(0, i.Reserved-i.Backordered()-i.OnHand) }

// Orderable returns how much one more Reserve may take now; unset where unlimited.
func (i Item) Orderable() Optional[int64] { return i.Policy.Orderable(i.Available()) }

// ItemsAnswer is the figures of SKUs as of one moment.
type ItemsAnswer struct {
	Items     []Item
	StoreTime time.Time
}

// ListRequest asks for a page of SKUs in the order of their bytes.
type ListRequest struct {
	Stock StockID
	After SKU // zero: from the first
	Limit int // 1 to [MaxPageSize]
}

// ListAnswer is a page of SKUs. More says whether others follow.
type ListAnswer struct {
	Items     []Item
	More      bool
	StoreTime time.Time
}
