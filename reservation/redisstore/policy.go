package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// storedName returns the name of a policy field in a hash; see lua/include/items.lua.
func storedName(field reservation.PolicyField) string {
	switch field {
	case reservation.FieldBackorderMode:
		return "bm"
	case reservation.FieldBackorderLimit:
		return "bl"
	case reservation.FieldSafetyStock:
		return "ss"
	case reservation.FieldLowStockThreshold:
		return "ls"
	case reservation.FieldRestockTime:
		return "rt"
	case reservation.FieldMinQuantity:
		return "mn"
	case reservation.FieldMaxQuantity:
		return "mx"
	case reservation.FieldQuantityIncrement:
		return "qi"
	case reservation.FieldSellable:
		return "se"
	case reservation.FieldTracked:
		return "tr"
	case reservation.FieldSubstitutes:
		return "su"
	}
	panic(fmt.Sprintf("policy field %d", field))
}

// storedValue returns a policy field as it is stored; empty when it is unset.
func storedValue(p reservation.Policy, field reservation.PolicyField) string {
	switch field {
	case reservation.FieldBackorderMode:
		return storedInt(reservation.Optional[int64]{
			Value: int64(p.BackorderMode.Value), Set: p.BackorderMode.Set,
		})
	case reservation.FieldBackorderLimit:
		return storedInt(p.BackorderLimit)
	case reservation.FieldSafetyStock:
		return storedInt(p.SafetyStock)
	case reservation.FieldLowStockThreshold:
		return storedInt(p.LowStockThreshold)
	case reservation.FieldRestockTime:
		return storedInt(reservation.Optional[int64]{
			Value: p.RestockTime.Value.UnixMilli(), Set: p.RestockTime.Set,
		})
	case reservation.FieldMinQuantity:
		return storedInt(p.MinQuantity)
	case reservation.FieldMaxQuantity:
		return storedInt(p.MaxQuantity)
	case reservation.FieldQuantityIncrement:
		return storedInt(p.QuantityIncrement)
	case reservation.FieldSellable:
		return storedBool(p.Sellable)
	case reservation.FieldTracked:
		return storedBool(p.Tracked)
	case reservation.FieldSubstitutes:
		return storedSKUs(p.Substitutes.Value)
	}
	panic(fmt.Sprintf("policy field %d", field))
}

func storedInt(value reservation.Optional[int64]) string {
	if !value.Set {
		return ""
	}
	return strconv.FormatInt(value.Value, 10)
}

func storedBool(value reservation.Optional[bool]) string {
	if !value.Set {
		return ""
	}
	return strconv.Itoa(boolToInt(value.Value))
}

func storedSKUs(skus []reservation.SKU) string {
	names := make([]string, len(skus))
	for i, sku := range skus {
		names[i] = sku.String()
	}
	return strings.Join(names, betweenSKUs)
}

// policy reads a policy from a list of stored names and values; other names are passed over.
func (r *reply) policy(flat []any) reservation.Policy {
	var p reservation.Policy
	for i := 0; i+1 < len(flat); i += 2 {
		name, _ := flat[i].(string)
		value, _ := flat[i+1].(string)
		r.policyField(&p, name, value)
	}
	return p
}

func (r *reply) policyField(p *reservation.Policy, name, value string) {
	switch name {
	case "bm":
		p.BackorderMode = reservation.Some(reservation.BackorderMode(r.parseInt(value)))
	case "bl":
		p.BackorderLimit = reservation.Some(r.parseInt(value))
	case "ss":
		p.SafetyStock = reservation.Some(r.parseInt(value))
	case "ls":
		p.LowStockThreshold = reservation.Some(r.parseInt(value))
	case "rt":
		p.RestockTime = reservation.Some(time.UnixMilli(r.parseInt(value)).UTC())
	case "mn":
		p.MinQuantity = reservation.Some(r.parseInt(value))
	case "mx":
		p.MaxQuantity = reservation.Some(r.parseInt(value))
	case "qi":
		p.QuantityIncrement = reservation.Some(r.parseInt(value))
	case "se":
		p.Sellable = reservation.Some(value == "1")
	case "tr":
		p.Tracked = reservation.Some(value == "1")
	case "su":
		p.Substitutes = reservation.Some(r.substitutes(value))
	}
}

// SetPolicy changes a SKU's own policy; see lua/set_policy.lua.
func (s *Store) SetPolicy(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
	change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	return s.setPolicy(ctx, stock, change, func(e *encoder) { e.sku(sku) })
}

// SetDefaultPolicy changes the stock's default policy; see lua/set_policy.lua.
func (s *Store) SetDefaultPolicy(
	ctx context.Context, stock reservation.StockID, change reservation.PolicyChange,
) (reservation.PolicyAnswer, error) {
	answer, err := s.setPolicy(ctx, stock, change, func(e *encoder) { e.number(0) })
	answer.Effective = reservation.Resolve(answer.Own, reservation.Policy{})
	return answer, err
}

func (s *Store) setPolicy(
	ctx context.Context, stock reservation.StockID, change reservation.PolicyChange,
	target func(e *encoder),
) (reservation.PolicyAnswer, error) {
	r, err := s.change(ctx, stock, &operation{
		script: scriptSetPolicy, repeatable: true, lines: 1, bytes: requestOverhead + 1024,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			target(e)
			e.count(len(change.Fields))
			for _, field := range change.Fields {
				e.text(storedName(field))
				e.text(storedValue(change.Policy, field))
			}
		},
	}, true)
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	answer := reservation.PolicyAnswer{Own: r.policy(r.list()), Stamp: r.stamp()}
	answer.Effective = reservation.Resolve(answer.Own, r.policy(r.list()))
	if r.err != nil {
		return reservation.PolicyAnswer{}, internal(r.err)
	}
	return answer, nil
}

// Policy returns a SKU's own policy and the one in force; see lua/read_items.lua.
func (s *Store) Policy(
	ctx context.Context, stock reservation.StockID, sku reservation.SKU,
) (reservation.PolicyAnswer, error) {
	read, err := s.readItems(ctx, stock, []reservation.SKU{sku})
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	return reservation.PolicyAnswer{Own: read.own[0], Effective: read.items[0].Policy}, nil
}

// DefaultPolicy returns the stock's default policy; see lua/read_items.lua.
func (s *Store) DefaultPolicy(
	ctx context.Context, stock reservation.StockID,
) (reservation.PolicyAnswer, error) {
	page := itemsPage(reservation.SKU{}, 1)
	read, err := openItems(s.read(ctx, scriptReadItems, stock, nil, page...))
	if err != nil {
		return reservation.PolicyAnswer{}, err
	}
	return reservation.PolicyAnswer{
		Own: read.stockDefault, Effective: reservation.Resolve(read.stockDefault, reservation.Policy{}),
	}, nil
}
