package main

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type releaseCommand struct {
	callFlags

	ID           string         `aliases:"request-id" help:"The request's id, with lines only: the same id is never carried out twice. A random one when absent."`
	AllowMissing bool           `help:"Record an unknown reservation as released, so that it can never be granted."`
	Reservation  string         `arg:"" help:"The reservation's id."`
	Lines        []lineArgument `arg:"" optional:"" name:"sku=quantity" help:"What to give back; everything when absent."`
}

// Run makes the call.
func (c *releaseCommand) Run(s *session) error {
	request := &holdfastv1.ReleaseRequest{
		StockId: c.Stock, ReservationId: c.Reservation, RequestId: c.ID,
		Lines: quantities(c.Lines), AllowMissing: c.AllowMissing,
	}
	again := againAsItIs
	if len(c.Lines) > 0 {
		request.RequestId = idOr(c.ID)
		again = againWith("--id", request.GetRequestId())
	}
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		var header metadata.MD
		answer, err := client.Call(ctx, server.Reservations.Release, request, grpc.Header(&header))
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			nameRequest(w, "release", request.GetRequestId(), "")
			output.Reservation(w, answer.GetReservation(), replayNote(header))
		})
	})
}
