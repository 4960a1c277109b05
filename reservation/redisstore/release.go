package redisstore

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Release gives units back; see lua/release.lua.
func (s *Store) Release(
	ctx context.Context, request reservation.ReleaseRequest,
) (reservation.ReleaseAnswer, error) {
	op := &operation{
		script: scriptRelease, repeatable: true,
		lines: request.Lines.Len() + 1, bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.reservation(request.ID))
			e.flag(request.AllowMissing)
			e.namedLines("Release", request.ID, request.Request, request.Lines)
		},
	}
	r, err := s.change(ctx, request.Stock, op, request.AllowMissing)
	if err != nil {
		return reservation.ReleaseAnswer{}, err
	}
	answer := reservation.ReleaseAnswer{
		Stamp:    reservation.Stamp{Sequence: r.sequence, StoreTime: timeOf(r.int())},
		Replayed: r.code == codeReplayed,
	}
	answer.Reservation = readReservation(r, request.Stock, request.ID)
	if r.err != nil {
		return reservation.ReleaseAnswer{}, internal(r.err)
	}
	return answer, nil
}

// readReservation reads a reservation as it is; see record_reply in lua/include/records.lua.
func readReservation(
	r *reply, stock reservation.StockID, id reservation.ReservationID,
) reservation.Reservation {
	read := reservation.Reservation{Stock: stock, ID: id, State: r.state()}
	read.CreateTime, read.ExpireTime = timeOf(r.int()), timeOf(r.int())
	read.Term = r.int()
	lines := r.int()
	if lines < 0 || lines > reservation.MaxLines {
		r.err = errReplyEnds
		return read
	}
	if lines > 0 {
		read.Lines = make([]reservation.ReservationLine, lines)
	}
	for i := range read.Lines {
		line := &read.Lines[i]
		line.SKU, line.Requested = r.sku(), r.int()
		line.Covered, line.Backordered = r.int(), r.int()
		line.Fulfilled, line.Released = r.int(), r.int()
		r.flags(line, r.text())
		restock, substitutes := r.extras(r.text())
		if line.Backordered > 0 {
			line.RestockTime = restock
		}
		if line.Backordered > 0 || line.Reason != 0 {
			line.Substitutes = substitutes
		}
	}
	return read
}

// Get returns a reservation as it is now; see lua/read_reservation.lua.
func (s *Store) Get(
	ctx context.Context, stock reservation.StockID, id reservation.ReservationID,
) (reservation.GetAnswer, error) {
	keys := []string{s.keys.of(stock).reservation(id).String()}
	r, err := s.read(ctx, scriptReadReservation, stock, keys)
	if err != nil {
		return reservation.GetAnswer{}, err
	}
	answer := reservation.GetAnswer{
		Reservation: readReservation(r, stock, id), StoreTime: timeOf(r.now),
	}
	if r.err != nil {
		return reservation.GetAnswer{}, internal(r.err)
	}
	return answer, nil
}
