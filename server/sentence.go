package server

import (
	"errors"
	"fmt"
	"strconv"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	sentenceUnknown = "the store's answer was lost and the call may have taken effect; " +
		"retry with the same id to find out"
	sentenceConflict = "another repair, or another store, came between counting and mending; " +
		"nothing was done: repair again"
	sentenceUnitsWait  = " cannot be fulfilled whole while units of it wait: "
	sentenceOtherFence = " does not have this fence: it has another one, or none; " +
		"nothing was done: look at it again"
	sentenceNotDurable = "the store keeps less than the durability that was chosen; nothing was done"
	sentenceLater      = "; nothing was done and it is safe to retry later"
	sentenceTooLate    = "the call came to the store after its last moment; " +
		"nothing was done and it is safe to retry"
)

// sentence says for people what went wrong and what it is about. It never names a key, a host or a
// script: a cause stays in the log. Lines are counted from 1 here, as people do.
func sentence(about subject, e *reservation.Error, incident string) string {
	switch e.Reason {
	case reservation.ReasonInvalidRequest:
		return "the request is not valid"
	case reservation.ReasonReservationIDReused:
		return "reservation_id " + about.reservation + " was used before with other content"
	case reservation.ReasonRequestIDReused:
		return "request_id " + about.request +
			" was used before, with other content or by another call"
	case reservation.ReasonUnknownSKU:
		return "stock " + about.stock + " does not have " + skuList(about, e)
	case reservation.ReasonUnknownReservation:
		return "stock " + about.stock + " has no reservation " + about.affected() + ", or no longer"
	case reservation.ReasonReleasedBeforeReserved:
		return "reservation " + about.reservation + " was released before it was reserved"
	case reservation.ReasonWrongState:
		return "reservation " + about.affected() + " is " + e.State.String() +
			", which does not allow this call"
	case reservation.ReasonMoreThanOpen:
		return lessThanNamed(about, e, "open")
	case reservation.ReasonLinesRefused:
		return refusalSentence(about, e.Refusals)
	case reservation.ReasonStockItemInUse:
		return skuList(about, e) + " has units on hand, reserved or queued"
	case reservation.ReasonMoreThanCovered:
		return lessThanNamed(about, e, "covered")
	case reservation.ReasonBackorderedUnits:
		return "reservation " + about.reservation + sentenceUnitsWait + skuList(about, e)
	case reservation.ReasonNotOnHand:
		return "more would ship than is on hand: " + skuList(about, e)
	case reservation.ReasonOnHandBelowZero:
		return "on hand would go below zero: " + skuList(about, e)
	case reservation.ReasonOnHandDiffers:
		return "on hand is not what was expected: " + skuList(about, e)
	case reservation.ReasonFigureOutOfRange:
		return "a figure of " + skuList(about, e) + " would pass 1000000000000"
	case reservation.ReasonEventsTrimmed, reservation.ReasonPositionUnknown:
		return journalSentence(about, e)
	case reservation.ReasonRepairConflict:
		return sentenceConflict
	case reservation.ReasonRecordUnreadable:
		return "stock " + about.stock + " has a record that cannot be read: an audit names it"
	case reservation.ReasonStockNotEmpty, reservation.ReasonStockRestoring,
		reservation.ReasonStockFenced, reservation.ReasonFenceDiffers:
		return stockSentence(about, e)
	case reservation.ReasonStoreUnavailable:
		return unavailableSentence(e)
	case reservation.ReasonStoreNotDurable:
		return sentenceNotDurable
	case reservation.ReasonOutcomeUnknown:
		return sentenceUnknown
	case reservation.ReasonTooLate:
		return sentenceTooLate
	case reservation.ReasonOverloaded:
		return "too much is waiting for stock " + about.stock + sentenceLater
	case reservation.ReasonInternal:
		return "a fault in Holdfast; its log has it under incident " + incident
	case reservation.ReasonCallerGaveUp:
		return "the caller gave up before the call was sent to the store; nothing was done"
	}
	return "a fault in Holdfast"
}

// journalSentence says why a journal cannot be followed from a position.
func journalSentence(about subject, e *reservation.Error) string {
	if e.Reason == reservation.ReasonEventsTrimmed {
		return fmt.Sprintf("the journal of stock %s begins at %d: what came after the position is gone",
			about.stock, e.Oldest)
	}
	return "stock " + about.stock + " never reached the position: " +
		"its store lost what it had acknowledged, or is another one"
}

// stockSentence says why a whole stock cannot take a call.
func stockSentence(about subject, e *reservation.Error) string {
	stock := "stock " + about.stock
	if e.Reason == reservation.ReasonStockRestoring {
		return stock + " is being restored" + sentenceLater
	}
	if e.Reason == reservation.ReasonStockFenced {
		return stock + " lost changes that were acknowledged, and grants nothing until its fence " +
			"is lifted" + sentenceLater
	}
	if e.Reason == reservation.ReasonFenceDiffers {
		return stock + sentenceOtherFence
	}
	return stock + " is not empty, or is being restored from another export"
}

func lessThanNamed(about subject, e *reservation.Error, what string) string {
	return "reservation " + about.reservation + " has less " + what + " than the lines name: " +
		skuList(about, e)
}

func unavailableSentence(e *reservation.Error) string {
	if errors.Is(e.Cause, errStreamDraining) {
		return "the server is shutting down; nothing was done for what has no answer: " +
			"send it on another stream, with the same ids"
	}
	if errors.Is(e.Cause, errDraining) {
		return "the server is shutting down; come back: " +
			"a watch after the last position received, an audit from its beginning"
	}
	if errors.Is(e.Cause, reservation.ErrReclaiming) {
		return "the stock is busy reclaiming holds that have run out; nothing was done: " +
			"retry with the same id"
	}
	return "the store is not available; nothing was done and it is safe to retry"
}

// affected names the reservation that a refusal is about. A Reserve makes its own, so only the one
// that it replaces can be unknown or in a wrong state.
func (s subject) affected() string {
	if s.replaces != "" {
		return s.replaces
	}
	return s.reservation
}

// skuList names the first SKU that an error speaks of and says how many others there are.
func skuList(about subject, e *reservation.Error) string {
	switch {
	case len(e.SKUs) > 1:
		return fmt.Sprintf("%s and %d more", e.SKUs[0], len(e.SKUs)-1)
	case len(e.SKUs) == 1:
		return e.SKUs[0].String()
	case about.sku != "":
		return about.sku
	}
	return "a SKU"
}

// refusalSentence names the first refused line, such as "line 2: 5 of SKU-1 asked, 3 orderable
// (INSUFFICIENT_STOCK); 1 of 4 lines refused".
func refusalSentence(about subject, refusals []reservation.LineRefusal) string {
	if len(refusals) == 0 {
		return "lines are refused"
	}
	first := &refusals[0]
	b := make([]byte, 0, 160) // by hand: Sprintf took a fifth of a refusal
	b = append(b, "line "...)
	b = strconv.AppendInt(b, int64(first.Index)+1, 10)
	b = append(b, ": "...)
	b = strconv.AppendInt(b, first.Requested, 10)
	b = append(b, " of "...)
	b = append(b, first.SKU.String()...)
	b = append(b, " asked"...)
	if isShortage(first.Reason) && first.Orderable.Set {
		b = append(b, ", "...)
		b = strconv.AppendInt(b, first.Orderable.Value, 10)
		b = append(b, " orderable"...)
	}
	b = append(b, " ("...)
	b = append(b, first.Reason.String()...)
	b = append(b, "); "...)
	b = strconv.AppendInt(b, int64(len(refusals)), 10)
	if about.lines > 0 { // a Commit names none
		b = append(b, " of "...)
		b = strconv.AppendInt(b, int64(about.lines), 10)
	}
	return string(append(b, " lines refused"...))
}

// isShortage says whether a line failed for want of units; a purchase rule failed it otherwise, and
// then how much is orderable would mislead.
func isShortage(reason reservation.LineReason) bool {
	return reason == reservation.LineBackorderLimit || reason == reservation.LineInsufficientStock
}

func lineCount(request any) int {
	if in, ok := request.(interface {
		GetLines() []*holdfastv1.LineQuantity
	}); ok {
		return len(in.GetLines())
	}
	return 0
}
