package redisstore

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// storedPolicy returns a policy's fields that are set as they are stored, in their order: names and
// values.
func storedPolicy(p reservation.Policy) (fields [][2]string) {
	for _, field := range reservation.AllPolicyFields() {
		if value := storedValue(p, field); value != "" {
			fields = append(fields, [2]string{storedName(field), value})
		}
	}
	return fields
}

func encodeDefault(policy reservation.Policy) func(e *encoder) {
	return func(e *encoder) {
		fields := storedPolicy(policy)
		e.text("default")
		e.count(len(fields))
		for _, field := range fields {
			e.text(field[0])
			e.text(field[1])
		}
	}
}

func encodeItem(item *reservation.KeptItem) func(e *encoder) {
	return func(e *encoder) {
		e.text("item")
		e.sku(item.SKU)
		e.number(item.OnHand)
		e.number(item.Reserved)
		e.number(item.Queued)
		e.number(item.Filling)
		var own strings.Builder
		for _, field := range storedPolicy(item.Own) {
			own.WriteString("\n" + field[0] + " " + field[1])
		}
		e.lines(own.String())
	}
}

func encodeRequest(q *reservation.KeptRequest) func(e *encoder) {
	return func(e *encoder) {
		e.text("request")
		e.key(e.stock.request(q.ID))
		e.text(q.Fingerprint)
		e.number(q.Sequence)
		e.time(q.CreateTime)
		e.time(q.ForgetTime)
		e.lines(q.Answer[0])
		e.lines(q.Answer[1])
	}
}

func encodeReservation(r *reservation.KeptReservation) func(e *encoder) {
	return func(e *encoder) {
		e.text("reservation")
		e.key(e.stock.reservation(r.ID))
		e.number(int64(r.State))
		e.text(cmp.Or(r.Fingerprint, "-"))
		e.time(r.CreateTime)
		e.number(r.TTL.Milliseconds())
		e.time(r.ExpireTime)
		e.number(r.Sequence)
		e.number(r.Term)
		e.time(r.TermTime)
		e.time(r.ForgetTime)
		e.flag(r.ByRelease)
		e.count(len(r.Lines))
		for i := range r.Lines {
			e.keptLine(&r.Lines[i])
		}
	}
}

// keptLine adds a line's fields as they are stored; see lua/include/records.lua.
func (e *encoder) keptLine(l *reservation.KeptLine) {
	flags := strconv.Itoa(flagsOf(l.Counted, l.First))
	if l.Reason != 0 {
		flags += fmt.Sprintf(":%d:%d", l.Reason, l.Orderable.Or(-1))
	}
	e.text(fmt.Sprintf("%d %d %d %d %s %s", l.Requested, l.Granted, l.FirstBackordered,
		l.FirstAvailable, flags, l.SKU))
	open, again := fmt.Sprintf("%d %d %d", l.Covered, l.Backordered, l.Fulfilled), ""
	switch {
	case l.Again.Set:
		open += " " + strconv.Itoa(flagsOf(l.Counted, l.Again.Value))
		again = extrasOf(l.Again.Value)
	case l.Fulfilled == 0 && l.Backordered == l.FirstBackordered &&
		l.Covered == l.Granted-l.FirstBackordered:
		open = "" // as granted
	}
	e.text(open)
	e.lines(extrasOf(l.First))
	e.lines(again)
	joined := l.Joined
	if !l.Counted || l.Backordered == 0 {
		joined = 0
	}
	e.number(joined)
}

func encodeEnd(end *reservation.ExportEnd) func(e *encoder) {
	return func(e *encoder) {
		e.text("end")
		e.number(end.Position.Sequence)
		e.number(end.Position.Epoch)
		e.count(len(end.Epochs))
		for _, began := range end.Epochs {
			e.number(began.Epoch)
			e.number(began.Sequence)
		}
	}
}

// flagsOf returns a line's flags as they are stored.
func flagsOf(counted bool, hints reservation.GrantHints) int {
	flags := 0
	if counted {
		flags += flagCounted
	}
	if hints.Notify {
		flags += flagNotify
	}
	return flags
}

// extrasOf returns what a grant told of a backordered line as it is stored.
func extrasOf(hints reservation.GrantHints) string {
	restock := ""
	if hints.RestockTime.Set {
		restock = strconv.FormatInt(hints.RestockTime.Value.UnixMilli(), 10)
	}
	if len(hints.Substitutes) == 0 {
		return restock
	}
	return restock + "\n" + storedSKUs(hints.Substitutes)
}
