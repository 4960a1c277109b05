package redisstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// What follows writes answers down as the scripts do.

func simCode(replayed bool) replyCode {
	if replayed {
		return codeReplayed
	}
	return codeOK
}

func simTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func simSubstitutes(skus []reservation.SKU) string {
	names := make([]string, len(skus))
	for i, sku := range skus {
		names[i] = sku.String()
	}
	return strings.Join(names, betweenSKUs)
}

func simExtras(l reservation.ReservationLine) string {
	if !l.RestockTime.Set && len(l.Substitutes) == 0 {
		return ""
	}
	restock := ""
	if l.RestockTime.Set {
		restock = strconv.FormatInt(l.RestockTime.Value.UnixMilli(), 10)
	}
	return restock + "\n" + simSubstitutes(l.Substitutes)
}

func simFlags(l reservation.ReservationLine) string {
	flags := flagCounted
	if l.Notify {
		flags += flagNotify
	}
	if l.Reason == 0 {
		return strconv.Itoa(flags)
	}
	return fmt.Sprintf("%d:%d:%d", flags, l.Reason, l.Orderable.Or(-1))
}

// simReserved is the answer of lua/reserve.lua.
func simReserved(answer reservation.ReserveAnswer) []any {
	r := answer.Reservation
	text := fmt.Sprint(simTime(r.CreateTime), simTime(r.ExpireTime), int64(answer.StateNow))
	var extras []any
	for i, l := range r.Lines {
		text += fmt.Sprintf("\n%d %d %d %d %s %s", l.Requested, l.Open(), l.Backordered,
			l.Available.Value, simFlags(l), l.SKU)
		if told := simExtras(l); told != "" {
			extras = append(extras, i+1, told)
		}
	}
	encoded := []any{simCode(answer.Replayed), answer.Sequence, text}
	if extras != nil {
		encoded = append(encoded, extras)
	}
	return encoded
}

// simReservation is record_reply of lua/include/records.lua.
func simReservation(to []any, r reservation.Reservation) []any {
	to = append(to, int64(r.State), simTime(r.CreateTime), simTime(r.ExpireTime), r.Term, len(r.Lines))
	for _, l := range r.Lines {
		to = append(to, l.SKU.String(), l.Requested, l.Covered, l.Backordered, l.Fulfilled, l.Released,
			simFlags(l), simExtras(l))
	}
	return to
}

// simMoved is the answer of lua/include/on_hand.lua.
func simMoved(
	replayed bool, stamp reservation.Stamp, rows []string, filled []reservation.Fill,
) []any {
	fills := make([]string, len(filled))
	for i, f := range filled {
		fills[i] = fmt.Sprintf("%s %d %s", f.ID, f.Units, f.SKU)
	}
	return []any{
		simCode(replayed), stamp.Sequence, stamp.StoreTime.UnixMilli(),
		strings.Join(rows, "\n"), strings.Join(fills, "\n"),
	}
}

// simRefused is a refusal as the scripts write it down.
func simRefused(script scriptName, err error) []any {
	var refused *reservation.Error
	if !errors.As(err, &refused) {
		panic(simMalformed{"the model answers " + err.Error()})
	}
	code := codeOK
	for c := codeOK; c < 100; c++ {
		if reason, ok := c.reason(); ok && reason == refused.Reason {
			code = c
		}
	}
	encoded := []any{code, refused.Stamp.Sequence}
	if refused.Reason == reservation.ReasonWrongState {
		encoded = append(encoded, int64(refused.State))
	}
	for _, sku := range refused.SKUs {
		encoded = append(encoded, sku.String())
	}
	for _, l := range refused.Refusals {
		encoded = append(encoded, l.Index+1, l.Orderable.Or(-1), int64(l.Reason),
			simSubstitutes(l.Substitutes))
		if script == scriptCommit {
			encoded = append(encoded, l.SKU.String(), l.Requested)
		}
	}
	return encoded
}
