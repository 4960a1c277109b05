package server

import (
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// Each enum of the domain is written out against the proto's: numbers that happen to agree today
// would be an agreement that nobody has to keep.

func stateMessage(in reservation.State) holdfastv1.ReservationState {
	switch in {
	case reservation.StateHeld:
		return holdfastv1.ReservationState_RESERVATION_STATE_HELD
	case reservation.StateCommitted:
		return holdfastv1.ReservationState_RESERVATION_STATE_COMMITTED
	case reservation.StateFulfilled:
		return holdfastv1.ReservationState_RESERVATION_STATE_FULFILLED
	case reservation.StateReleased:
		return holdfastv1.ReservationState_RESERVATION_STATE_RELEASED
	case reservation.StateExpired:
		return holdfastv1.ReservationState_RESERVATION_STATE_EXPIRED
	}
	return holdfastv1.ReservationState_RESERVATION_STATE_UNSPECIFIED
}

func lineReasonMessage(in reservation.LineReason) holdfastv1.LineRefusalReason {
	switch in {
	case reservation.LineNotSellable:
		return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_NOT_SELLABLE
	case reservation.LineBelowMinimum:
		return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_BELOW_MINIMUM
	case reservation.LineAboveMaximum:
		return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_ABOVE_MAXIMUM
	case reservation.LineNotAMultiple:
		return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_NOT_A_MULTIPLE
	case reservation.LineBackorderLimit:
		return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_BACKORDER_LIMIT
	case reservation.LineInsufficientStock:
		return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_INSUFFICIENT_STOCK
	}
	return holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_UNSPECIFIED
}

func backorderModeMessage(in reservation.BackorderMode) holdfastv1.BackorderMode {
	switch in {
	case reservation.BackorderDeny:
		return holdfastv1.BackorderMode_BACKORDER_MODE_DENY
	case reservation.BackorderAllow:
		return holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW
	case reservation.BackorderAllowAndNotify:
		return holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW_AND_NOTIFY
	}
	return holdfastv1.BackorderMode_BACKORDER_MODE_UNSPECIFIED
}
