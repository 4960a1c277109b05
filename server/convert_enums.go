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

func findingTypeMessage(in reservation.FindingType) holdfastv1.FindingType {
	switch in {
	case reservation.FindingReservedDiffers:
		return holdfastv1.FindingType_FINDING_TYPE_RESERVED_DIFFERS
	case reservation.FindingQueuedDiffers:
		return holdfastv1.FindingType_FINDING_TYPE_QUEUED_DIFFERS
	case reservation.FindingFillingDiffers:
		return holdfastv1.FindingType_FINDING_TYPE_FILLING_DIFFERS
	case reservation.FindingOnHandNegative:
		return holdfastv1.FindingType_FINDING_TYPE_ON_HAND_NEGATIVE
	case reservation.FindingFigureOutOfRange:
		return holdfastv1.FindingType_FINDING_TYPE_FIGURE_OUT_OF_RANGE
	case reservation.FindingRecordMalformed:
		return holdfastv1.FindingType_FINDING_TYPE_RECORD_MALFORMED
	case reservation.FindingSKUMissing:
		return holdfastv1.FindingType_FINDING_TYPE_SKU_MISSING
	case reservation.FindingQueueEntryMissing:
		return holdfastv1.FindingType_FINDING_TYPE_QUEUE_ENTRY_MISSING
	case reservation.FindingQueueEntryStray:
		return holdfastv1.FindingType_FINDING_TYPE_QUEUE_ENTRY_STRAY
	case reservation.FindingQueueOrder:
		return holdfastv1.FindingType_FINDING_TYPE_QUEUE_ORDER
	case reservation.FindingIndexEntryMissing:
		return holdfastv1.FindingType_FINDING_TYPE_INDEX_ENTRY_MISSING
	case reservation.FindingIndexEntryStray:
		return holdfastv1.FindingType_FINDING_TYPE_INDEX_ENTRY_STRAY
	case reservation.FindingIndexPlace:
		return holdfastv1.FindingType_FINDING_TYPE_INDEX_PLACE
	case reservation.FindingJournalGap:
		return holdfastv1.FindingType_FINDING_TYPE_JOURNAL_GAP
	case reservation.FindingJournalEnd:
		return holdfastv1.FindingType_FINDING_TYPE_JOURNAL_END
	case reservation.FindingJournalShort:
		return holdfastv1.FindingType_FINDING_TYPE_JOURNAL_SHORT
	case reservation.FindingJournalMalformed:
		return holdfastv1.FindingType_FINDING_TYPE_JOURNAL_MALFORMED
	case reservation.FindingJournalDisagrees:
		return holdfastv1.FindingType_FINDING_TYPE_JOURNAL_DISAGREES
	}
	return holdfastv1.FindingType_FINDING_TYPE_UNSPECIFIED
}

func eventTypeMessage(in reservation.EventType) holdfastv1.EventType {
	switch in {
	case reservation.EventReserved:
		return holdfastv1.EventType_EVENT_TYPE_RESERVED
	case reservation.EventCommitted:
		return holdfastv1.EventType_EVENT_TYPE_COMMITTED
	case reservation.EventExtended:
		return holdfastv1.EventType_EVENT_TYPE_EXTENDED
	case reservation.EventReleased:
		return holdfastv1.EventType_EVENT_TYPE_RELEASED
	case reservation.EventExpired:
		return holdfastv1.EventType_EVENT_TYPE_EXPIRED
	case reservation.EventFulfilled:
		return holdfastv1.EventType_EVENT_TYPE_FULFILLED
	case reservation.EventRestocked:
		return holdfastv1.EventType_EVENT_TYPE_RESTOCKED
	case reservation.EventAdjusted:
		return holdfastv1.EventType_EVENT_TYPE_ADJUSTED
	case reservation.EventBackordered:
		return holdfastv1.EventType_EVENT_TYPE_BACKORDERED
	case reservation.EventBackorderFilled:
		return holdfastv1.EventType_EVENT_TYPE_BACKORDER_FILLED
	case reservation.EventLowStock:
		return holdfastv1.EventType_EVENT_TYPE_LOW_STOCK
	case reservation.EventOutOfStock:
		return holdfastv1.EventType_EVENT_TYPE_OUT_OF_STOCK
	case reservation.EventBackInStock:
		return holdfastv1.EventType_EVENT_TYPE_BACK_IN_STOCK
	case reservation.EventOversold:
		return holdfastv1.EventType_EVENT_TYPE_OVERSOLD
	case reservation.EventPolicyChanged:
		return holdfastv1.EventType_EVENT_TYPE_POLICY_CHANGED
	case reservation.EventStoreChanged:
		return holdfastv1.EventType_EVENT_TYPE_STORE_CHANGED
	case reservation.EventRepaired:
		return holdfastv1.EventType_EVENT_TYPE_REPAIRED
	}
	return holdfastv1.EventType_EVENT_TYPE_UNSPECIFIED
}
