package reservation

// State is where a reservation is in its life.
type State uint8

// The states. HELD ends as COMMITTED, RELEASED or EXPIRED; COMMITTED as FULFILLED or RELEASED.
const (
	// StateHeld holds its units until its expiry.
	StateHeld State = iota + 1
	// StateCommitted is firm.
	StateCommitted
	// StateFulfilled is finished, with at least one unit fulfilled.
	StateFulfilled
	// StateReleased is finished, every unit went back.
	StateReleased
	// StateExpired is finished, the hold ran out.
	StateExpired
)

// String returns the state's name as it stands in the contract.
func (s State) String() string {
	switch s {
	case StateHeld:
		return "HELD"
	case StateCommitted:
		return "COMMITTED"
	case StateFulfilled:
		return "FULFILLED"
	case StateReleased:
		return "RELEASED"
	case StateExpired:
		return "EXPIRED"
	}
	return "UNKNOWN"
}

// IsFinished says whether nothing of the reservation is open any more.
func (s State) IsFinished() bool {
	switch s {
	case StateHeld, StateCommitted:
		return false
	case StateFulfilled, StateReleased, StateExpired:
		return true
	}
	return false
}

// Mode is what happens when not every line of a Reserve can be had.
type Mode uint8

const (
	// ModeAllOrNothing grants every line in full or refuses. It is the default.
	ModeAllOrNothing Mode = iota
	// ModePartial cuts lines to what can be had.
	ModePartial
)

// BackorderMode says whether available may go below zero.
type BackorderMode uint8

// The modes: Magento's No Backorders, Allow Qty Below 0, Allow Qty Below 0 and Notify Customer.
const (
	// BackorderDeny promises nothing below the safety stock.
	BackorderDeny BackorderMode = iota + 1
	// BackorderAllow promises down to the backorder limit.
	BackorderAllow
	// BackorderAllowAndNotify does so and tells the customer.
	BackorderAllowAndNotify
)

// String returns the mode's name as it stands in the contract.
func (m BackorderMode) String() string {
	switch m {
	case BackorderDeny:
		return "DENY"
	case BackorderAllow:
		return "ALLOW"
	case BackorderAllowAndNotify:
		return "ALLOW_AND_NOTIFY"
	}
	return "UNKNOWN"
}
