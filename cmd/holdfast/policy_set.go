package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type policySetCommand struct {
	callFlags
	policyTarget

	BackorderMode     string     `enum:"deny,allow,allow-and-notify," default:"" placeholder:"MODE" help:"deny, allow (promise what is not there) or allow-and-notify."`
	BackorderLimit    *int64     `placeholder:"UNITS" help:"Most units that may be backordered at once."`
	SafetyStock       *int64     `placeholder:"UNITS" help:"Units that are never promised anew; with deny only."`
	LowStockThreshold *int64     `placeholder:"UNITS" help:"Available dropping below it is an event."`
	RestockTime       *time.Time `placeholder:"TIME" help:"When more is expected, such as 2027-01-31T08:00:00Z; per SKU only."`
	MinQuantity       *int64     `placeholder:"UNITS" help:"Smallest quantity of one line."`
	MaxQuantity       *int64     `placeholder:"UNITS" help:"Largest quantity of one line."`
	QuantityIncrement *int64     `placeholder:"UNITS" help:"A line's quantity must be a multiple of it."`
	Sellable          *bool      `negatable:"" help:"Whether new reservations are taken."`
	Tracked           *bool      `negatable:"" help:"Whether units are counted (--no-tracked: downloads, services)."`
	Substitute        []string   `sep:"none" placeholder:"SKU" help:"A SKU to offer instead; up to 8, each with a flag of its own; per SKU only."`
	Clear             []string   `placeholder:"FIELD" help:"Fields to clear, divided by commas, such as backorder_limit,restock_time; they inherit again."`
}

// Run makes the call.
func (c *policySetCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	policy := c.policy()
	mask, err := c.mask(policy)
	if err != nil {
		return err
	}
	again := "Run it again: setting what is set changes nothing."
	return c.ask(s, again, func(ctx context.Context, server *client.Client) error {
		if c.Default {
			answer, err := client.Call(ctx, server.Stock.SetDefaultPolicy,
				&holdfastv1.SetDefaultPolicyRequest{
					StockId: c.Stock, Policy: policy, UpdateMask: mask,
				})
			if err != nil {
				return err
			}
			return c.show(s, answer, func(w io.Writer) {
				output.Policy(w, "default", answer.GetPolicy(), answer.GetEffectivePolicy())
			})
		}
		answer, err := client.Call(ctx, server.Stock.SetPolicy, &holdfastv1.SetPolicyRequest{
			StockId: c.Stock, Sku: c.SKU, Policy: policy, UpdateMask: mask,
		})
		if err != nil {
			return err
		}
		return c.show(s, answer, func(w io.Writer) {
			output.Policy(w, "own", answer.GetPolicy(), answer.GetEffectivePolicy())
		})
	})
}

func (c *policySetCommand) policy() *holdfastv1.Policy {
	policy := &holdfastv1.Policy{
		BackorderLimit: c.BackorderLimit, SafetyStock: c.SafetyStock,
		LowStockThreshold: c.LowStockThreshold, MinQuantity: c.MinQuantity,
		MaxQuantity: c.MaxQuantity, QuantityIncrement: c.QuantityIncrement,
		Sellable: c.Sellable, Tracked: c.Tracked, Substitutes: c.Substitute,
	}
	if c.BackorderMode != "" {
		policy.BackorderMode = backorderMode(c.BackorderMode).Enum()
	}
	if c.RestockTime != nil {
		policy.RestockTime = timestamppb.New(*c.RestockTime)
	}
	return policy
}

// backorderMode returns the mode of a flag's value, which kong has held against the flag's enum.
func backorderMode(name string) holdfastv1.BackorderMode {
	constant := "BACKORDER_MODE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return holdfastv1.BackorderMode(holdfastv1.BackorderMode_value[constant])
}

// mask names the fields that the flags set and those to clear.
func (c *policySetCommand) mask(policy *holdfastv1.Policy) (*fieldmaskpb.FieldMask, error) {
	mask := &fieldmaskpb.FieldMask{}
	fields := policy.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if policy.ProtoReflect().Has(fields.Get(i)) {
			mask.Paths = append(mask.Paths, string(fields.Get(i).Name()))
		}
	}
	for _, name := range c.Clear {
		if fields.ByName(protoreflect.Name(name)) == nil {
			return nil, usagef("--clear %s: a policy has no such field", name)
		}
		if slices.Contains(mask.Paths, name) {
			return nil, usagef("--clear %s: it is set by another flag", name)
		}
		mask.Paths = append(mask.Paths, name)
	}
	return mask, nil
}
