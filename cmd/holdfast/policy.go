package main

import (
	"context"
	"io"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type policyCommands struct {
	Get policyGetCommand `cmd:"" help:"Show a SKU's policy, or a stock's default."`
	Set policySetCommand `cmd:"" help:"Set or clear fields of a SKU's policy, or of a stock's default."`
}

// policyTarget is whose policy it is: a SKU's, or with --default the stock's.
type policyTarget struct {
	Default bool   `help:"The stock's default instead of a SKU's own policy."`
	SKU     string `arg:"" optional:"" name:"sku" help:"The SKU; creates it when it is set."`
}

func (t policyTarget) check() error {
	if (t.SKU == "") != t.Default {
		return usagef("policy needs a SKU, or --default and no SKU")
	}
	return nil
}

type policyGetCommand struct {
	callFlags
	policyTarget
}

// Run makes the call.
func (c *policyGetCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	return c.ask(s, "", func(ctx context.Context, server *client.Client) error {
		if c.Default {
			answer, err := client.Call(ctx, server.Stock.GetDefaultPolicy,
				&holdfastv1.GetDefaultPolicyRequest{StockId: c.Stock})
			if err != nil {
				return err
			}
			return c.show(s, answer, func(w io.Writer) {
				output.Policy(w, "default", answer.GetPolicy(), answer.GetEffectivePolicy())
			})
		}
		answer, err := client.Call(ctx, server.Stock.GetPolicy,
			&holdfastv1.GetPolicyRequest{StockId: c.Stock, Sku: c.SKU})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			output.Policy(w, "own", answer.GetPolicy(), answer.GetEffectivePolicy())
		})
	})
}
