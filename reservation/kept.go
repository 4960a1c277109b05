package reservation

import "time"

// KeptReservation is all that a store keeps of a reservation: what an export holds.
type KeptReservation struct {
	ID    ReservationID
	State State
	// Fingerprint tells the content of its Reserve from another's; empty of one that was released
	// before it was reserved.
	Fingerprint string
	CreateTime  time.Time     // store time of the grant; zero of one released before reserved
	TTL         time.Duration // 0: never held
	ExpireTime  time.Time     // zero: never held
	Sequence    int64         // of the first answer
	Term        int64         // grants of this id, from 1; 0 of one released before reserved
	TermTime    time.Time     // of the present term's grant; zero in the first
	ForgetTime  time.Time     // end of its retention; zero while it is not finished
	ByRelease   bool          // a whole Release ended it: a repeat of that is OK
	Lines       []KeptLine
}

// KeptLine is all that a store keeps of a line, in units. What it gave back is Granted less what is
// covered, backordered and fulfilled.
type KeptLine struct {
	SKU              SKU
	Requested        int64
	Granted          int64
	FirstBackordered int64 // at the first grant
	FirstAvailable   int64 // of the SKU, right after the line's first grant
	Counted          bool
	// Reason says why less was granted at first than was requested, in PARTIAL mode; 0: it was not.
	Reason LineReason
	// Orderable is how much the line could have taken where Reason is set; unset: unlimited.
	Orderable   Optional[int64]
	First       GrantHints
	Covered     int64
	Backordered int64
	Fulfilled   int64
	// Again has what the present term's grant told, after a reacquire.
	Again Optional[GrantHints]
	// Joined is the sequence of the event that put the line into its SKU's queue; 0: it waits not.
	Joined int64
}

// Open returns the units that the line reserves.
func (l *KeptLine) Open() int64 { return l.Covered + l.Backordered }

// GrantHints is what a grant told of a line besides its units, where it was backordered or cut.
type GrantHints struct {
	Notify      bool
	RestockTime Optional[time.Time]
	Substitutes []SKU
}

// KeptRequest is all that a store keeps of a request id. The answer is in the store's own form.
type KeptRequest struct {
	ID          RequestID
	Fingerprint string
	Sequence    int64
	CreateTime  time.Time
	ForgetTime  time.Time
	Answer      [2]string
}

// KeptItem is all that a store keeps of a SKU, in units.
type KeptItem struct {
	SKU      SKU
	OnHand   int64
	Reserved int64
	Queued   int64
	Filling  int64
	Own      Policy
}

// Due returns the filling figure that follows from the others by the rule of section 3, whatever
// it was before: the units that are there and not covered, as many as are queued.
func (i *KeptItem) Due() int64 { return min(max(i.OnHand-i.Reserved+i.Queued, 0), i.Queued) }
