package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// scripted is a store that keeps what it is asked and answers what a test lays down, so that every
// field can be followed through the server.
type scripted struct {
	reservation.Store
	asked        any
	change       reservation.ChangeAnswer
	onHand       reservation.OnHandAnswer
	reservations func(limit int) reservation.ReservationsAnswer
	backorders   reservation.BackordersAnswer
	err          error
}

func (s *scripted) Commit(
	_ context.Context, request reservation.CommitRequest,
) (reservation.ChangeAnswer, error) {
	s.asked = request
	return s.change, s.err
}

func (s *scripted) Extend(
	_ context.Context, request reservation.ExtendRequest,
) (reservation.ChangeAnswer, error) {
	s.asked = request
	return s.change, s.err
}

func (s *scripted) Fulfill(
	_ context.Context, request reservation.FulfillRequest,
) (reservation.ChangeAnswer, error) {
	s.asked = request
	return s.change, s.err
}

func (s *scripted) Reservations(
	_ context.Context, request reservation.ListReservationsRequest,
) (reservation.ReservationsAnswer, error) {
	s.asked = request
	return s.reservations(request.Limit), s.err
}

func (s *scripted) Adjust(
	_ context.Context, request reservation.AdjustRequest,
) (reservation.OnHandAnswer, error) {
	s.asked = request
	return s.onHand, s.err
}

func (s *scripted) SetStock(
	_ context.Context, request reservation.SetStockRequest,
) (reservation.OnHandAnswer, error) {
	s.asked = request
	return s.onHand, s.err
}

func (s *scripted) Backorders(
	_ context.Context, request reservation.BackordersRequest,
) (reservation.BackordersAnswer, error) {
	s.asked = request
	return s.backorders, s.err
}

// follow serves a scripted store.
func follow(t *testing.T, store *scripted) *rig {
	t.Helper()
	return newRig(t, server.Options{}, func(inner reservation.Store) reservation.Store {
		store.Store = inner
		return store
	})
}

// must returns the value of what cannot fail in a test.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func sku(name string) reservation.SKU { return must(reservation.ParseSKU(name)) }

func requireAsked(t *testing.T, store *scripted, want any) {
	t.Helper()
	diff := cmp.Diff(want, store.asked, cmp.AllowUnexported(reservation.StockID{},
		reservation.ReservationID{}, reservation.RequestID{}, reservation.SKU{}, reservation.TTL{},
		reservation.Lines{}, reservation.Quantity{}, reservation.Delta{},
		reservation.AdjustReason{}))
	if diff != "" {
		t.Errorf("the store was asked (-want +got):\n%s", diff)
	}
}

var (
	stockS  = must(reservation.ParseStockID("s"))
	idR1    = must(reservation.ParseReservationID("r-1"))
	idQ1    = must(reservation.ParseRequestID("q-1"))
	decided = time.Date(2026, 11, 23, 10, 0, 0, 250_000_000, time.UTC)
)
