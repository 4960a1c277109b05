package reservation

import (
	"errors"
	"fmt"
	"time"
)

// Reason says why a call was not carried out. The names are those of the proto enum ErrorReason.
type Reason uint8

// The reasons, in the order of the contract's checks (section 5), then those of the store itself.
const (
	// ReasonInvalidRequest is a breach of shape or of a limit.
	ReasonInvalidRequest Reason = iota + 1
	// ReasonReservationIDReused is a reservation id that was used with other content.
	ReasonReservationIDReused
	// ReasonRequestIDReused is a request id that was used with other content or another call.
	ReasonRequestIDReused
	// ReasonUnknownSKU is a SKU that the stock does not have; [Error.SKUs] has all of them.
	ReasonUnknownSKU
	// ReasonUnknownReservation is a reservation that does not exist or whose retention is over.
	ReasonUnknownReservation
	// ReasonReleasedBeforeReserved is a Reserve after a Release with allow_missing.
	ReasonReleasedBeforeReserved
	// ReasonWrongState is a reservation in a state that does not allow the call; see [Error.State].
	ReasonWrongState
	// ReasonMoreThanOpen is a release of more units of [Error.SKUs] than are open.
	ReasonMoreThanOpen
	// ReasonLinesRefused is a refusal by policy or stock; [Error.Refusals] has every refused line.
	ReasonLinesRefused
	// ReasonStockItemInUse is the deletion of a SKU that has units on hand, reserved or queued.
	ReasonStockItemInUse
	// ReasonMoreThanCovered is a fulfilment of more units of [Error.SKUs] than are covered.
	ReasonMoreThanCovered
	// ReasonBackorderedUnits is the fulfilment of a whole reservation while units of [Error.SKUs]
	// wait.
	ReasonBackorderedUnits
	// ReasonNotOnHand is a fulfilment of more units of [Error.SKUs] than are physically there.
	ReasonNotOnHand
	// ReasonOnHandBelowZero is an adjustment that would leave less than nothing of [Error.SKUs].
	ReasonOnHandBelowZero
	// ReasonOnHandDiffers is a count of [Error.SKUs] whose on hand is not what was expected.
	ReasonOnHandDiffers
	// ReasonFigureOutOfRange is a stored figure that would pass [MaxFigure].
	ReasonFigureOutOfRange
	// ReasonEventsTrimmed is a watch from a position whose events are gone; [Error.Oldest] is the
	// first that is left.
	ReasonEventsTrimmed
	// ReasonPositionUnknown is a watch from a position that this store never reached.
	ReasonPositionUnknown
	// ReasonRepairConflict is a repair between whose counting and mending another repair, or another
	// store, came. Nothing was done.
	ReasonRepairConflict
	// ReasonRecordUnreadable is a repair or an export that met a record which cannot be read. Nothing
	// was done.
	ReasonRecordUnreadable
	// ReasonStockNotEmpty is a restore into a stock that has something already, or that is being built
	// from another export.
	ReasonStockNotEmpty
	// ReasonStockRestoring is a stock that is being built from an export. Nothing was done.
	ReasonStockRestoring
	// ReasonStockFenced is a grant in a stock that lost writes which were acknowledged, until somebody
	// lifts the fence. Nothing was done.
	ReasonStockFenced
	// ReasonFenceDiffers is a fence to lift that the stock does not have: it has another one, or none.
	// Nothing was done.
	ReasonFenceDiffers
	// ReasonStoreUnavailable is a store that is away, loading, failing over, full or read-only.
	// Nothing was done.
	ReasonStoreUnavailable
	// ReasonStoreNotDurable is a store that keeps less than was chosen. Nothing was done.
	ReasonStoreNotDurable
	// ReasonOutcomeUnknown is an answer that was lost: the call may have taken effect, until
	// [Error.SettlesAt].
	ReasonOutcomeUnknown
	// ReasonTooLate is a call that came to the store after its last moment. Nothing was done.
	ReasonTooLate
	// ReasonOverloaded is a stock with too much waiting; see [Error.RetryAfter]. Nothing was done.
	ReasonOverloaded
	// ReasonInternal is a fault in Holdfast.
	ReasonInternal
	// ReasonCallerGaveUp is a caller whose context ended before the call was sent. Nothing was
	// done.
	ReasonCallerGaveUp
)

// String returns the reason's name on the wire.
func (r Reason) String() string {
	names := [...]string{
		ReasonInvalidRequest:         "INVALID_REQUEST",
		ReasonReservationIDReused:    "RESERVATION_ID_REUSED",
		ReasonRequestIDReused:        "REQUEST_ID_REUSED",
		ReasonUnknownSKU:             "UNKNOWN_SKU",
		ReasonUnknownReservation:     "UNKNOWN_RESERVATION",
		ReasonReleasedBeforeReserved: "RELEASED_BEFORE_RESERVED",
		ReasonWrongState:             "WRONG_STATE",
		ReasonMoreThanOpen:           "MORE_THAN_OPEN",
		ReasonLinesRefused:           "LINES_REFUSED",
		ReasonStockItemInUse:         "STOCK_ITEM_IN_USE",
		ReasonMoreThanCovered:        "MORE_THAN_COVERED",
		ReasonBackorderedUnits:       "BACKORDERED_UNITS",
		ReasonNotOnHand:              "NOT_ON_HAND",
		ReasonOnHandBelowZero:        "ON_HAND_BELOW_ZERO",
		ReasonOnHandDiffers:          "ON_HAND_DIFFERS",
		ReasonFigureOutOfRange:       "FIGURE_OUT_OF_RANGE",
		ReasonEventsTrimmed:          "EVENTS_TRIMMED",
		ReasonPositionUnknown:        "POSITION_UNKNOWN",
		ReasonRepairConflict:         "REPAIR_CONFLICT",
		ReasonRecordUnreadable:       "RECORD_UNREADABLE",
		ReasonStockNotEmpty:          "STOCK_NOT_EMPTY",
		ReasonStockRestoring:         "STOCK_RESTORING",
		ReasonStockFenced:            "STOCK_FENCED",
		ReasonFenceDiffers:           "FENCE_DIFFERS",
		ReasonStoreUnavailable:       "STORE_UNAVAILABLE",
		ReasonStoreNotDurable:        "STORE_NOT_DURABLE",
		ReasonOutcomeUnknown:         "OUTCOME_UNKNOWN",
		ReasonTooLate:                "TOO_LATE",
		ReasonOverloaded:             "OVERLOADED",
		ReasonInternal:               "INTERNAL",
		ReasonCallerGaveUp:           "CALLER_GAVE_UP",
	}
	if int(r) >= len(names) || names[r] == "" {
		return "UNKNOWN"
	}
	return names[r]
}

// LineReason says why a line is refused or cut: the first that applies, in this order.
type LineReason uint8

// The reasons of a line, in the order in which they are looked at.
const (
	// LineNotSellable is a policy with sellable = false.
	LineNotSellable LineReason = iota + 1
	// LineBelowMinimum is less than min_quantity.
	LineBelowMinimum
	// LineAboveMaximum is more than max_quantity.
	LineAboveMaximum
	// LineNotAMultiple is no multiple of quantity_increment.
	LineNotAMultiple
	// LineBackorderLimit is too little above the floor where backorders are allowed.
	LineBackorderLimit
	// LineInsufficientStock is too little above the floor where they are not.
	LineInsufficientStock
)

// String returns the reason's name as it stands in the contract.
func (r LineReason) String() string {
	switch r {
	case LineNotSellable:
		return "NOT_SELLABLE"
	case LineBelowMinimum:
		return "BELOW_MINIMUM"
	case LineAboveMaximum:
		return "ABOVE_MAXIMUM"
	case LineNotAMultiple:
		return "NOT_A_MULTIPLE"
	case LineBackorderLimit:
		return "BACKORDER_LIMIT"
	case LineInsufficientStock:
		return "INSUFFICIENT_STOCK"
	}
	return "UNKNOWN"
}

// LineRefusal says why a line got nothing, or in partial mode less than it asked for.
type LineRefusal struct {
	Index       int // of the line in the request, from 0
	SKU         SKU
	Requested   int64
	Orderable   Optional[int64] // at this line; unset where unlimited
	Reason      LineReason
	Substitutes []SKU
}

// Stamp is where and when the store decided.
type Stamp struct {
	// Sequence is the journal's after the call's last event; after a call without one, the present
	// one.
	Sequence int64
	// StoreTime is the store's clock, UTC, whole milliseconds.
	StoreTime time.Time
}

// Error is every error that a [Store] returns: a reason and its facts. Cause is private: it may
// name hosts and keys and must not reach a caller.
type Error struct {
	Reason     Reason
	Stamp      Stamp         // zero when the store did not answer
	Refusals   []LineRefusal // ReasonLinesRefused
	SKUs       []SKU         // those that the reason speaks of, in the request's order, each once
	State      State         // ReasonWrongState
	SettlesAt  time.Time     // ReasonOutcomeUnknown: store time from which the outcome is final
	RetryAfter time.Duration // ReasonOverloaded
	Oldest     int64         // ReasonEventsTrimmed: sequence
	Cause      error
}

// Error returns the reason and the private cause, for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Reason.String()
	}
	return fmt.Sprintf("%s: %v", e.Reason, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ErrReclaiming is the cause of [ReasonStoreUnavailable] where the store answers, but more holds of
// the stock had run out than could be reclaimed in the call's time. A retry with the same id goes
// on from there.
var ErrReclaiming = errors.New("still reclaiming holds that are due")

// ReasonOf returns the reason of an error of a [Store]; [ReasonInternal] of any other error.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ReasonInternal
}
