package storetest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// fieldName is a policy field's name on the wire.
func fieldName(field reservation.PolicyField) string {
	switch field {
	case reservation.FieldBackorderMode:
		return "backorder_mode"
	case reservation.FieldBackorderLimit:
		return "backorder_limit"
	case reservation.FieldSafetyStock:
		return "safety_stock"
	case reservation.FieldLowStockThreshold:
		return "low_stock_threshold"
	case reservation.FieldRestockTime:
		return "restock_time"
	case reservation.FieldMinQuantity:
		return "min_quantity"
	case reservation.FieldMaxQuantity:
		return "max_quantity"
	case reservation.FieldQuantityIncrement:
		return "quantity_increment"
	case reservation.FieldSellable:
		return "sellable"
	case reservation.FieldTracked:
		return "tracked"
	case reservation.FieldSubstitutes:
		return "substitutes"
	}
	return "unknown"
}

// change reads "field=value ..." ; "field=" clears.
func (w words) change() (reservation.PolicyChange, error) {
	var change reservation.PolicyChange
	for _, name := range w.order {
		field, err := fieldOf(name)
		if err != nil {
			return reservation.PolicyChange{}, err
		}
		change.Fields = append(change.Fields, field)
		if text := w.options[name]; text != "" {
			if err := setField(&change.Policy, field, text); err != nil {
				return reservation.PolicyChange{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return change, nil
}

func fieldOf(name string) (reservation.PolicyField, error) {
	for _, field := range reservation.AllPolicyFields() {
		if fieldName(field) == name {
			return field, nil
		}
	}
	return 0, fmt.Errorf("unknown policy field %q", name)
}

func setField(p *reservation.Policy, field reservation.PolicyField, text string) (err error) {
	switch field {
	case reservation.FieldBackorderMode:
		p.BackorderMode, err = some(parseMode(text))
	case reservation.FieldBackorderLimit:
		p.BackorderLimit, err = some(parseUnits(text))
	case reservation.FieldSafetyStock:
		p.SafetyStock, err = some(parseUnits(text))
	case reservation.FieldLowStockThreshold:
		p.LowStockThreshold, err = some(parseUnits(text))
	case reservation.FieldRestockTime:
		p.RestockTime, err = some(time.Parse(time.RFC3339Nano, text))
	case reservation.FieldMinQuantity:
		p.MinQuantity, err = some(parseUnits(text))
	case reservation.FieldMaxQuantity:
		p.MaxQuantity, err = some(parseUnits(text))
	case reservation.FieldQuantityIncrement:
		p.QuantityIncrement, err = some(parseUnits(text))
	case reservation.FieldSellable:
		p.Sellable, err = some(strconv.ParseBool(text))
	case reservation.FieldTracked:
		p.Tracked, err = some(strconv.ParseBool(text))
	case reservation.FieldSubstitutes:
		p.Substitutes, err = some(parseSKUs(strings.Split(text, ",")))
	}
	return err
}

func some[T any](value T, err error) (reservation.Optional[T], error) {
	return reservation.Some(value), err
}

func parseUnits(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

func parseMode(text string) (reservation.BackorderMode, error) {
	modes := []reservation.BackorderMode{
		reservation.BackorderDeny,
		reservation.BackorderAllow,
		reservation.BackorderAllowAndNotify,
	}
	for _, mode := range modes {
		if mode.String() == text {
			return mode, nil
		}
	}
	return 0, fmt.Errorf("unknown mode %q", text)
}

// policyText writes the fields of a policy that are set, as a call sets them.
func policyText(p reservation.Policy) string {
	var fields []string
	add := func(field reservation.PolicyField, value any) {
		fields = append(fields, fmt.Sprintf("%s=%v", fieldName(field), value))
	}
	addIf(add, reservation.FieldBackorderMode, p.BackorderMode)
	addIf(add, reservation.FieldBackorderLimit, p.BackorderLimit)
	addIf(add, reservation.FieldSafetyStock, p.SafetyStock)
	addIf(add, reservation.FieldLowStockThreshold, p.LowStockThreshold)
	if p.RestockTime.Set {
		add(reservation.FieldRestockTime, p.RestockTime.Value.Format(time.RFC3339Nano))
	}
	addIf(add, reservation.FieldMinQuantity, p.MinQuantity)
	addIf(add, reservation.FieldMaxQuantity, p.MaxQuantity)
	addIf(add, reservation.FieldQuantityIncrement, p.QuantityIncrement)
	addIf(add, reservation.FieldSellable, p.Sellable)
	addIf(add, reservation.FieldTracked, p.Tracked)
	if p.Substitutes.Set {
		add(reservation.FieldSubstitutes, skusText(p.Substitutes.Value, ","))
	}
	if fields == nil {
		return "nothing"
	}
	return strings.Join(fields, " ")
}

func addIf[T any](
	add func(reservation.PolicyField, any), field reservation.PolicyField,
	value reservation.Optional[T],
) {
	if value.Set {
		add(field, value.Value)
	}
}

// effectiveText writes what of the policy in force is not built in.
func effectiveText(e reservation.EffectivePolicy) string {
	builtIn := reservation.Resolve(reservation.Policy{}, reservation.Policy{})
	p := reservation.Policy{
		BackorderMode:     unless(builtIn.BackorderMode, e.BackorderMode),
		BackorderLimit:    e.BackorderLimit,
		SafetyStock:       unless(builtIn.SafetyStock, e.SafetyStock),
		LowStockThreshold: e.LowStockThreshold,
		RestockTime:       e.RestockTime,
		MinQuantity:       unless(builtIn.MinQuantity, e.MinQuantity),
		MaxQuantity:       e.MaxQuantity,
		QuantityIncrement: unless(builtIn.QuantityIncrement, e.QuantityIncrement),
		Sellable:          unless(builtIn.Sellable, e.Sellable),
		Tracked:           unless(builtIn.Tracked, e.Tracked),
		Substitutes: reservation.Optional[[]reservation.SKU]{
			Value: e.Substitutes, Set: len(e.Substitutes) > 0,
		},
	}
	return policyText(p)
}

func unless[T comparable](builtIn, value T) reservation.Optional[T] {
	return reservation.Optional[T]{Value: value, Set: value != builtIn}
}

func skusText(skus []reservation.SKU, separator string) string {
	var names []string
	for _, sku := range skus {
		names = append(names, escape(sku))
	}
	return strings.Join(names, separator)
}
