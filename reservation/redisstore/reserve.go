package redisstore

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// requestOverhead is roughly what a request takes on the wire besides its lines, lineOverhead what
// a line takes besides its SKU, in bytes; for the bound of a batch.
const (
	requestOverhead = 150
	lineOverhead    = 60
)

// sizeOf guesses the bytes of a request's lines on the wire.
func sizeOf(lines reservation.Lines) int {
	size := requestOverhead
	for _, line := range lines.All() {
		size += lineOverhead + len(line.SKU.String())
	}
	return size
}

// The flags of a line; see lua/include/records.lua.
const (
	flagCounted = 1
	flagNotify  = 2
)

// Reserve promises units; see lua/reserve.lua.
func (s *Store) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	r, err := s.change(ctx, request.Stock, reserveOperation(request), false)
	if err != nil {
		return reservation.ReserveAnswer{}, readRefusals(r, err, request.Lines)
	}
	answer := reservation.ReserveAnswer{
		Reservation: reservation.Reservation{Stock: request.Stock, ID: request.ID, Term: 1},
		Replayed:    r.code == codeReplayed,
	}
	created, expires := r.int(), r.int()
	answer.StateNow = r.state()
	answer.Stamp = reservation.Stamp{Sequence: r.sequence, StoreTime: timeOf(created)}
	answer.Reservation.CreateTime, answer.Reservation.ExpireTime = timeOf(created), timeOf(expires)
	answer.Reservation.State = reservation.StateCommitted
	if expires > 0 {
		answer.Reservation.State = reservation.StateHeld
	}
	answer.Reservation.Lines = readGranted(r, request.Lines)
	if r.err != nil {
		return reservation.ReserveAnswer{}, internal(r.err)
	}
	return answer, nil
}

func reserveOperation(request reservation.ReserveRequest) *operation {
	same := newContent("Reserve").number(request.TTL.Milliseconds()).number(int64(request.Mode)).
		lines(request.Lines).optional("replaces", request.Replaces.String()).fingerprint()
	return &operation{
		script: scriptReserve, repeatable: true,
		lines: request.Lines.Len(), bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			e.flag(false)
			e.number(notAfter)
			e.flag(request.Mode == reservation.ModePartial)
			e.key(e.stock.reservation(request.ID))
			e.text(same)
			e.number(request.TTL.Milliseconds())
			if request.Replaces.IsZero() {
				e.number(0)
			} else {
				e.key(e.stock.reservation(request.Replaces))
			}
			e.skuLines(request.Lines)
		},
	}
}

// readGranted reads what each line was granted.
func readGranted(r *reply, lines reservation.Lines) []reservation.ReservationLine {
	granted := make([]reservation.ReservationLine, lines.Len())
	for i, asked := range lines.All() {
		reserved, backordered, flags, available := r.int(), r.int(), r.int(), r.int()
		line := &granted[i]
		line.SKU, line.Requested = asked.SKU, asked.Quantity.Units()
		line.Covered, line.Backordered = reserved-backordered, backordered
		line.Notify = flags&flagNotify != 0
		line.Available = reservation.Some(available)
		line.RestockTime, line.Substitutes = r.extras(r.text())
	}
	return granted
}

// readRefusals completes a refusal with its lines.
func readRefusals(r *reply, err error, lines reservation.Lines) error {
	if r == nil || r.code != codeLinesRefused {
		return err
	}
	refusals := readRefusedLines(r, lines)
	if r.err != nil {
		return internal(r.err)
	}
	return &reservation.Error{
		Reason: reservation.ReasonLinesRefused, Stamp: r.stamp(), Refusals: refusals,
	}
}

func readRefusedLines(r *reply, lines reservation.Lines) []reservation.LineRefusal {
	var refusals []reservation.LineRefusal
	for r.more() {
		number, orderable, reason := int(r.int()), r.int(), r.int()
		substitutes := r.substitutes(r.text())
		if number < 1 || number > lines.Len() || reason < int64(reservation.LineNotSellable) ||
			reason > int64(reservation.LineInsufficientStock) {
			r.err = errReplyEnds
			return nil
		}
		asked := lines.All()[number-1]
		refusal := reservation.LineRefusal{
			Index: number - 1, SKU: asked.SKU, Requested: asked.Quantity.Units(),
			Reason: reservation.LineReason(reason), Substitutes: substitutes,
		}
		if orderable >= 0 {
			refusal.Orderable = reservation.Some(orderable)
		}
		refusals = append(refusals, refusal)
	}
	return refusals
}

// Check says what Reserve would answer; see lua/reserve.lua.
func (s *Store) Check(
	ctx context.Context, request reservation.CheckRequest,
) (reservation.CheckAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptReserve, repeatable: true,
		lines: request.Lines.Len(), bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			e.flag(true)
			e.number(notAfter)
			e.flag(request.Mode == reservation.ModePartial)
			e.skuLines(request.Lines)
		},
	}, false)
	if err != nil {
		return reservation.CheckAnswer{}, err
	}
	answer := reservation.CheckAnswer{Grantable: r.int() == 1, StoreTime: timeOf(r.now)}
	answer.Lines = readGranted(r, request.Lines)
	answer.Refusals = readRefusedLines(r, request.Lines)
	if r.err != nil {
		return reservation.CheckAnswer{}, internal(r.err)
	}
	return answer, nil
}
