package main

import (
	"context"
	"io"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type commitCommand struct {
	callFlags

	Reacquire   bool   `help:"Of a hold that has run out: take the same quantities again, all or nothing, and make it firm."`
	Reservation string `arg:"" help:"The reservation's id."`
}

// Run makes the call.
func (c *commitCommand) Run(s *session) error {
	return c.ask(s, againAsItIs, func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Reservations.Commit, &holdfastv1.CommitRequest{
			StockId: c.Stock, ReservationId: c.Reservation, Reacquire: c.Reacquire,
		})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			output.Reservation(w, answer.GetReservation(), "")
		})
	})
}
