package main

import (
	"context"
	"io"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type extendCommand struct {
	callFlags

	TTL         time.Duration `name:"ttl" required:"" help:"How long the hold is to last from now, 1s to 720h."`
	Reservation string        `arg:"" help:"The reservation's id."`
}

// Run makes the call.
func (c *extendCommand) Run(s *session) error {
	again := "Run it again: the hold then lasts as long from then."
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Reservations.Extend, &holdfastv1.ExtendRequest{
			StockId: c.Stock, ReservationId: c.Reservation, Ttl: durationpb.New(c.TTL),
		})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			output.Reservation(w, answer.GetReservation(), "")
		})
	})
}
