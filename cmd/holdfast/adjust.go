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

type adjustCommand struct {
	callFlags

	ID     string         `help:"The request's id; the same id is never carried out twice. A random one when absent."`
	Reason string         `required:"" help:"Why, for the journal, such as damage or return."`
	Lines  []lineArgument `arg:"" name:"sku=±quantity" help:"By how much on hand moves, such as TEA=-2 or TEA=+3, one line each."`
}

// Run makes the call.
func (c *adjustCommand) Run(s *session) error {
	request := &holdfastv1.AdjustStockRequest{StockId: c.Stock, RequestId: idOr(c.ID)}
	for _, line := range c.Lines {
		request.Lines = append(request.Lines, &holdfastv1.StockAdjustment{
			Sku: line.sku, Delta: line.quantity, Reason: c.Reason,
		})
	}
	again := againWith("--id", request.GetRequestId())
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		var header metadata.MD
		answer, err := client.Call(ctx, server.Stock.AdjustStock, request, grpc.Header(&header))
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			nameRequest(w, "adjust", request.GetRequestId(), replayNote(header))
			output.OnHand(w, answer.GetLines(), answer.GetFills())
		})
	})
}
