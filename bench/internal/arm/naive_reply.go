package arm

import (
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// naiveReply is an answer of the script, taken value by value.
type naiveReply struct {
	values []any
	err    error
}

func (r *naiveReply) next() any {
	if len(r.values) == 0 {
		r.err = errors.New("the script's answer ends too early")
		return nil
	}
	value := r.values[0]
	r.values = r.values[1:]
	return value
}

func (r *naiveReply) number() int64 {
	number, ok := r.next().(int64)
	if !ok && r.err == nil {
		r.err = errors.New("the script's answer has no number where one must be")
	}
	return number
}

func (r *naiveReply) failure() error {
	if r.err == nil {
		return nil
	}
	return internal(r.err)
}

func (r *naiveReply) moment() time.Time {
	ms := r.number()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (r *naiveReply) granted(
	request reservation.ReserveRequest, replayed bool,
) reservation.ReserveAnswer {
	sequence := r.number()
	promised := reservation.Reservation{
		Stock: request.Stock, ID: request.ID, State: reservation.StateCommitted,
		CreateTime: r.moment(), ExpireTime: r.moment(), Term: 1,
		Lines: make([]reservation.ReservationLine, request.Lines.Len()),
	}
	if !promised.ExpireTime.IsZero() {
		promised.State = reservation.StateHeld
	}
	for i, asked := range request.Lines.All() {
		granted, backordered, flags := r.number(), r.number(), r.number()
		promised.Lines[i] = reservation.ReservationLine{
			SKU: asked.SKU, Requested: asked.Quantity.Units(), Covered: granted - backordered,
			Backordered: backordered, Notify: flags&2 != 0, Available: reservation.Some(r.number()),
		}
	}
	return reservation.ReserveAnswer{
		Reservation: promised, Replayed: replayed, StateNow: promised.State,
		Stamp: reservation.Stamp{Sequence: sequence, StoreTime: promised.CreateTime},
	}
}

func (r *naiveReply) refused(lines reservation.Lines) error {
	refusal := &reservation.Error{Reason: reservation.ReasonLinesRefused}
	for len(r.values) > 0 && r.err == nil {
		index, orderable, reason := int(r.number())-1, r.number(), reservation.LineReason(r.number())
		if index < 0 || index >= lines.Len() {
			return internal(errors.New("the script refused a line that nobody asked for"))
		}
		asked := lines.All()[index]
		line := reservation.LineRefusal{
			Index: index, SKU: asked.SKU, Requested: asked.Quantity.Units(), Reason: reason,
		}
		if orderable >= 0 {
			line.Orderable = reservation.Some(orderable)
		}
		refusal.Refusals = append(refusal.Refusals, line)
	}
	if r.err != nil {
		return internal(r.err)
	}
	return refusal
}

func (r *naiveReply) skus() []reservation.SKU {
	var skus []reservation.SKU
	for len(r.values) > 0 {
		name, _ := r.next().(string)
		if sku, err := reservation.ParseSKU(name); err == nil {
			skus = append(skus, sku)
		}
	}
	return skus
}
