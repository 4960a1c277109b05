package replay

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// check holds a granted answer against what was asked: every line, in order, in full.
func (a *Answer) check() error {
	switch response := a.Response.(type) {
	case *holdfastv1.ReserveResponse:
		return a.checkReserve(response.GetReservation())
	case *holdfastv1.RestockResponse:
		return checkLines(a, response.GetLines(), (*holdfastv1.RestockLine).GetQuantity)
	case *holdfastv1.AdjustStockResponse:
		return checkLines(a, response.GetLines(), (*holdfastv1.OnHandLine).GetDelta)
	case *holdfastv1.CommitResponse:
		return a.checkEnd(response.GetReservation(),
			holdfastv1.ReservationState_RESERVATION_STATE_COMMITTED)
	case *holdfastv1.ReleaseResponse:
		return a.checkEnd(response.GetReservation(),
			holdfastv1.ReservationState_RESERVATION_STATE_RELEASED,
			holdfastv1.ReservationState_RESERVATION_STATE_EXPIRED)
	}
	return a.wrong("it is a %T", a.Response)
}

func (a *Answer) wrong(format string, arguments ...any) error {
	return status.Errorf(codes.Internal, "the answer to %s is wrong: "+format,
		append([]any{a.ID}, arguments...)...)
}

func (a *Answer) checkReserve(got *holdfastv1.Reservation) error {
	asked := a.Entry.Lines
	if got.GetReservationId() != a.ID || len(got.GetLines()) != len(asked) {
		return a.wrong("%d lines of %q, asked were %d",
			len(got.GetLines()), got.GetReservationId(), len(asked))
	}
	backordered := false
	for i, line := range got.GetLines() {
		if line.GetSku() != asked[i].SKU || line.GetRequestedQuantity() != asked[i].Units ||
			line.GetReservedQuantity() != asked[i].Units {
			return a.wrong("line %d reserves %d of %d of %q, asked were %d of %q", i+1,
				line.GetReservedQuantity(), line.GetRequestedQuantity(), line.GetSku(),
				asked[i].Units, asked[i].SKU)
		}
		if line.GetBackordered() != (line.GetBackorderedQuantity() > 0) ||
			line.GetBackorderedQuantity() > line.GetReservedQuantity() {
			return a.wrong("line %d has %d of %d backordered, flag %t", i+1,
				line.GetBackorderedQuantity(), line.GetReservedQuantity(), line.GetBackordered())
		}
		backordered = backordered || line.GetBackordered()
	}
	if backordered != got.GetBackordered() {
		return a.wrong("it says backordered = %t", got.GetBackordered())
	}
	return nil
}

// checkLines holds the lines of an answer against those asked for.
func checkLines[L interface{ GetSku() string }](a *Answer, got []L, units func(L) int64) error {
	asked := a.Entry.Lines
	if len(got) != len(asked) {
		return a.wrong("%d lines, asked were %d", len(got), len(asked))
	}
	for i, line := range got {
		if line.GetSku() != asked[i].SKU || units(line) != asked[i].Units {
			return a.wrong("line %d has %d of %q, asked were %d of %q", i+1,
				units(line), line.GetSku(), asked[i].Units, asked[i].SKU)
		}
	}
	return nil
}

// checkEnd holds the reservation of a Commit or a Release against the states it may be in.
func (a *Answer) checkEnd(
	got *holdfastv1.Reservation, allowed ...holdfastv1.ReservationState,
) error {
	for _, state := range allowed {
		if got.GetReservationId() == a.ID && got.GetState() == state {
			return nil
		}
	}
	return a.wrong("%q is %s", got.GetReservationId(), got.GetState())
}
