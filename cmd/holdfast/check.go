package main

import (
	"context"
	"fmt"
	"io"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type checkCommand struct {
	callFlags

	Partial bool           `help:"Ask for what can be had of each line instead of all or nothing."`
	Lines   []lineArgument `arg:"" name:"sku=quantity" help:"What would be reserved, one line each."`
}

// Run makes the call.
func (c *checkCommand) Run(s *session) error {
	grantable := false
	err := c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		answer, err := client.Call(ctx, server.Reservations.CheckAvailability,
			&holdfastv1.CheckAvailabilityRequest{
				StockId: c.Stock, Lines: quantities(c.Lines), Mode: reserveMode(c.Partial),
			})
		if err != nil {
			return err
		}
		grantable = answer.GetGrantable()
		return c.show(s, answer, func(w io.Writer) { writeCheck(w, answer) })
	})
	if err == nil && !grantable {
		return statusError(exitRefused)
	}
	return err
}

func writeCheck(w io.Writer, answer *holdfastv1.CheckAvailabilityResponse) {
	sentence := "reserve would refuse this"
	if answer.GetGrantable() {
		sentence = "reserve would grant this"
	}
	fmt.Fprintln(w, sentence)
	output.Lines(w, answer.GetLines(), false)
	if len(answer.GetRefusals()) > 0 {
		fmt.Fprintln(w)
		output.Refusals(w, answer.GetRefusals())
	}
}
