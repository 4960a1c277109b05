package storetest

import (
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// printEvent writes one event of the journal as scenarios expect it.
func printEvent(event reservation.Event) string {
	text := "event " + event.Type.String()
	if !event.Reservation.IsZero() {
		text += " " + event.Reservation.String()
	}
	if !event.Request.IsZero() {
		text += " by " + event.Request.String()
	}
	if event.State != 0 {
		text += " -> " + event.State.String()
	}
	if !event.ExpireTime.IsZero() {
		text += " for " + durationText(event.ExpireTime.Sub(event.Time))
	}
	if event.Term != 0 {
		text += fmt.Sprintf(", term %d", event.Term)
	}
	details := printEventLines(event)
	if event.Type == reservation.EventPolicyChanged {
		details = printPolicyChanged(event)
	}
	if details == "" {
		return text
	}
	return text + ": " + details
}

func printPolicyChanged(event reservation.Event) string {
	name := "default"
	if len(event.Lines) > 0 {
		name = escape(event.Lines[0].SKU)
	}
	if event.Deleted {
		return name + " deleted"
	}
	return name + " " + policyText(event.Policy)
}

// printEventLines writes "index SKU*requested=covered+backordered" for each line.
func printEventLines(event reservation.Event) string {
	var lines []string
	for _, l := range event.Lines {
		text := fmt.Sprintf("%d %s", l.Index, escape(l.SKU))
		switch event.Type {
		case reservation.EventLowStock, reservation.EventOutOfStock,
			reservation.EventBackInStock:
			text = fmt.Sprintf("%s at %d", escape(l.SKU), l.Available)
		case reservation.EventOversold:
			text = fmt.Sprintf("%s by %d", escape(l.SKU), l.Shortfall)
		case reservation.EventReserved:
			text += fmt.Sprintf("*%d=%d+%d", l.Requested, l.Covered, l.Backordered)
			if !l.Counted {
				text += " uncounted"
			}
		case reservation.EventRestocked, reservation.EventFulfilled:
			text += fmt.Sprintf("=%d", l.Quantity)
		case reservation.EventAdjusted:
			text += fmt.Sprintf("=%d", l.Quantity)
			if l.Reason.String() != "" {
				text += " " + l.Reason.String()
			}
		case reservation.EventCommitted, reservation.EventExtended, reservation.EventReleased,
			reservation.EventExpired, reservation.EventBackordered,
			reservation.EventBackorderFilled, reservation.EventPolicyChanged,
			reservation.EventStoreChanged, reservation.EventRepaired:
			text += fmt.Sprintf("=%d+%d", l.Covered, l.Backordered)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, ", ")
}
