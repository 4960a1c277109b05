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

type fulfillCommand struct {
	callFlags

	RequestID   string         `name:"request-id" aliases:"id" placeholder:"ID" help:"The request's id, with lines only: the same id is never carried out twice. A random one when absent."`
	Reservation string         `arg:"" help:"The reservation's id."`
	Lines       []lineArgument `arg:"" optional:"" name:"sku=quantity" help:"What ships, covered units only; everything when absent."`
}

// Run makes the call.
func (c *fulfillCommand) Run(s *session) error {
	request := &holdfastv1.FulfillRequest{
		StockId: c.Stock, ReservationId: c.Reservation, RequestId: c.RequestID,
		Lines: quantities(c.Lines),
	}
	again := againAsItIs
	if len(c.Lines) > 0 {
		request.RequestId = idOr(c.RequestID)
		again = againWith("--request-id", request.GetRequestId())
	}
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		var header metadata.MD
		answer, err := client.Call(ctx, server.Reservations.Fulfill, request, grpc.Header(&header))
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			nameRequest(w, "fulfill", request.GetRequestId(), "")
			output.Reservation(w, answer.GetReservation(), replayNote(header))
		})
	})
}
