package reservation

import "time"

// Optional is a value that may be unset. The zero value is unset.
type Optional[T any] struct {
	Value T
	Set   bool
}

// Some returns a set value.
func Some[T any](value T) Optional[T] { return Optional[T]{Value: value, Set: true} }

// Or returns the value, or other when it is unset.
func (o Optional[T]) Or(other T) T {
	if o.Set {
		return o.Value
	}
	return other
}

// Policy is what is set on a SKU or as a stock's default; unset fields inherit. Figures are units
// within the ranges of the contract, section 3.
type Policy struct {
	BackorderMode     Optional[BackorderMode]
	BackorderLimit    Optional[int64]
	SafetyStock       Optional[int64]
	LowStockThreshold Optional[int64]
	RestockTime       Optional[time.Time] // per SKU only; UTC, whole milliseconds
	MinQuantity       Optional[int64]
	MaxQuantity       Optional[int64]
	QuantityIncrement Optional[int64]
	Sellable          Optional[bool]
	Tracked           Optional[bool]
	Substitutes       Optional[[]SKU] // per SKU only
}

// PolicyField names one field of [Policy].
type PolicyField uint8

// The fields, in the order of the contract.
const (
	FieldBackorderMode PolicyField = iota + 1
	FieldBackorderLimit
	FieldSafetyStock
	FieldLowStockThreshold
	FieldRestockTime
	FieldMinQuantity
	FieldMaxQuantity
	FieldQuantityIncrement
	FieldSellable
	FieldTracked
	FieldSubstitutes
)

// AllPolicyFields returns every field, in the order of the contract.
func AllPolicyFields() []PolicyField {
	return []PolicyField{
		FieldBackorderMode, FieldBackorderLimit, FieldSafetyStock, FieldLowStockThreshold,
		FieldRestockTime, FieldMinQuantity, FieldMaxQuantity, FieldQuantityIncrement,
		FieldSellable, FieldTracked, FieldSubstitutes,
	}
}

// PolicyChange sets or clears fields of a policy: each of Fields takes the value that Policy has
// for it, or is cleared where that is unset. Other fields stay.
type PolicyChange struct {
	Policy Policy
	Fields []PolicyField
}

// Apply returns p with the change.
func (c PolicyChange) Apply(p Policy) Policy {
	for _, field := range c.Fields {
		switch field {
		case FieldBackorderMode:
			p.BackorderMode = c.Policy.BackorderMode
		case FieldBackorderLimit:
			p.BackorderLimit = c.Policy.BackorderLimit
		case FieldSafetyStock:
			p.SafetyStock = c.Policy.SafetyStock
		case FieldLowStockThreshold:
			p.LowStockThreshold = c.Policy.LowStockThreshold
		case FieldRestockTime:
			p.RestockTime = c.Policy.RestockTime
		case FieldMinQuantity:
			p.MinQuantity = c.Policy.MinQuantity
		case FieldMaxQuantity:
			p.MaxQuantity = c.Policy.MaxQuantity
		case FieldQuantityIncrement:
			p.QuantityIncrement = c.Policy.QuantityIncrement
		case FieldSellable:
			p.Sellable = c.Policy.Sellable
		case FieldTracked:
			p.Tracked = c.Policy.Tracked
		case FieldSubstitutes:
			p.Substitutes = c.Policy.Substitutes
		}
	}
	return p
}

// EffectivePolicy is a policy with every field resolved. The optional ones have no built-in value.
type EffectivePolicy struct {
	BackorderMode     BackorderMode
	BackorderLimit    Optional[int64] // unset: unlimited
	SafetyStock       int64
	LowStockThreshold Optional[int64]
	RestockTime       Optional[time.Time]
	MinQuantity       int64
	MaxQuantity       Optional[int64]
	QuantityIncrement int64
	Sellable          bool
	Tracked           bool
	Substitutes       []SKU
}

// Resolve returns the policy in force: each field own, else the stock's default, else built-in. A
// backorder limit of [MaxFigure] is how "no limit" is said over a limiting default, so it resolves
// to unlimited.
func Resolve(own, stockDefault Policy) EffectivePolicy {
	limit := either(own.BackorderLimit, stockDefault.BackorderLimit)
	if limit.Value == MaxFigure {
		limit = Optional[int64]{}
	}
	return EffectivePolicy{
		BackorderMode:     either(own.BackorderMode, stockDefault.BackorderMode).Or(BackorderDeny),
		BackorderLimit:    limit,
		SafetyStock:       either(own.SafetyStock, stockDefault.SafetyStock).Or(0),
		LowStockThreshold: either(own.LowStockThreshold, stockDefault.LowStockThreshold),
		RestockTime:       own.RestockTime,
		MinQuantity:       either(own.MinQuantity, stockDefault.MinQuantity).Or(1),
		MaxQuantity:       either(own.MaxQuantity, stockDefault.MaxQuantity),
		QuantityIncrement: either(own.QuantityIncrement, stockDefault.QuantityIncrement).Or(1),
		Sellable:          either(own.Sellable, stockDefault.Sellable).Or(true),
		Tracked:           either(own.Tracked, stockDefault.Tracked).Or(true),
		Substitutes:       own.Substitutes.Value,
	}
}

func either[T any](own, inherited Optional[T]) Optional[T] {
	if own.Set {
		return own
	}
	return inherited
}

// AllowsBackorders says whether the policy's mode lets available go below zero.
func (p EffectivePolicy) AllowsBackorders() bool {
	switch p.BackorderMode {
	case BackorderDeny:
		return false
	case BackorderAllow, BackorderAllowAndNotify:
		return true
	}
	return false
}

// Floor returns the lowest available that a Reserve may leave behind; limited is false where there
// is none (contract, section 3).
func (p EffectivePolicy) Floor() (floor int64, limited bool) {
	if !p.AllowsBackorders() {
		return p.SafetyStock, true
	}
	if p.BackorderLimit.Set {
		return -p.BackorderLimit.Value, true
	}
	return 0, false
}

// Orderable returns how much one more Reserve may take when this much is available: unset where
// unlimited, never below 0, and 0 when not sellable.
func (p EffectivePolicy) Orderable(available int64) Optional[int64] {
	if !p.Sellable {
		return Some[int64](0)
	}
	floor, limited := p.Floor()
	if !limited || !p.Tracked {
		return Optional[int64]{}
	}
	return Some(max(0, available-floor))
}
