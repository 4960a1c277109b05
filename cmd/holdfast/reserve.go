package main

import (
	"context"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type reserveCommand struct {
	callFlags

	ID       string         `help:"The reservation's id; the same id is never granted twice. A random one when absent."`
	TTL      *time.Duration `name:"ttl" help:"Hold the units for this long (1s to 720h) instead of for good."`
	Partial  bool           `help:"Take what can be had of each line instead of all or nothing."`
	Replaces string         `placeholder:"ID" help:"A held reservation that these lines replace (a cart edit)."`
	Lines    []lineArgument `arg:"" name:"sku=quantity" help:"What to reserve, one line each."`
}

// Run makes the call.
func (c *reserveCommand) Run(s *session) error {
	request := &holdfastv1.ReserveRequest{
		StockId: c.Stock, ReservationId: idOr(c.ID), Lines: quantities(c.Lines),
		Mode: reserveMode(c.Partial), Replaces: c.Replaces,
	}
	if c.TTL != nil {
		request.Ttl = durationpb.New(*c.TTL)
	}
	again := againWith("--id", request.GetReservationId())
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		var header metadata.MD
		answer, err := client.Call(ctx, server.Reservations.Reserve, request, grpc.Header(&header))
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			output.Reservation(w, answer.GetReservation(), replayNote(header))
		})
	})
}

func reserveMode(partial bool) holdfastv1.ReserveMode {
	if partial {
		return holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL
	}
	return holdfastv1.ReserveMode_RESERVE_MODE_ALL_OR_NOTHING
}

// replayNote says of an answer that it is the first one given again.
func replayNote(header metadata.MD) string {
	switch {
	case !client.IsReplayed(header):
		return ""
	case client.StateNow(header) == "":
		return "replayed"
	}
	return "replayed; it is " + client.StateNow(header) + " now"
}
