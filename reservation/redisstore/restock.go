package redisstore

import (
	"context"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Restock adds units that arrived; see lua/restock.lua.
func (s *Store) Restock(
	ctx context.Context, request reservation.RestockRequest,
) (reservation.RestockAnswer, error) {
	same := newContent("Restock").lines(request.Lines).fingerprint()
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptRestock, repeatable: true,
		lines: request.Lines.Len(), bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.request(request.Request))
			e.fingerprint(same)
			e.skuLines(request.Lines)
		},
	}, true)
	if err != nil {
		return reservation.RestockAnswer{}, err
	}
	answer := reservation.RestockAnswer{
		Stamp:    reservation.Stamp{Sequence: r.sequence, StoreTime: timeOf(r.int())},
		Replayed: r.code == codeReplayed,
	}
	answer.Lines = readRestockLines(r, request.Lines)
	answer.Fills = readFills(r)
	if r.err != nil {
		return reservation.RestockAnswer{}, internal(r.err)
	}
	return answer, nil
}

// readRestockLines reads what each line left behind.
func readRestockLines(r *reply, lines reservation.Lines) []reservation.RestockLine {
	moved := readOnHandLines(r, lines.Len())
	read := make([]reservation.RestockLine, len(moved))
	for i, line := range moved {
		read[i] = reservation.RestockLine{
			SKU: lines.All()[i].SKU, Quantity: line.Delta, OnHand: line.OnHand,
			Available: line.Available, Filled: line.Filled, Backordered: line.Backordered,
		}
	}
	return read
}

// readFills reads "reservation, units, SKU", a row a fill.
func readFills(r *reply) []reservation.Fill {
	text := r.text()
	if text == "" {
		return nil
	}
	var fills []reservation.Fill
	for row := range strings.SplitSeq(text, "\n") {
		parts := strings.SplitN(row, " ", 3)
		if len(parts) != 3 {
			r.err = errReplyEnds
			return nil
		}
		id, err := reservation.ParseReservationID(parts[0])
		if err != nil {
			r.err = err
			return nil
		}
		fills = append(fills, reservation.Fill{
			ID: id, Units: r.parseInt(parts[1]), SKU: r.parseSKU(parts[2]),
		})
	}
	return fills
}
