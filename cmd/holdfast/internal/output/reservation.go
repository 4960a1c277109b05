package output

import (
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Reservation writes a reservation: a sentence, then its lines.
func Reservation(w io.Writer, r *holdfastv1.Reservation, note string) {
	sentence := fmt.Sprintf("reservation %s: %s", r.GetReservationId(), State(r.GetState()))
	if r.GetState() == holdfastv1.ReservationState_RESERVATION_STATE_HELD {
		sentence += " until " + Time(r.GetExpireTime())
	}
	var reserved, backordered int64
	for _, line := range r.GetLines() {
		reserved += line.GetReservedQuantity()
		backordered += line.GetBackorderedQuantity()
	}
	if backordered > 0 {
		sentence += fmt.Sprintf(", %d of %s backordered", backordered, Count(reserved, "unit"))
	}
	if note != "" {
		sentence += " (" + note + ")"
	}
	fmt.Fprintln(w, sentence)
	if len(r.GetLines()) > 0 {
		Lines(w, r.GetLines(), true)
	}
}

// lineColumn is a column of a table of lines that is there only where a line has something for it.
type lineColumn struct {
	name  string
	right bool
	shown func(*holdfastv1.ReservationLine) bool
	cell  func(*holdfastv1.ReservationLine) any
}

// Lines writes a table of lines; columns that say nothing for any of them are left out, and without
// reasons also those that a table of refusals beside it says again.
func Lines(w io.Writer, lines []*holdfastv1.ReservationLine, reasons bool) {
	var shown []lineColumn
	var heads []Column
	for _, column := range lineColumns(reasons) {
		for _, line := range lines {
			if column.shown == nil || column.shown(line) {
				shown = append(shown, column)
				heads = append(heads, Column{Name: column.name, Right: column.right})
				break
			}
		}
	}
	t := NewTable(heads)
	for _, line := range lines {
		cells := make([]any, len(shown))
		for i, column := range shown {
			cells[i] = column.cell(line)
		}
		t.Row(cells...)
	}
	t.Write(w)
}

func lineColumns(reasons bool) []lineColumn {
	type line = holdfastv1.ReservationLine
	return []lineColumn{
		{"sku", false, nil, func(l *line) any { return l.GetSku() }},
		{"requested", true, nil, func(l *line) any { return l.GetRequestedQuantity() }},
		{"reserved", true, nil, func(l *line) any { return l.GetReservedQuantity() }},
		{"backordered", true, nil, func(l *line) any { return l.GetBackorderedQuantity() }},
		{
			"notify customer", false, (*line).GetNotifyCustomer,
			func(l *line) any { return YesNo(l.GetNotifyCustomer()) },
		},
		{
			"fulfilled", true,
			func(l *line) bool { return l.GetFulfilledQuantity() > 0 },
			func(l *line) any { return l.GetFulfilledQuantity() },
		},
		{
			"released", true,
			func(l *line) bool { return l.GetReleasedQuantity() > 0 },
			func(l *line) any { return l.GetReleasedQuantity() },
		},
		{
			"available", true,
			func(l *line) bool { return l.AvailableQuantity != nil },
			func(l *line) any { return Optional(l.AvailableQuantity, "-") },
		},
		{
			"orderable", true,
			func(l *line) bool { return reasons && l.GetRefusalReason() != 0 },
			func(l *line) any { return lineOrderable(l) },
		},
		{
			"reason", false,
			func(l *line) bool { return reasons && l.GetRefusalReason() != 0 },
			func(l *line) any { return lineReason(l) },
		},
		{
			"restock time", false,
			func(l *line) bool { return l.GetRestockTime() != nil },
			func(l *line) any { return Time(l.GetRestockTime()) },
		},
		{
			"substitutes", false,
			func(l *line) bool { return len(l.GetSubstitutes()) > 0 },
			func(l *line) any { return strings.Join(l.GetSubstitutes(), ", ") },
		},
	}
}

// lineReason is why a line got less than it asked for; a dash where it did not.
func lineReason(l *holdfastv1.ReservationLine) string {
	if l.GetRefusalReason() == holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_UNSPECIFIED {
		return "-"
	}
	return Reason(l.GetRefusalReason())
}

// lineOrderable is what such a line could have taken.
func lineOrderable(l *holdfastv1.ReservationLine) any {
	if l.GetRefusalReason() == holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_UNSPECIFIED {
		return "-"
	}
	return Optional(l.OrderableQuantity, "unlimited")
}

// Refusals writes a table of refused lines, numbered from 1 as people count.
func Refusals(w io.Writer, refusals []*holdfastv1.LineRefusal) {
	t := NewTable(Right("line"), Left("sku"), Right("requested", "orderable"),
		Left("reason", "substitutes"))
	for _, r := range refusals {
		t.Row(r.GetLineIndex()+1, r.GetSku(), r.GetRequestedQuantity(),
			Optional(r.OrderableQuantity, "unlimited"), Reason(r.GetReason()),
			strings.Join(r.GetSubstitutes(), ", "))
	}
	t.Write(w)
}

// State returns a state's name as the contract has it.
func State(s holdfastv1.ReservationState) string {
	return strings.TrimPrefix(s.String(), "RESERVATION_STATE_")
}

// Reason returns a line reason's name as the contract has it.
func Reason(r holdfastv1.LineRefusalReason) string {
	return strings.TrimPrefix(r.String(), "LINE_REFUSAL_REASON_")
}

// Time returns a time in UTC, or a dash where it is not set.
func Time(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().Format(time.RFC3339)
}

// Optional returns a figure, or other where it is not set.
func Optional[T any](value *T, other string) string {
	if value == nil {
		return other
	}
	return fmt.Sprint(*value)
}

// YesNo returns yes or no.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Count returns a number and its noun, in the plural where it is not one.
func Count[N int | int32 | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
