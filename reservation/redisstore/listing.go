package redisstore

import (
	"context"
	"strconv"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Reservations pages through the reservations in one state; see lua/list_reservations.lua.
func (s *Store) Reservations(
	ctx context.Context, request reservation.ListReservationsRequest,
) (reservation.ReservationsAnswer, error) {
	r, err := s.readFresh(ctx, scriptListReservations, request.Stock, int64(request.State),
		cursor(request.After), request.After.Name, request.Limit, reservation.MaxPageLines)
	if err != nil {
		return reservation.ReservationsAnswer{}, err
	}
	answer := reservation.ReservationsAnswer{StoreTime: timeOf(r.now)}
	score, name := r.text(), r.text()
	if name != "" {
		answer.Next = reservation.Some(reservation.Cursor{Score: r.parseInt(score), Name: name})
	}
	for r.more() {
		id, err := reservation.ParseReservationID(r.text())
		if err != nil {
			return reservation.ReservationsAnswer{}, internal(err)
		}
		record := reply{values: r.list()}
		answer.Reservations = append(answer.Reservations,
			readReservation(&record, request.Stock, id))
		if record.err != nil {
			return reservation.ReservationsAnswer{}, internal(record.err)
		}
	}
	if r.err != nil {
		return reservation.ReservationsAnswer{}, internal(r.err)
	}
	return answer, nil
}

// Backorders pages through the lines that wait; see lua/list_backorders.lua.
func (s *Store) Backorders(
	ctx context.Context, request reservation.BackordersRequest,
) (reservation.BackordersAnswer, error) {
	r, err := s.readFresh(ctx, scriptListBackorders, request.Stock, request.SKU.Value.String(),
		request.After.SKU, request.After.Score, request.Limit)
	if err != nil {
		return reservation.BackordersAnswer{}, err
	}
	answer := reservation.BackordersAnswer{StoreTime: timeOf(r.now)}
	sku, score := r.text(), r.text()
	if sku != "" {
		answer.Next = reservation.Some(reservation.Cursor{SKU: sku, Score: r.parseScore(score)})
	}
	for r.more() {
		answer.Backorders = append(answer.Backorders, r.backorder())
	}
	if r.err != nil {
		return reservation.BackordersAnswer{}, internal(r.err)
	}
	return answer, nil
}

func (r *reply) backorder() reservation.Backorder {
	b := reservation.Backorder{SKU: r.sku(), Position: r.int()}
	id, err := reservation.ParseReservationID(r.text())
	if err != nil && r.err == nil {
		r.err = err
	}
	b.ID, b.Index, b.Units, b.Since = id, int(r.int())-1, r.int(), timeOf(r.int())
	return b
}

// cursor is the score of a place in a list; empty for the first page.
func cursor(after reservation.Cursor) string {
	if after.Name == "" {
		return ""
	}
	return strconv.FormatInt(after.Score, 10)
}

// parseScore reads a sorted set's score, which is a whole number and may be printed with an
// exponent.
func (r *reply) parseScore(text string) int64 {
	score, err := strconv.ParseFloat(text, 64)
	if err != nil && r.err == nil {
		r.err = err
	}
	return int64(score)
}
