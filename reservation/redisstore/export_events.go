package redisstore

import (
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/ledger"
)

// event gathers what an event does to what was delivered already.
func (x *export) event(event *reservation.Event) error {
	if !event.Request.IsZero() {
		x.requests[event.Request] = struct{}{}
	}
	switch event.Type {
	case reservation.EventReserved, reservation.EventCommitted, reservation.EventExtended,
		reservation.EventReleased, reservation.EventExpired, reservation.EventFulfilled,
		reservation.EventBackorderFilled:
		x.reservationEvent(event)
	case reservation.EventRestocked, reservation.EventAdjusted:
		for _, line := range event.Lines {
			if a := x.amendItem(line.SKU); a != nil {
				a.OnHand += line.Quantity
			}
		}
	case reservation.EventPolicyChanged:
		x.policyEvent(event)
	case reservation.EventRepaired:
		if a := x.amendItem(event.Lines[0].SKU); a != nil {
			a.Reserved += event.Repaired.After.Reserved - event.Repaired.Before.Reserved
			a.Queued += event.Repaired.After.Queued - event.Repaired.Before.Queued
		}
	case reservation.EventBackordered, reservation.EventLowStock, reservation.EventOutOfStock,
		reservation.EventBackInStock, reservation.EventOversold, reservation.EventStoreChanged:
		// They tell of figures and move no units.
	}
	if len(x.amended)+len(x.items)+len(x.requests) > maxAmendments {
		return &reservation.Error{
			Reason: reservation.ReasonOverloaded, RetryAfter: retryAfterExport,
		}
	}
	return nil
}

// retryAfterExport is when a stock that was too busy for an export may be calmer.
const retryAfterExport = time.Minute

// amendItem returns the amendment of a SKU that was read already, or would have been; nil of one
// that is still to be read.
func (x *export) amendItem(sku reservation.SKU) *reservation.ItemAmendment {
	if sku.String() > x.cursor {
		return nil
	}
	a, there := x.items[sku]
	if !there {
		a = &reservation.ItemAmendment{SKU: sku}
		x.items[sku] = a
	}
	a.Gone = false
	return a
}

func (x *export) policyEvent(event *reservation.Event) {
	if len(event.Lines) == 0 {
		x.stockDefault = event.Policy
		return
	}
	a := x.amendItem(event.Lines[0].SKU)
	switch {
	case a == nil:
	case event.Deleted:
		*a = reservation.ItemAmendment{SKU: a.SKU, Anew: true, Gone: true}
	default:
		own := event.Policy
		a.Own = &own
	}
}

// reservationEvent gathers an event of a reservation.
func (x *export) reservationEvent(event *reservation.Event) {
	if !x.tally.follows(event) {
		if isTombstone(event) && x.tally.isOfClass(event.Reservation.String()) {
			x.bury(event)
		}
		return
	}
	for _, change := range ledger.Changes(event) {
		if !x.tally.isCounted(event.Reservation, change.Index) {
			continue
		}
		if a := x.amendItem(change.SKU); a != nil {
			a.Reserved += change.Open()
			a.Queued += change.Backordered
			a.OnHand -= change.Fulfilled
		}
	}
	if isTombstone(event) {
		x.bury(event)
		return
	}
	x.amend(event)
}

// isTombstone says whether an event records a reservation as released that was not reserved.
func isTombstone(event *reservation.Event) bool {
	return event.Type == reservation.EventReleased && len(event.Lines) == 0
}

// bury makes a tombstone: all that never changes of it is read in the end.
func (x *export) bury(event *reservation.Event) {
	delete(x.again, event.Reservation)
	x.amended[event.Reservation] = &reservation.ReservationAmendment{
		ID: event.Reservation, Born: true, State: event.State,
		ForgetTime: x.forgetTime(event.Time),
	}
}

// amend gathers what an event does to a reservation and its lines.
func (x *export) amend(event *reservation.Event) {
	a, there := x.amended[event.Reservation]
	if !there || event.Type == reservation.EventReserved {
		a = &reservation.ReservationAmendment{ID: event.Reservation}
		x.amended[event.Reservation] = a
	}
	isGrant := event.Type == reservation.EventReserved
	isRegrant := event.Type == reservation.EventCommitted && len(event.Lines) > 0
	for _, change := range ledger.Changes(event) {
		line := lineAmendment(a, change.Index)
		line.Covered += change.Covered
		line.Backordered += change.Backordered
		line.Fulfilled += change.Fulfilled
		if (isGrant || isRegrant) && change.Backordered > 0 {
			line.Joined = event.Sequence
		}
	}
	switch {
	case isGrant:
		a.Born, a.Term = true, 1
		delete(x.again, event.Reservation)
	case isRegrant:
		a.Term, a.TermTime = event.Term, event.Time
		x.again[event.Reservation] = struct{}{}
	}
	if event.State == 0 {
		return // BACKORDER_FILLED
	}
	a.State, a.ForgetTime = event.State, time.Time{}
	a.ByRelease = event.Type == reservation.EventReleased && event.Request.IsZero()
	if a.State.IsFinished() {
		a.ForgetTime = x.forgetTime(event.Time)
	}
	if !event.ExpireTime.IsZero() {
		a.ExpireTime = event.ExpireTime
	}
}

// lineAmendment returns the amendment of a line, made on first mention.
func lineAmendment(a *reservation.ReservationAmendment, index int) *reservation.LineAmendment {
	for i := range a.Lines {
		if a.Lines[i].Index == index {
			return &a.Lines[i]
		}
	}
	a.Lines = append(a.Lines, reservation.LineAmendment{Index: index})
	return &a.Lines[len(a.Lines)-1]
}
