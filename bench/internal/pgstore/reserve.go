package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-dev/holdfast/reservation"
)

// The function's answers; see reserve.sql.
const (
	codeOK = iota
	codeReplayed
	codeTooLate
	codeDue
	codeReused
	codeUnknown
	codeRefused
)

// The figures of one line in lines; see schema.sql.
const (
	lineRequested = iota + 1
	lineGranted
	lineBackordered
	lineAvailable
	lineFlags
	lineWidth
)

// reclaimAtOnce is how many due holds one call of the function ends.
const reclaimAtOnce = 100

const (
	reserveCall = `SELECT code, sequence, created, expires, state, lines
FROM reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	reserveOneCall = `SELECT code, sequence, created, expires, state, lines
FROM reserve_one($1, $2, $3, $4, $5, $6, $7, $8, $9)`
)

// outcome is what became of one request.
type outcome struct {
	Code     int32
	Sequence *int64
	Created  time.Time
	Expires  *time.Time
	State    *int16
	Lines    []int64
}

// Reserve promises units.
func (s *Store) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	stock, err := s.stock(ctx, request.Stock, false)
	if err != nil {
		return reservation.ReserveAnswer{}, err
	}
	if !request.Replaces.IsZero() {
		return reservation.ReserveAnswer{}, internal(errors.New("replaces is not in this store"))
	}
	for {
		got, err := s.send(ctx, stock, request)
		if err != nil {
			return reservation.ReserveAnswer{}, err
		}
		if got.Code != codeDue {
			return read(got, request)
		}
		if err := s.reclaim(ctx, stock); err != nil {
			return reservation.ReserveAnswer{}, err
		}
	}
}

func (s *Store) send(
	ctx context.Context, stock int64, request reservation.ReserveRequest,
) (outcome, error) {
	if s.options.Lanes > 0 {
		return s.batcherOf(stock).do(ctx, request)
	}
	got, err := s.reserveAlone(ctx, stock, request)
	var refused *pgconn.PgError
	// Another call had the id first and is done now: its answer is the answer.
	if errors.As(err, &refused) && refused.Code == uniqueViolation {
		got, err = s.reserveAlone(ctx, stock, request)
	}
	if err != nil {
		return outcome{}, internal(err)
	}
	return got, nil
}

// uniqueViolation is PostgreSQL's code of it (documentation, appendix A).
const uniqueViolation = "23505"

// reserveAlone calls the function for one request.
func (s *Store) reserveAlone(
	ctx context.Context, stock int64, request reservation.ReserveRequest,
) (outcome, error) {
	p := placesOf(request.Lines)
	if len(p.skus) != len(p.lines) { // a SKU stands on several lines
		got, err := s.reserve(ctx, stock, []reservation.ReserveRequest{request})
		if err != nil {
			return outcome{}, err
		}
		return got[0], nil
	}
	// The function takes the lines in the order of their SKUs.
	units, numbers := make([]int64, len(p.skus)), make([]int32, len(p.skus))
	for i, place := range p.lines {
		units[place-1], numbers[place-1] = p.units[i], int32(i+1)
	}
	rows, err := s.pool.Query(ctx, reserveOneCall, stock, time.Now().Add(callTimeout),
		request.ID.String(), fingerprintOf(request), request.TTL.Milliseconds(),
		request.Mode == reservation.ModePartial, p.skus, units, numbers)
	if err != nil {
		return outcome{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[outcome])
}

func fingerprintOf(request reservation.ReserveRequest) string {
	return content(make([]byte, 0, 256)).number(request.TTL.Milliseconds()).
		number(int64(request.Mode)).lines(request.Lines).fingerprint()
}

// reserve calls the function for requests of one stock.
func (s *Store) reserve(
	ctx context.Context, stock int64, requests []reservation.ReserveRequest,
) ([]outcome, error) {
	n := len(requests)
	ids, fingerprints := make([]string, n), make([]string, n)
	ttls, partial := make([]int64, n), make([]bool, n)
	counts, lines := make([]int32, n), make([]reservation.Lines, n)
	for i, request := range requests {
		ids[i], ttls[i] = request.ID.String(), request.TTL.Milliseconds()
		partial[i] = request.Mode == reservation.ModePartial
		counts[i], lines[i] = int32(request.Lines.Len()), request.Lines
		fingerprints[i] = fingerprintOf(request)
	}
	p := placesOf(lines...)
	rows, err := s.pool.Query(ctx, reserveCall, stock, time.Now().Add(callTimeout), ids, fingerprints,
		ttls, partial, counts, p.skus, p.lines, p.units)
	if err != nil {
		return nil, err
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[outcome])
	if err == nil && len(got) != n {
		err = fmt.Errorf("%d answers to %d requests", len(got), n)
	}
	return got, err
}

func (s *Store) reclaim(ctx context.Context, stock int64) error {
	var ended int
	err := s.pool.QueryRow(ctx, "SELECT reclaim($1, $2)", stock, reclaimAtOnce).Scan(&ended)
	if err != nil {
		return internal(err)
	}
	return nil
}

// read turns an outcome into an answer.
func read(
	got outcome, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	switch got.Code {
	case codeOK, codeReplayed:
		return readGranted(got, request)
	case codeTooLate:
		return reservation.ReserveAnswer{}, &reservation.Error{Reason: reservation.ReasonTooLate}
	case codeReused:
		return reservation.ReserveAnswer{}, &reservation.Error{
			Reason: reservation.ReasonReservationIDReused,
		}
	case codeUnknown:
		return reservation.ReserveAnswer{}, readUnknown(got, request)
	case codeRefused:
		return reservation.ReserveAnswer{}, readRefused(got, request)
	}
	return reservation.ReserveAnswer{}, internal(fmt.Errorf("the function answered %d", got.Code))
}

func readGranted(
	got outcome, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	if len(got.Lines) != lineWidth*request.Lines.Len() || got.Sequence == nil || got.State == nil {
		return reservation.ReserveAnswer{}, internal(errors.New("the answer is not complete"))
	}
	promised := reservation.Reservation{
		Stock: request.Stock, ID: request.ID, State: reservation.StateCommitted,
		CreateTime: got.Created.UTC(), Term: 1,
		Lines: make([]reservation.ReservationLine, request.Lines.Len()),
	}
	if got.Expires != nil {
		promised.State, promised.ExpireTime = reservation.StateHeld, got.Expires.UTC()
	}
	for i, asked := range request.Lines.All() {
		figures := got.Lines[i*lineWidth:]
		promised.Lines[i] = reservation.ReservationLine{
			SKU: asked.SKU, Requested: figures[lineRequested],
			Covered:     figures[lineGranted] - figures[lineBackordered],
			Backordered: figures[lineBackordered],
			Notify:      figures[lineFlags]&2 != 0,
			Available:   reservation.Some(figures[lineAvailable]),
			Reason:      reservation.LineReason(figures[lineFlags] >> 2 & 7),
		}
		if orderable := figures[lineFlags]>>5 - 1; orderable >= 0 {
			promised.Lines[i].Orderable = reservation.Some(orderable)
		}
	}
	return reservation.ReserveAnswer{
		Reservation: promised, Replayed: got.Code == codeReplayed,
		StateNow: reservation.State(*got.State),
		Stamp:    reservation.Stamp{Sequence: *got.Sequence, StoreTime: promised.CreateTime},
	}, nil
}

// readUnknown names the unknown SKUs in the order of the request.
func readUnknown(got outcome, request reservation.ReserveRequest) error {
	missing := &reservation.Error{Reason: reservation.ReasonUnknownSKU}
	named := map[int64]bool{}
	for _, place := range got.Lines {
		named[place] = true
	}
	p := placesOf(request.Lines)
	for i, line := range request.Lines.All() {
		if place := int64(p.lines[i]); named[place] {
			named[place] = false
			missing.SKUs = append(missing.SKUs, line.SKU)
		}
	}
	return missing
}

func readRefused(got outcome, request reservation.ReserveRequest) error {
	const width = 3
	refusal := &reservation.Error{Reason: reservation.ReasonLinesRefused}
	for at := 0; at+width <= len(got.Lines); at += width {
		index := int(got.Lines[at]) - 1
		if index < 0 || index >= request.Lines.Len() {
			return internal(errors.New("a line was refused that nobody asked for"))
		}
		asked := request.Lines.All()[index]
		line := reservation.LineRefusal{
			Index: index, SKU: asked.SKU, Requested: asked.Quantity.Units(),
			Reason: reservation.LineReason(got.Lines[at+2]),
		}
		if orderable := got.Lines[at+1]; orderable >= 0 {
			line.Orderable = reservation.Some(orderable)
		}
		refusal.Refusals = append(refusal.Refusals, line)
	}
	return refusal
}
