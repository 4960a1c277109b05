package model

import (
	"context"
	"errors"

	"github.com/holdfast-dev/holdfast/reservation"
)

var errPending = errors.New("not in the model yet")

func (m *Model) Commit(context.Context, reservation.CommitRequest) (reservation.ChangeAnswer, error) {
	return reservation.ChangeAnswer{}, errPending
}

func (m *Model) Extend(context.Context, reservation.ExtendRequest) (reservation.ChangeAnswer, error) {
	return reservation.ChangeAnswer{}, errPending
}

func (m *Model) Fulfill(context.Context, reservation.FulfillRequest) (reservation.ChangeAnswer, error) {
	return reservation.ChangeAnswer{}, errPending
}

func (m *Model) Reservations(context.Context, reservation.ListReservationsRequest) (reservation.ReservationsAnswer, error) {
	return reservation.ReservationsAnswer{}, errPending
}

func (m *Model) Adjust(context.Context, reservation.AdjustRequest) (reservation.OnHandAnswer, error) {
	return reservation.OnHandAnswer{}, errPending
}

func (m *Model) SetStock(context.Context, reservation.SetStockRequest) (reservation.OnHandAnswer, error) {
	return reservation.OnHandAnswer{}, errPending
}

func (m *Model) Backorders(context.Context, reservation.BackordersRequest) (reservation.BackordersAnswer, error) {
	return reservation.BackordersAnswer{}, errPending
}

func (m *Model) Watch(context.Context, reservation.WatchRequest, func(reservation.EventBatch) error) error {
	return errPending
}
