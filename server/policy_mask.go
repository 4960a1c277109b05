package server

import (
	"fmt"
	"strconv"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// setFields returns the fields that are set, which is what an empty mask means.
func setFields(in *holdfastv1.Policy) []reservation.PolicyField {
	var fields []reservation.PolicyField
	for _, field := range reservation.AllPolicyFields() {
		if isSet(in, field) {
			fields = append(fields, field)
		}
	}
	return fields
}

func isSet(in *holdfastv1.Policy, field reservation.PolicyField) bool {
	if in == nil {
		return false
	}
	switch field {
	case reservation.FieldBackorderMode:
		return in.BackorderMode != nil
	case reservation.FieldBackorderLimit:
		return in.BackorderLimit != nil
	case reservation.FieldSafetyStock:
		return in.SafetyStock != nil
	case reservation.FieldLowStockThreshold:
		return in.LowStockThreshold != nil
	case reservation.FieldRestockTime:
		return in.RestockTime != nil
	case reservation.FieldMinQuantity:
		return in.MinQuantity != nil
	case reservation.FieldMaxQuantity:
		return in.MaxQuantity != nil
	case reservation.FieldQuantityIncrement:
		return in.QuantityIncrement != nil
	case reservation.FieldSellable:
		return in.Sellable != nil
	case reservation.FieldTracked:
		return in.Tracked != nil
	case reservation.FieldSubstitutes:
		return len(in.GetSubstitutes()) > 0
	}
	return false
}

// maxMaskPaths bounds what is looked at: every field by name, and as many again to be told about.
const maxMaskPaths = 100

// mask reads an update_mask: "*" alone, or fields of Policy by their proto names, each once.
func (p *parser) mask(owner policyOwner, paths []string) []reservation.PolicyField {
	if len(paths) > maxMaskPaths {
		p.refuse("update_mask.paths", fmt.Sprintf("has %d paths, must have at most %d",
			len(paths), maxMaskPaths))
		return nil
	}
	if len(paths) == 1 && paths[0] == "*" {
		return ownFields(owner)
	}
	fields := make([]reservation.PolicyField, 0, len(paths))
	var seen [reservation.FieldSubstitutes + 1]bool
	for i, path := range paths {
		field, known := fieldNamed(path)
		switch {
		case path == "*":
			p.refuse(maskItem(i), `is "*", which must stand alone`)
		case !known:
			p.refuse(maskItem(i), fmt.Sprintf("is %q, which is no field of Policy", shorten(path)))
		case seen[field]:
			p.refuse(maskItem(i), fmt.Sprintf("names %s a second time", path))
		case owner.isDefault && isPerSKU(field):
			p.refuse(maskItem(i), "names "+path+", which "+perSKUOnly)
		default:
			fields = append(fields, field)
		}
		seen[field] = true
	}
	return fields
}

func maskItem(index int) string { return "update_mask.paths[" + strconv.Itoa(index) + "]" }

// ownFields returns the fields that the owner's policy can have.
func ownFields(owner policyOwner) []reservation.PolicyField {
	all := reservation.AllPolicyFields()
	if !owner.isDefault {
		return all
	}
	fields := make([]reservation.PolicyField, 0, len(all))
	for _, field := range all {
		if !isPerSKU(field) {
			fields = append(fields, field)
		}
	}
	return fields
}

func isPerSKU(field reservation.PolicyField) bool {
	return field == reservation.FieldRestockTime || field == reservation.FieldSubstitutes
}

// fieldNamed finds a field by its name in the proto.
func fieldNamed(path string) (reservation.PolicyField, bool) {
	switch path {
	case "backorder_mode":
		return reservation.FieldBackorderMode, true
	case "backorder_limit":
		return reservation.FieldBackorderLimit, true
	case "safety_stock":
		return reservation.FieldSafetyStock, true
	case "low_stock_threshold":
		return reservation.FieldLowStockThreshold, true
	case "restock_time":
		return reservation.FieldRestockTime, true
	case "min_quantity":
		return reservation.FieldMinQuantity, true
	case "max_quantity":
		return reservation.FieldMaxQuantity, true
	case "quantity_increment":
		return reservation.FieldQuantityIncrement, true
	case "sellable":
		return reservation.FieldSellable, true
	case "tracked":
		return reservation.FieldTracked, true
	case "substitutes":
		return reservation.FieldSubstitutes, true
	}
	return 0, false
}
