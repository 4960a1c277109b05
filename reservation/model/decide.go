package model

import (
	"slices"

	"github.com/holdfast-dev/holdfast/reservation"
)

// decision is what a Reserve would do to the stock; making one changes nothing.
type decision struct {
	lines    []line // as they would be granted: no units where refused
	refusals []reservation.LineRefusal
	tallies  map[reservation.SKU]*tally
}

// tally is what the lines so far leave of one SKU, in units.
type tally struct {
	available int64
	reserved  int64
	// own are the covered units that a replaced reservation frees and no line took yet: they
	// serve the new lines before the queue, also where others wait and available is below 0.
	own int64
}

// decide looks at the lines in their order, each seeing what the accepted ones before it took.
// With a replaced reservation the figures are those after its release.
func (s *stock) decide(
	lines []reservation.Line, mode reservation.Mode, replaced *record,
) decision {
	d := decision{tallies: map[reservation.SKU]*tally{}}
	for _, asked := range lines {
		f := s.items[asked.SKU].figures
		d.tallies[asked.SKU] = &tally{available: f.available(), reserved: f.reserved}
	}
	if replaced != nil {
		d.free(replaced)
	}
	for index, asked := range lines {
		d.decideLine(index, asked, mode, s.policy(asked.SKU))
	}
	return d
}

// free counts the units of a replaced reservation as given back.
func (d *decision) free(replaced *record) {
	for _, l := range replaced.lines {
		if t, wanted := d.tallies[l.SKU]; wanted && l.counted {
			t.available += l.Open()
			t.reserved -= l.Open()
			t.own += l.Covered
		}
	}
}

func (d *decision) decideLine(
	index int, asked reservation.Line, mode reservation.Mode, policy reservation.EffectivePolicy,
) {
	t := d.tallies[asked.SKU]
	wanted := asked.Quantity.Units()
	granted := wanted
	reason := judge(policy, t.available, wanted)
	orderable := policy.Orderable(t.available)
	if reason != 0 {
		d.refuse(index, asked.SKU, wanted, reason, policy)
		granted = 0
		if mode == reservation.ModePartial && isShortage(reason) {
			granted = cut(policy, t.available)
		}
	}
	covered := granted
	if policy.Tracked {
		covered = t.take(granted)
	}
	l := line{counted: policy.Tracked, ReservationLine: reservation.ReservationLine{
		SKU:         asked.SKU,
		Requested:   wanted,
		Covered:     covered,
		Backordered: granted - covered,
		Available:   reservation.Some(t.available),
	}}
	l.hint(policy)
	if reason != 0 {
		l.Reason, l.Orderable = reason, orderable
		l.Substitutes = slices.Clone(policy.Substitutes)
	}
	d.lines = append(d.lines, l)
}

func (d *decision) refuse(
	index int, sku reservation.SKU, units int64,
	reason reservation.LineReason, policy reservation.EffectivePolicy,
) {
	d.refusals = append(d.refusals, reservation.LineRefusal{
		Index:       index,
		SKU:         sku,
		Requested:   units,
		Orderable:   policy.Orderable(d.tallies[sku].available),
		Reason:      reason,
		Substitutes: slices.Clone(policy.Substitutes),
	})
}

// hint keeps with a line that waits what the policy says to who waits.
func (l *line) hint(policy reservation.EffectivePolicy) {
	if l.Backordered > 0 {
		l.Notify = policy.BackorderMode == reservation.BackorderAllowAndNotify
		l.RestockTime = policy.RestockTime
		l.Substitutes = slices.Clone(policy.Substitutes)
	}
}

// take moves units from the tally to a line and returns how many of them are covered. Units that a
// replaced reservation freed are inside available already where available is above 0.
func (t *tally) take(units int64) (covered int64) {
	covered = min(units, max(t.available, t.own, 0))
	t.own -= min(t.own, covered)
	t.available -= units
	t.reserved += units
	return covered
}

// judge returns why a line is refused, the first reason that applies, or 0.
func judge(
	policy reservation.EffectivePolicy, available, quantity int64,
) reservation.LineReason {
	switch {
	case !policy.Sellable:
		return reservation.LineNotSellable
	case quantity < policy.MinQuantity:
		return reservation.LineBelowMinimum
	case policy.MaxQuantity.Set && quantity > policy.MaxQuantity.Value:
		return reservation.LineAboveMaximum
	case quantity%policy.QuantityIncrement != 0:
		return reservation.LineNotAMultiple
	}
	return judgeFloor(policy, available, quantity)
}

// judgeFloor looks at the stock alone.
func judgeFloor(
	policy reservation.EffectivePolicy, available, quantity int64,
) reservation.LineReason {
	floor, limited := policy.Floor()
	switch {
	case !policy.Tracked, !limited, available-quantity >= floor:
		return 0
	case policy.AllowsBackorders():
		return reservation.LineBackorderLimit
	}
	return reservation.LineInsufficientStock
}

func isShortage(reason reservation.LineReason) bool {
	return reason == reservation.LineBackorderLimit || reason == reservation.LineInsufficientStock
}

// cut returns what a line short of stock still gets: the largest multiple of the increment that the
// floor allows, and nothing below the minimum.
func cut(policy reservation.EffectivePolicy, available int64) int64 {
	floor, _ := policy.Floor()
	room := max(0, available-floor)
	granted := room - room%policy.QuantityIncrement
	if granted < policy.MinQuantity {
		return 0
	}
	return granted
}

// isGrantable says whether a Reserve goes through as far as policy and stock are concerned.
func (d *decision) isGrantable(mode reservation.Mode) bool {
	if mode == reservation.ModePartial {
		return slices.ContainsFunc(d.lines, func(l line) bool { return l.Open() > 0 })
	}
	return len(d.refusals) == 0
}

// isWorse says whether any line gets less than it asks for, or has to wait.
func (d *decision) isWorse() bool {
	return len(d.refusals) > 0 ||
		slices.ContainsFunc(d.lines, func(l line) bool { return l.Backordered > 0 })
}

// outOfRange returns the SKUs whose figures would pass the largest one, in the order of the lines.
func (d *decision) outOfRange() []reservation.SKU {
	var skus []reservation.SKU
	for _, l := range d.lines {
		if !l.counted || l.Open() == 0 {
			continue // its SKU may be gone
		}
		t := d.tallies[l.SKU]
		if t.reserved > reservation.MaxFigure || t.available < -reservation.MaxFigure {
			skus = append(skus, l.SKU)
		}
	}
	return once(skus)
}
