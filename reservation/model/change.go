package model

import (
	"github.com/holdfast-dev/holdfast/reservation"
)

// change is what one call does to a stock. It notes each SKU's figures before they first move:
// the comparison with those afterwards says whose queue is to be served and which thresholds were
// crossed.
type change struct {
	*stock
	touched []reservation.SKU // in the order of first touch
	before  map[reservation.SKU]figures
	fills   []reservation.Fill
	// handled is what working off queues cost: one a line that was filled, and the lines of each hold
	// that was reclaimed on the way. A change goes on while that is below a budget.
	handled int
	// isFull says that the change began with a whole budget of reclaims: more may be due, and no
	// answer may be worse for it.
	isFull bool
	// reclaimed is how many holds the change began with reclaiming.
	reclaimed int
}

func (s *stock) begin() *change {
	return &change{stock: s, before: map[reservation.SKU]figures{}}
}

// touch returns a known SKU whose figures are about to move.
func (c *change) touch(sku reservation.SKU) *item {
	it := c.items[sku]
	if _, seen := c.before[sku]; !seen {
		c.before[sku] = it.figures
		c.touched = append(c.touched, sku)
	}
	return it
}

// finish does what follows from a change, in the order of the journal: the queues are served,
// then the thresholds compared.
func (c *change) finish() {
	var grown []reservation.SKU
	for _, sku := range c.touched {
		if c.items[sku].filling > c.before[sku].filling {
			grown = append(grown, sku)
		}
	}
	c.workOff(grown)
	c.compareThresholds()
}

// compareThresholds fires what the whole call crossed, under the policy in force.
func (c *change) compareThresholds() {
	for _, sku := range c.touched {
		policy := c.policy(sku)
		before, after := c.before[sku].available(), c.items[sku].available()
		if short := c.items[sku].shortfall(); short > c.before[sku].shortfall() {
			c.emit(reservation.Event{
				Type:  reservation.EventOversold,
				Lines: []reservation.EventLine{{SKU: sku, Shortfall: short}},
			})
		}
		threshold := policy.LowStockThreshold
		if threshold.Set && before >= threshold.Value && after < threshold.Value {
			c.emitThreshold(reservation.EventLowStock, sku, after)
		}
		was, is := inStock(policy, before), inStock(policy, after)
		if was && !is {
			c.emitThreshold(reservation.EventOutOfStock, sku, after)
		}
		if !was && is {
			c.emitThreshold(reservation.EventBackInStock, sku, after)
		}
	}
}

func (c *change) emitThreshold(kind reservation.EventType, sku reservation.SKU, available int64) {
	c.emit(reservation.Event{
		Type:  kind,
		Lines: []reservation.EventLine{{SKU: sku, Available: available}},
	})
}

// inStock is available less the safety stock, which only DENY keeps back, above 0.
func inStock(policy reservation.EffectivePolicy, available int64) bool {
	if policy.AllowsBackorders() {
		return available > 0
	}
	return available-policy.SafetyStock > 0
}
