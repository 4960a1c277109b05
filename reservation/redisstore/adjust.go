package redisstore

import (
	"context"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Adjust corrects on hand by deltas; see lua/adjust.lua.
func (s *Store) Adjust(
	ctx context.Context, request reservation.AdjustRequest,
) (reservation.OnHandAnswer, error) {
	what := newContent("AdjustStock").number(int64(len(request.Lines)))
	size := requestOverhead
	for _, line := range request.Lines {
		what = what.text(line.SKU.String()).number(line.Delta.Units()).text(line.Reason.String())
		size += lineOverhead + len(line.SKU.String()) + len(line.Reason.String())
	}
	same := what.fingerprint()
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptAdjust, repeatable: true, lines: len(request.Lines), bytes: size,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.request(request.Request))
			e.fingerprint(same)
			e.count(len(request.Lines))
			for _, line := range request.Lines {
				e.sku(line.SKU)
				e.number(line.Delta.Units())
				e.text(line.Reason.String())
			}
		},
	}, false)
	return readOnHand(r, err, len(request.Lines), func(i int, line *reservation.OnHandLine) {
		line.SKU, line.Delta = request.Lines[i].SKU, request.Lines[i].Delta.Units()
	})
}

// SetStock takes a physical count over; see lua/set_stock.lua.
func (s *Store) SetStock(
	ctx context.Context, request reservation.SetStockRequest,
) (reservation.OnHandAnswer, error) {
	what := newContent("SetStock").number(int64(len(request.Lines)))
	size := requestOverhead
	for _, line := range request.Lines {
		what = what.text(line.SKU.String()).number(line.OnHand).text(storedInt(line.Expected))
		size += lineOverhead + len(line.SKU.String())
	}
	same := what.fingerprint()
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptSetStock, repeatable: true, lines: len(request.Lines), bytes: size,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.request(request.Request))
			e.fingerprint(same)
			e.count(len(request.Lines))
			for _, line := range request.Lines {
				e.sku(line.SKU)
				e.number(line.OnHand)
				e.text(storedInt(line.Expected))
			}
		},
	}, true)
	return readOnHand(r, err, len(request.Lines), func(i int, line *reservation.OnHandLine) {
		line.SKU = request.Lines[i].SKU
	})
}

// readOnHand reads the answer of a call that moved on hand; asked fills in what the caller knows.
func readOnHand(
	r *reply, err error, lines int, asked func(i int, line *reservation.OnHandLine),
) (reservation.OnHandAnswer, error) {
	if err != nil {
		return reservation.OnHandAnswer{}, err
	}
	answer := reservation.OnHandAnswer{
		Stamp:    reservation.Stamp{Sequence: r.sequence, StoreTime: timeOf(r.int())},
		Replayed: r.code == codeReplayed,
	}
	answer.Lines = readOnHandLines(r, lines)
	answer.Fills = readFills(r)
	if r.err != nil {
		return reservation.OnHandAnswer{}, internal(r.err)
	}
	for i := range answer.Lines {
		asked(i, &answer.Lines[i])
	}
	return answer, nil
}

// readOnHandLines reads rows, a line each; see lua/include/on_hand.lua.
func readOnHandLines(r *reply, lines int) []reservation.OnHandLine {
	rows := strings.Split(r.text(), "\n")
	if len(rows) != lines {
		r.err = errReplyEnds
		return nil
	}
	read := make([]reservation.OnHandLine, len(rows))
	for i, row := range rows {
		figures := strings.Fields(row)
		if len(figures) != 6 {
			r.err = errReplyEnds
			return nil
		}
		read[i] = reservation.OnHandLine{
			Delta: r.parseInt(figures[0]), OnHand: r.parseInt(figures[1]),
			Available: r.parseInt(figures[2]), Filled: r.parseInt(figures[3]),
			Backordered: r.parseInt(figures[4]), Shortfall: r.parseInt(figures[5]),
		}
	}
	return read
}
