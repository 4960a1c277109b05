package output

import (
	"fmt"
	"strings"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Event returns an event as one line: time, sequence, type, reservation, and what happened.
func Event(e *holdfastv1.Event) string {
	reservation := e.GetReservationId()
	if reservation == "" {
		reservation = "-"
	}
	line := fmt.Sprintf("%s  %6d  %-16s  %-12s  %s",
		e.GetStoreTime().AsTime().Format("2006-01-02T15:04:05.000Z07:00"), e.GetSequence(),
		strings.TrimPrefix(e.GetType().String(), "EVENT_TYPE_"), reservation, happened(e))
	return strings.TrimRight(line, " ") + "\n"
}

// happened puts an event into words.
func happened(e *holdfastv1.Event) string {
	switch e.GetType() {
	case holdfastv1.EventType_EVENT_TYPE_UNSPECIFIED:
	case holdfastv1.EventType_EVENT_TYPE_RESERVED:
		return promised(e) + "; " + standing(e)
	case holdfastv1.EventType_EVENT_TYPE_COMMITTED:
		if len(e.GetLines()) > 0 {
			return fmt.Sprintf("%s; granted again, term %d", promised(e), e.GetTerm())
		}
		return "firm"
	case holdfastv1.EventType_EVENT_TYPE_EXTENDED:
		return standing(e)
	case holdfastv1.EventType_EVENT_TYPE_RELEASED:
		return gaveBack(e) + caused(e) + "; " + State(e.GetState())
	case holdfastv1.EventType_EVENT_TYPE_EXPIRED:
		return "ran out; " + gaveBack(e)
	case holdfastv1.EventType_EVENT_TYPE_FULFILLED:
		return each(e, "%d %s", moved) + " shipped" + caused(e) + "; " + State(e.GetState())
	case holdfastv1.EventType_EVENT_TYPE_RESTOCKED:
		return each(e, "%d %s", moved) + " arrived" + caused(e)
	case holdfastv1.EventType_EVENT_TYPE_ADJUSTED:
		return adjusted(e) + caused(e)
	case holdfastv1.EventType_EVENT_TYPE_BACKORDERED:
		return each(e, "%d %s", (*holdfastv1.EventLine).GetBackorderedQuantity) + " to wait for"
	case holdfastv1.EventType_EVENT_TYPE_BACKORDER_FILLED:
		return each(e, "%d %s", (*holdfastv1.EventLine).GetCoveredQuantity) + " came"
	case holdfastv1.EventType_EVENT_TYPE_LOW_STOCK, holdfastv1.EventType_EVENT_TYPE_OUT_OF_STOCK,
		holdfastv1.EventType_EVENT_TYPE_BACK_IN_STOCK:
		return each(e, "%d %s available", (*holdfastv1.EventLine).GetAvailableQuantity)
	case holdfastv1.EventType_EVENT_TYPE_OVERSOLD:
		return each(e, "%d %s promised that are not there any more",
			(*holdfastv1.EventLine).GetShortfallQuantity)
	case holdfastv1.EventType_EVENT_TYPE_POLICY_CHANGED:
		return policyChanged(e)
	case holdfastv1.EventType_EVENT_TYPE_REPAIRED:
		return repaired(e)
	case holdfastv1.EventType_EVENT_TYPE_STORE_CHANGED:
		return "another store process answers; what the one before had not kept may be lost"
	}
	return "this holdfast is too old to know what that is"
}

// mostLines is how many lines of an event are told; an order may have a thousand.
const mostLines = 10

// lines joins what tell says of each line, as far as a person reads.
func lines(e *holdfastv1.Event, tell func(*holdfastv1.EventLine) string) string {
	list := e.GetLines()
	told := make([]string, 0, mostLines)
	for _, line := range list[:min(len(list), mostLines)] {
		told = append(told, tell(line))
	}
	if more := len(list) - mostLines; more > 0 {
		told = append(told, fmt.Sprintf("and %s more", Count(more, "line")))
	}
	return strings.Join(told, ", ")
}

// each tells a figure of each line by a format of the figure and the SKU.
func each(e *holdfastv1.Event, format string, of func(*holdfastv1.EventLine) int64) string {
	return lines(e, func(line *holdfastv1.EventLine) string {
		return fmt.Sprintf(format, of(line), line.GetSku())
	})
}

func moved(line *holdfastv1.EventLine) int64 { return line.GetQuantity() }

// repaired tells the figures of a SKU before and after a repair.
func repaired(e *holdfastv1.Event) string {
	figures := func(f *holdfastv1.RepairedFigures) string {
		return fmt.Sprintf("%d reserved, %d queued, %d filling", f.GetReservedQuantity(),
			f.GetQueuedQuantity(), f.GetFillingQuantity())
	}
	return lines(e, (*holdfastv1.EventLine).GetSku) + ": " + figures(e.GetRepairedBefore()) +
		" mended to " + figures(e.GetRepairedAfter())
}

// promised tells the units of each line and those of them that wait.
func promised(e *holdfastv1.Event) string {
	return lines(e, func(line *holdfastv1.EventLine) string {
		units := line.GetCoveredQuantity() + line.GetBackorderedQuantity()
		text := fmt.Sprintf("%d %s", units, line.GetSku())
		if line.GetBackorderedQuantity() > 0 {
			text += fmt.Sprintf(" (%d backordered)", line.GetBackorderedQuantity())
		}
		return text
	})
}

func gaveBack(e *holdfastv1.Event) string {
	if len(e.GetLines()) == 0 {
		return "nothing to give back"
	}
	return each(e, "%d %s", func(line *holdfastv1.EventLine) int64 {
		return line.GetCoveredQuantity() + line.GetBackorderedQuantity()
	}) + " given back"
}

func adjusted(e *holdfastv1.Event) string {
	return lines(e, func(line *holdfastv1.EventLine) string {
		text := fmt.Sprintf("%+d %s", line.GetQuantity(), line.GetSku())
		if line.GetReason() != "" {
			text += " (" + line.GetReason() + ")"
		}
		return text
	})
}

// standing tells until when a reservation stands.
func standing(e *holdfastv1.Event) string {
	if e.GetState() == holdfastv1.ReservationState_RESERVATION_STATE_HELD {
		return "HELD until " + Time(e.GetExpireTime())
	}
	return State(e.GetState())
}

// caused names the request of an event that has one.
func caused(e *holdfastv1.Event) string {
	if e.GetRequestId() == "" {
		return ""
	}
	return " by " + e.GetRequestId()
}

func policyChanged(e *holdfastv1.Event) string {
	whose := "default"
	if len(e.GetLines()) > 0 {
		whose = e.GetLines()[0].GetSku()
	}
	if e.GetDeleted() {
		return whose + " is deleted"
	}
	var set []string
	for _, cell := range policyCells(e.GetPolicy()) {
		if cell[1] != "-" {
			set = append(set, cell[0]+" "+cell[1])
		}
	}
	if len(set) == 0 {
		return whose + ": nothing set"
	}
	return whose + ": " + strings.Join(set, ", ")
}
