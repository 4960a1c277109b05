package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// GetReservation answers a reservation as it is now; see the proto for its reasons.
func (s *reservationService) GetReservation(
	ctx context.Context, in *holdfastv1.GetReservationRequest,
) (*holdfastv1.GetReservationResponse, error) {
	stock, id, err := parseGetReservation(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Get(ctx, stock, id)
	if err != nil {
		return nil, err
	}
	return &holdfastv1.GetReservationResponse{
		Reservation: reservationMessage(&answer.Reservation),
		StoreTime:   timeMessage(answer.StoreTime),
	}, nil
}

func parseGetReservation(
	in *holdfastv1.GetReservationRequest,
) (reservation.StockID, reservation.ReservationID, error) {
	var p parser
	stock := p.stock(in.GetStockId())
	id := p.reservationID("reservation_id", in.GetReservationId())
	return stock, id, p.err()
}
