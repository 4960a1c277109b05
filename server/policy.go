package server

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// policyOwner is whose policy is set: a SKU's, or with the zero SKU the stock's default, which has
// no restock_time and no substitutes.
type policyOwner struct {
	sku       reservation.SKU
	isDefault bool
}

// policyChange reads a policy and which of its fields to take over. A field that is set is judged
// whether the mask names it or not: a wrong value is a mistake even where it would not be used.
func (p *parser) policyChange(
	owner policyOwner, in *holdfastv1.Policy, mask *fieldmaskpb.FieldMask,
) reservation.PolicyChange {
	change := reservation.PolicyChange{Policy: p.policy(owner, in)}
	if len(mask.GetPaths()) == 0 {
		change.Fields = setFields(in)
	} else {
		change.Fields = p.mask(owner, mask.GetPaths())
	}
	return change
}

func (p *parser) policy(owner policyOwner, in *holdfastv1.Policy) reservation.Policy {
	if in == nil {
		return reservation.Policy{}
	}
	out := reservation.Policy{
		BackorderMode: p.backorderMode(in.BackorderMode),
		BackorderLimit: p.figure("policy.backorder_limit",
			in.BackorderLimit, 0, reservation.MaxFigure),
		SafetyStock: p.figure("policy.safety_stock", in.SafetyStock, 0, reservation.MaxFigure),
		LowStockThreshold: p.figure("policy.low_stock_threshold",
			in.LowStockThreshold, -reservation.MaxFigure, reservation.MaxFigure),
		RestockTime: p.restockTime(in.GetRestockTime()),
		MinQuantity: p.figure("policy.min_quantity", in.MinQuantity, 1, reservation.MaxQuantity),
		MaxQuantity: p.figure("policy.max_quantity", in.MaxQuantity, 1, reservation.MaxQuantity),
		QuantityIncrement: p.figure("policy.quantity_increment",
			in.QuantityIncrement, 1, reservation.MaxQuantity),
		Sellable:    optional(in.Sellable),
		Tracked:     optional(in.Tracked),
		Substitutes: p.substitutes(owner.sku, in.GetSubstitutes()),
	}
	if out.MinQuantity.Set && out.MaxQuantity.Set && out.MinQuantity.Value > out.MaxQuantity.Value {
		p.refuse("policy.min_quantity", fmt.Sprintf("is %d, more than max_quantity, which is %d",
			out.MinQuantity.Value, out.MaxQuantity.Value))
	}
	if owner.isDefault && in.GetRestockTime() != nil {
		p.refuse("policy.restock_time", perSKUOnly)
	}
	if owner.isDefault && len(in.GetSubstitutes()) > 0 {
		p.refuse("policy.substitutes", perSKUOnly)
	}
	return out
}

const perSKUOnly = "can be set on a SKU only, not as a default"

func (p *parser) backorderMode(
	in *holdfastv1.BackorderMode,
) reservation.Optional[reservation.BackorderMode] {
	if in == nil {
		return reservation.Optional[reservation.BackorderMode]{}
	}
	switch *in {
	case holdfastv1.BackorderMode_BACKORDER_MODE_DENY:
		return reservation.Some(reservation.BackorderDeny)
	case holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW:
		return reservation.Some(reservation.BackorderAllow)
	case holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW_AND_NOTIFY:
		return reservation.Some(reservation.BackorderAllowAndNotify)
	case holdfastv1.BackorderMode_BACKORDER_MODE_UNSPECIFIED:
		p.refuse("policy.backorder_mode", "is set to UNSPECIFIED; leave it unset to inherit")
	default:
		p.check("policy.backorder_mode", errUnknownValue)
	}
	return reservation.Optional[reservation.BackorderMode]{}
}

// restockTime reads a moment from 1970 to 9999 and cuts what is finer than a millisecond.
func (p *parser) restockTime(in *timestamppb.Timestamp) reservation.Optional[time.Time] {
	if in == nil {
		return reservation.Optional[time.Time]{}
	}
	if in.CheckValid() != nil || in.GetSeconds() < 0 {
		p.refuse("policy.restock_time", "must lie between 1970-01-01 and 9999-12-31")
		return reservation.Optional[time.Time]{}
	}
	return reservation.Some(in.AsTime().Truncate(time.Millisecond))
}

func (p *parser) substitutes(
	own reservation.SKU, names []string,
) reservation.Optional[[]reservation.SKU] {
	const field = "policy.substitutes"
	if len(names) == 0 {
		return reservation.Optional[[]reservation.SKU]{}
	}
	if len(names) > reservation.MaxSubstitutes {
		p.refuse(field, fmt.Sprintf("has %d SKUs, must have at most %d",
			len(names), reservation.MaxSubstitutes))
		return reservation.Optional[[]reservation.SKU]{}
	}
	skus := make([]reservation.SKU, len(names))
	for i, name := range names {
		sku, err := reservation.ParseSKU(name)
		p.checkItem(field, i, "", err)
		if err != nil {
			continue
		}
		skus[i] = sku
		item := field + "[" + strconv.Itoa(i) + "]"
		if sku == own {
			p.refuse(item, "is the SKU itself")
		}
		for earlier := range i {
			if skus[earlier] == sku {
				p.refuse(item, fmt.Sprintf("is the same as substitutes[%d]", earlier))
				break
			}
		}
	}
	return reservation.Some(skus)
}

func optional[T any](in *T) reservation.Optional[T] {
	if in == nil {
		return reservation.Optional[T]{}
	}
	return reservation.Some(*in)
}
