package storetest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// print writes an outcome as scenarios expect it, a line for each fact.
func (o outcome) print() []string {
	if o.Refusal != nil {
		return printRefusal(*o.Refusal)
	}
	switch answer := o.Answer.(type) {
	case reservation.ReserveAnswer:
		head := ""
		now := ""
		if answer.Replayed {
			head, now = "replayed ", ", now "+answer.StateNow.String()
		}
		lines := printReservation(answer.Reservation)
		lines[0] = head + lines[0] + now
		return lines
	case reservation.CheckAnswer:
		return printCheck(answer)
	case reservation.ReleaseAnswer:
		lines := printReservation(answer.Reservation)
		if answer.Replayed {
			lines[0] = "replayed " + lines[0]
		}
		return lines
	case reservation.ChangeAnswer:
		lines := printReservation(answer.Reservation)
		if answer.Replayed {
			lines[0] = "replayed " + lines[0]
		}
		return lines
	case reservation.GetAnswer:
		return printReservation(answer.Reservation)
	case reservationList:
		return answer.print()
	case backorderList:
		return answer.print()
	case reservation.OnHandAnswer:
		return printOnHand(answer)
	case reservation.RestockAnswer:
		return printRestock(answer)
	case reservation.PolicyAnswer:
		return []string{
			"own " + policyText(answer.Own), "in force " + effectiveText(answer.Effective),
		}
	case reservation.ItemsAnswer:
		return printItems(answer.Items)
	case reservation.ListAnswer:
		end := "end"
		if answer.More {
			end = "more"
		}
		return append(printItems(answer.Items), end)
	case reservation.Stamp:
		return []string{"deleted"}
	case swept:
		return []string{fmt.Sprintf("reclaimed %d", answer)}
	case handled:
		return []string{fmt.Sprintf("handled %d", answer)}
	case purged:
		return []string{fmt.Sprintf("purged %d", answer)}
	}
	return []string{fmt.Sprintf("unknown answer %T", o.Answer)}
}

func printRefusal(refusal reservation.Error) []string {
	head := "refused " + refusal.Reason.String()
	if refusal.State != 0 {
		head += ": " + refusal.State.String()
	}
	if refusal.SKUs != nil {
		head += ": " + skusText(refusal.SKUs, " ")
	}
	return append([]string{head}, printLineRefusals(refusal.Refusals)...)
}

func printLineRefusals(refusals []reservation.LineRefusal) []string {
	var lines []string
	for _, r := range refusals {
		text := fmt.Sprintf("refused line %d %s*%d: %s, orderable %s",
			r.Index, escape(r.SKU), r.Requested, r.Reason, limitText(r.Orderable))
		if len(r.Substitutes) > 0 {
			text += ", substitutes " + skusText(r.Substitutes, " ")
		}
		lines = append(lines, text)
	}
	return lines
}

func printReservation(r reservation.Reservation) []string {
	head := r.State.String()
	switch {
	case r.Term == 0:
		head += ", never reserved"
	case !r.ExpireTime.IsZero():
		head += " for " + durationText(r.ExpireTime.Sub(r.CreateTime))
	}
	if r.Term > 1 {
		head += fmt.Sprintf(", term %d", r.Term)
	}
	return append([]string{head}, printLines(r.Lines)...)
}

func printLines(list []reservation.ReservationLine) []string {
	var lines []string
	for _, l := range list {
		text := fmt.Sprintf("line %s*%d: covered %d", escape(l.SKU), l.Requested, l.Covered)
		for _, units := range []struct {
			name string
			n    int64
		}{
			{"backordered", l.Backordered},
			{"fulfilled", l.Fulfilled},
			{"released", l.Released},
		} {
			if units.n != 0 {
				text += fmt.Sprintf(", %s %d", units.name, units.n)
			}
		}
		if l.Available.Set {
			text += fmt.Sprintf(", available %d", l.Available.Value)
		}
		if l.Notify {
			text += ", notify"
		}
		if l.Reason != 0 {
			text += ", cut for " + l.Reason.String()
			if l.Orderable.Set {
				text += fmt.Sprintf(" at %d", l.Orderable.Value)
			}
		}
		if l.RestockTime.Set {
			text += ", restock_time " + l.RestockTime.Value.Format(time.RFC3339Nano)
		}
		if len(l.Substitutes) > 0 {
			text += ", substitutes " + skusText(l.Substitutes, " ")
		}
		lines = append(lines, text)
	}
	return lines
}

func printCheck(answer reservation.CheckAnswer) []string {
	lines := []string{"not grantable"}
	if answer.Grantable {
		lines = []string{"grantable"}
	}
	lines = append(lines, printLines(answer.Lines)...)
	return append(lines, printLineRefusals(answer.Refusals)...)
}

func printRestock(answer reservation.RestockAnswer) []string {
	var lines []string
	if answer.Replayed {
		lines = append(lines, "replayed")
	}
	for _, l := range answer.Lines {
		lines = append(lines, fmt.Sprintf(
			"line %s*%d: on hand %d, available %d, filled %d, backordered %d",
			escape(l.SKU), l.Quantity, l.OnHand, l.Available, l.Filled, l.Backordered))
	}
	return append(lines, printFills(answer.Fills)...)
}

func printOnHand(answer reservation.OnHandAnswer) []string {
	var lines []string
	if answer.Replayed {
		lines = append(lines, "replayed")
	}
	for _, l := range answer.Lines {
		lines = append(lines, fmt.Sprintf(
			"line %s*%d: on hand %d, available %d, filled %d, backordered %d, shortfall %d",
			escape(l.SKU), l.Delta, l.OnHand, l.Available, l.Filled, l.Backordered, l.Shortfall))
	}
	return append(lines, printFills(answer.Fills)...)
}

func printFills(fills []reservation.Fill) []string {
	var lines []string
	for _, fill := range fills {
		lines = append(lines, fmt.Sprintf("fill %s %s*%d", fill.ID, escape(fill.SKU), fill.Units))
	}
	return lines
}

func printItems(items []reservation.Item) []string {
	var lines []string
	for _, i := range items {
		lines = append(lines, fmt.Sprintf("item %s: on hand %d, reserved %d, available %d, "+
			"orderable %s, backordered %d, filling %d, shortfall %d",
			escape(i.SKU), i.OnHand, i.Reserved, i.Available(),
			limitText(i.Orderable()), i.Backordered(), i.Filling, i.Shortfall()))
	}
	return lines
}

// printStock writes one SKU's figures and queue as they are kept.
func printStock(item reservation.ItemSnapshot) string {
	text := fmt.Sprintf("stock %s: on hand %d, reserved %d, queued %d, filling %d",
		escape(item.SKU), item.OnHand, item.Reserved, item.Queued, item.Filling)
	if len(item.Queue) == 0 {
		return text
	}
	var waiting []string
	for _, entry := range item.Queue {
		waiting = append(waiting, fmt.Sprintf("%s/%d*%d", entry.ID, entry.Index, entry.Units))
	}
	return text + ", waiting " + strings.Join(waiting, " ")
}

func limitText(limit reservation.Optional[int64]) string {
	if !limit.Set {
		return "unlimited"
	}
	return strconv.FormatInt(limit.Value, 10)
}

// durationText writes 15m0s as 15m.
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
