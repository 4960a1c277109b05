package main

import (
	"context"
	"io"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type getCommand struct {
	callFlags

	Reservation string `arg:"" help:"The reservation's id."`
}

// Run makes the call.
func (c *getCommand) Run(s *session) error {
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Reservations.GetReservation,
			&holdfastv1.GetReservationRequest{StockId: c.Stock, ReservationId: c.Reservation})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			output.Reservation(w, answer.GetReservation(), "")
		})
	})
}
