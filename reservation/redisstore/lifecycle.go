package redisstore

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Commit makes a hold firm; see lua/commit.lua.
func (s *Store) Commit(
	ctx context.Context, request reservation.CommitRequest,
) (reservation.ChangeAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptCommit, repeatable: true, lines: lifecycleLines, bytes: requestOverhead,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.reservation(request.ID))
			e.flag(request.Reacquire)
		},
	}, false)
	if err != nil && r != nil && r.code == codeLinesRefused {
		return reservation.ChangeAnswer{}, readReacquireRefusals(r)
	}
	return readChange(r, err, request.Stock, request.ID)
}

// lifecycleLines is for how many lines of a batch a call counts whose reservation's size the caller
// does not tell: about an order's, so that a batch of them takes about as long as one of Reserves.
const lifecycleLines = 8

// readReacquireRefusals reads refused lines, with their SKUs and quantities, which only the store
// knows.
func readReacquireRefusals(r *reply) error {
	refused := &reservation.Error{Reason: reservation.ReasonLinesRefused, Stamp: r.stamp()}
	for r.more() {
		number, orderable, reason := r.int(), r.int(), r.int()
		refusal := reservation.LineRefusal{
			Index: int(number) - 1, Substitutes: r.substitutes(r.text()), SKU: r.sku(),
			Requested: r.int(), Reason: reservation.LineInsufficientStock,
		}
		if reason == int64(reservation.LineBackorderLimit) {
			refusal.Reason = reservation.LineBackorderLimit
		}
		if orderable >= 0 {
			refusal.Orderable = reservation.Some(orderable)
		}
		refused.Refusals = append(refused.Refusals, refusal)
	}
	if r.err != nil {
		return internal(r.err)
	}
	return refused
}

// Extend counts a hold's expiry anew; see lua/extend.lua.
func (s *Store) Extend(
	ctx context.Context, request reservation.ExtendRequest,
) (reservation.ChangeAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptExtend, repeatable: true, lines: 1, bytes: requestOverhead,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.reservation(request.ID))
			e.number(request.TTL.Milliseconds())
		},
	}, false)
	return readChange(r, err, request.Stock, request.ID)
}

// Fulfill ships covered units; see lua/fulfill.lua.
func (s *Store) Fulfill(
	ctx context.Context, request reservation.FulfillRequest,
) (reservation.ChangeAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptFulfill, repeatable: true,
		lines: lifecycleLines + request.Lines.Len(), bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.key(e.stock.reservation(request.ID))
			e.namedLines("Fulfill", request.ID, request.Request, request.Lines)
		},
	}, false)
	return readChange(r, err, request.Stock, request.ID)
}

// readChange reads a reservation after a change.
func readChange(
	r *reply, err error, stock reservation.StockID, id reservation.ReservationID,
) (reservation.ChangeAnswer, error) {
	if err != nil {
		return reservation.ChangeAnswer{}, err
	}
	answer := reservation.ChangeAnswer{
		Stamp:    reservation.Stamp{Sequence: r.sequence, StoreTime: timeOf(r.int())},
		Replayed: r.code == codeReplayed,
	}
	answer.Reservation = readReservation(r, stock, id)
	if r.err != nil {
		return reservation.ChangeAnswer{}, internal(r.err)
	}
	return answer, nil
}
