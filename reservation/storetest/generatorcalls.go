package storetest

import (
	"fmt"
	"strings"
)

func (g *generator) reserve() string {
	id, lines := g.id(), g.lines(5)
	replaces := ""
	if g.knows() && g.chance(15) {
		// A cart edit: mostly the same SKUs again.
		old := g.oneRecent()
		replaces = " replaces=" + old.id
		if g.chance(80) {
			lines = " " + strings.Join(old.lines, " ") + g.pick("", g.lines(1))
		}
	}
	recent := append(g.recent[g.stock], asked{id: id, lines: strings.Fields(lines)})
	g.recent[g.stock] = recent[max(0, len(recent)-windowOfIDs/2):]
	text := "reserve " + id + lines + g.partial()
	if g.chance(60) {
		text += g.ttl()
	}
	return text + replaces
}

func (g *generator) ttl() string {
	return " ttl=" + g.pick("1s", "1500ms", "2s", "10s", "10s", "1m", "1h", "1h", "48h")
}

// someLines gives back or ships parts of a recent reservation, seldom more than it has.
func (g *generator) someLines(verb string) string {
	if !g.knows() || g.chance(10) {
		return verb + g.id() + " by=" + g.requestID() + g.lines(2)
	}
	of := g.oneRecent()
	text := verb + of.id + " by=" + g.requestID()
	for range 1 + g.random.IntN(2) {
		sku, units, _ := strings.Cut(of.lines[g.random.IntN(len(of.lines))], "*")
		text += " " + sku + "*" + g.pick("1", "1", "2", units)
	}
	return text
}

// adjust loses more than it finds, so that shortfalls come about.
func (g *generator) adjust() string {
	text := "adjust " + g.requestID()
	for range 1 + g.random.IntN(3) {
		text += " " + g.sku() + "*" + g.pick("-1", "-1", "-2", "-3", "-5", "1", "2", "4") +
			g.pick("", ":damaged", ":found%20behind%20Zo%C3%AB's%20shelf")
	}
	return text
}

func (g *generator) setStock() string {
	text := "set-stock " + g.requestID()
	first := g.random.IntN(len(g.skus))
	for n := range 1 + g.random.IntN(3) {
		text += " " + g.skus[(first+n)%len(g.skus)] + "*" + g.pick("0", "1", "3", "8", "15", "30") +
			g.pick("", "", "", ":0", ":1", ":3")
	}
	return text
}

func (g *generator) list() string {
	text := "list" + g.limit()
	if g.chance(50) {
		text += " after=" + g.sku()
	}
	return text
}

func (g *generator) limit() string { return fmt.Sprintf(" limit=%d", 1+g.random.IntN(8)) }

func (g *generator) reservations() string {
	return "reservations " + g.pick("HELD", "COMMITTED", "RELEASED", "EXPIRED", "FULFILLED") +
		fmt.Sprintf(" limit=%d", 7+g.random.IntN(20))
}

// backorders seldom uses small pages, for the queues are long.
func (g *generator) backorders() string {
	return "backorders " + g.pick("", g.sku()) + " limit=" + g.pick("64", "333", "1000")
}

// policy writes one or two changes of policy. What hinders selling is cleared more often than it is
// set.
func (g *generator) policy(ownsSKU bool) string {
	text := ""
	if !ownsSKU && g.chance(50) {
		// Else every stock would soon refuse everything by its default.
		return " min_quantity= max_quantity= quantity_increment= tracked= backorder_limit="
	}
	for range 1 + g.random.IntN(2) {
		switch g.random.IntN(10) {
		case 0, 1, 2:
			text += " backorder_mode=" + g.pick("", "DENY", "ALLOW", "ALLOW", "ALLOW_AND_NOTIFY")
		case 3, 4:
			text += " backorder_limit=" + g.pick("", "", "0", "20", "60", "1000000000000")
		case 5:
			text += " safety_stock=" + g.pick("", "0", "2", "5")
		case 6:
			text += " low_stock_threshold=" + g.pick("", "0", "5", "-3", "-1000000000000")
		case 7:
			text += g.pick(" min_quantity=", " min_quantity=", " min_quantity=3",
				" max_quantity=", " max_quantity=", " max_quantity=5",
				" quantity_increment=", " quantity_increment=", " quantity_increment=2",
				" quantity_increment=3 min_quantity=1 max_quantity=1000000000",
				" quantity_increment=3 min_quantity=4 max_quantity=1000000000")
		case 8:
			text += g.pick(" sellable=", " sellable=", " sellable=true", " sellable=",
				" tracked=", " tracked=", " tracked=true", " tracked=false")
			if ownsSKU && g.chance(10) {
				text += " sellable=false"
			}
		case 9:
			if ownsSKU {
				text += g.pick(" restock_time=", " restock_time=2027-03-04T05:06:07.089Z",
					" substitutes=", " substitutes="+g.skus[0]+","+g.skus[2])
			}
		}
	}
	return text
}
