package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type countCommand struct {
	callFlags

	ID    string          `help:"The request's id; the same id is never carried out twice. A random one when absent."`
	Lines []countArgument `arg:"" name:"sku=counted[:expected]" help:"How many units are there, each SKU once; new SKUs are created."`
}

// Help is shown by holdfast count --help.
func (c *countCommand) Help() string {
	return `TEA=12 sets on hand to 12. TEA=12:10 does so only while on hand is 10, as it was when the
counting began; where it is not, nothing is changed and the exit status is 1.`
}

// countArgument is SKU=COUNTED or SKU=COUNTED:EXPECTED. The last = divides, as in lineArgument.
type countArgument struct {
	sku      string
	counted  int64
	expected *int64
}

// UnmarshalText reads the argument. Whether the SKU and the figures are allowed says the server.
func (a *countArgument) UnmarshalText(text []byte) error {
	const form = "SKU=COUNTED or SKU=COUNTED:EXPECTED"
	place := strings.LastIndexByte(string(text), '=')
	if place < 0 {
		return fmt.Errorf("%q is not %s", text, form)
	}
	counted, expected, isExpected := strings.Cut(string(text[place+1:]), ":")
	figure := func(digits string) (int64, error) {
		units, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is not %s: %q is not a whole number", text, form, digits)
		}
		return units, nil
	}
	var err error
	a.sku = string(text[:place])
	if a.counted, err = figure(counted); err != nil || !isExpected {
		return err
	}
	units, err := figure(expected)
	a.expected = &units
	return err
}

// Run makes the call.
func (c *countCommand) Run(s *session) error {
	request := &holdfastv1.SetStockRequest{StockId: c.Stock, RequestId: idOr(c.ID)}
	for _, line := range c.Lines {
		request.Lines = append(request.Lines, &holdfastv1.StockCount{
			Sku: line.sku, OnHandQuantity: line.counted, ExpectedOnHandQuantity: line.expected,
		})
	}
	again := againWith("--id", request.GetRequestId())
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		var header metadata.MD
		answer, err := client.Call(ctx, server.Stock.SetStock, request, grpc.Header(&header))
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			nameRequest(w, "count", request.GetRequestId(), replayNote(header))
			output.OnHand(w, answer.GetLines(), answer.GetFills())
		})
	})
}
