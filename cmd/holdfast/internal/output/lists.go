package output

import (
	"fmt"
	"io"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Reservations writes a table of reservations, a row for each.
func Reservations(w io.Writer, list []*holdfastv1.Reservation) {
	expires := false
	for _, r := range list {
		expires = expires || r.GetExpireTime() != nil
	}
	columns := Left("created")
	if expires {
		columns = Left("created", "expires")
	}
	t := NewTable(Left("reservation", "state"),
		Right("lines", "requested", "reserved", "backordered"), columns)
	for _, r := range list {
		var requested, reserved, backordered int64
		for _, line := range r.GetLines() {
			requested += line.GetRequestedQuantity()
			reserved += line.GetReservedQuantity()
			backordered += line.GetBackorderedQuantity()
		}
		cells := []any{
			r.GetReservationId(), State(r.GetState()), len(r.GetLines()), requested, reserved,
			backordered, Time(r.GetCreateTime()),
		}
		if expires {
			cells = append(cells, Time(r.GetExpireTime()))
		}
		t.Row(cells...)
	}
	t.Write(w)
}

// Backorders writes a table of lines that wait, as of a time.
func Backorders(w io.Writer, list []*holdfastv1.Backorder, now time.Time) {
	t := NewTable(Left("sku"), Right("position"), Left("reservation"), Right("line", "units"),
		Left("waiting since"), Right("for"))
	for _, b := range list {
		t.Row(b.GetSku(), b.GetPosition(), b.GetReservationId(), b.GetLineIndex()+1,
			b.GetBackorderedQuantity(), Time(b.GetWaitingSince()),
			Age(now.Sub(b.GetWaitingSince().AsTime())))
	}
	t.Write(w)
}

// Age returns how long something has lasted, in its two largest units.
func Age(d time.Duration) string {
	const day = 24 * time.Hour
	switch d = max(0, d); {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd %dh", d/day, d%day/time.Hour)
}
