package server

import (
	"context"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// maxPageBytes bounds a page of reservations, in bytes: callers read 4 MiB by default, and a
// thousand reservations of a thousand lines each would be a hundred. One alone is below 1 MiB.
const maxPageBytes = 3 << 20

// ListReservations pages through the reservations in one state; see the proto for its reasons. A
// page that is too large for a message is asked for again with fewer.
func (s *reservationService) ListReservations(
	ctx context.Context, in *holdfastv1.ListReservationsRequest,
) (*holdfastv1.ListReservationsResponse, error) {
	request, err := parseListReservations(in)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := s.store.Reservations(ctx, request)
		if err != nil {
			return nil, err
		}
		response := &holdfastv1.ListReservationsResponse{
			Reservations: reservationMessages(answer.Reservations),
			StoreTime:    timeMessage(answer.StoreTime),
		}
		if answer.Next.Set {
			response.NextPageToken = reservationsToken(request, answer.Next.Value)
		}
		size := proto.Size(response)
		if size <= maxPageBytes || request.Limit == 1 {
			return response, nil
		}
		// Half of what would fit if all were alike. It shrinks each time, so this ends.
		request.Limit = max(1, len(answer.Reservations)*maxPageBytes/size/2)
	}
}

func parseListReservations(
	in *holdfastv1.ListReservationsRequest,
) (reservation.ListReservationsRequest, error) {
	var p parser
	request := reservation.ListReservationsRequest{
		Stock: p.stock(in.GetStockId()),
		State: p.state(in.GetState()),
		Limit: p.pageSize(in.GetPageSize()),
	}
	request.After = p.reservationsToken(in.GetPageToken(), request)
	return request, p.err()
}

func (p *parser) state(in holdfastv1.ReservationState) reservation.State {
	switch in {
	case holdfastv1.ReservationState_RESERVATION_STATE_UNSPECIFIED:
		p.check("state", errMissing)
		return 0
	case holdfastv1.ReservationState_RESERVATION_STATE_HELD:
		return reservation.StateHeld
	case holdfastv1.ReservationState_RESERVATION_STATE_COMMITTED:
		return reservation.StateCommitted
	case holdfastv1.ReservationState_RESERVATION_STATE_FULFILLED:
		return reservation.StateFulfilled
	case holdfastv1.ReservationState_RESERVATION_STATE_RELEASED:
		return reservation.StateReleased
	case holdfastv1.ReservationState_RESERVATION_STATE_EXPIRED:
		return reservation.StateExpired
	}
	p.check("state", errUnknownValue)
	return 0
}
