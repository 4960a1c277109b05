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

type restockCommand struct {
	callFlags

	ID    string         `help:"The request's id; the same id is never carried out twice. A random one when absent."`
	Lines []lineArgument `arg:"" name:"sku=quantity" help:"What arrived, one line each; new SKUs are created."`
}

// Run makes the call.
func (c *restockCommand) Run(s *session) error {
	request := &holdfastv1.RestockRequest{
		StockId: c.Stock, RequestId: idOr(c.ID), Lines: quantities(c.Lines),
	}
	again := againWith("--id", request.GetRequestId())
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		var header metadata.MD
		answer, err := client.Call(ctx, server.Stock.Restock, request, grpc.Header(&header))
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			nameRequest(w, "restock", request.GetRequestId(), replayNote(header))
			output.Restock(w, answer)
		})
	})
}
