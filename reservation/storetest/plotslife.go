package storetest

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/reservation"
)

// life is a scene of what becomes of a reservation.
func (g *generator) life(sku, other, id string) []string {
	held := "reserve " + id + "a " + sku + "*" + g.pick("2", "4", "7") + " " + other + "*1 " +
		sku + "*2 ttl=1s"
	switch g.random.IntN(3) {
	case 0: // An expired hold comes back after others have taken their part.
		return []string{
			held,
			g.pick("release "+id+"a by=x"+id+" "+sku+"*1", "commit "+id+"a", "advance 1ms"),
			g.pick("advance 1s", "advance 998ms", "advance 999ms"),
			"reserve " + id + "b " + sku + "*" + g.pick("1", "3", "9"),
			"set-policy " + sku + g.pick(" backorder_mode=DENY", " tracked=false",
				" backorder_limit=4", " sellable=false", " restock_time=2027-01-01T00:00:00Z"),
			"commit " + id + "a" + g.pick(" reacquire", " reacquire", ""),
			"set-policy " + sku + sells,
			"commit " + id + "a" + g.pick(" reacquire", ""),
			g.pick("fulfill ", "release ") + id + "a",
			g.reservations(),
		}
	case 1: // A loss makes a shortfall; what comes in repays it first.
		return []string{
			"reserve " + id + "a " + sku + "*" + g.pick("3", "5") + " " + other + "*2",
			"reserve " + id + "b " + sku + "*" + g.pick("1", "6"),
			"adjust x" + id + " " + sku + "*-" + g.pick("1", "3", "5") + ":stolen",
			g.pick("fulfill "+id+"a", "fulfill "+id+"a by=y"+id+" "+sku+"*2",
				"set-stock y"+id+" "+sku+"*1", "release "+id+"a"),
			g.pick("restock z"+id+" "+sku+"*"+g.pick("1", "4", "9"),
				"release "+id+"b", "set-stock z"+id+" "+sku+"*"+g.pick("3", "20")),
			"fulfill " + id + "b",
			"backorders " + sku + " limit=100",
		}
	}
	return []string{ // A parcel at a time.
		"reserve " + id + "a " + sku + "*3 " + other + "*2 " + sku + "*4",
		"fulfill " + id + "a by=x" + id + " " + sku + "*" + g.pick("1", "3", "4"),
		g.pick("release "+id+"a by=y"+id+" "+sku+"*"+g.pick("1", "2"), "fulfill "+id+"a"),
		"restock z" + id + " " + sku + "*" + g.pick("1", "3"),
		"fulfill " + id + "a by=w" + id + " " + other + "*1 " + sku + "*1 " + other + "*1",
		g.pick("fulfill ", "release ") + id + "a",
		"fulfill " + id + "a by=x" + id + " " + sku + "*" + g.pick("1", "3", "4"),
	}
}

// lag ships or edits what a long queue has not come to yet, with holds in it that may have run out.
func (g *generator) lag(sku, other, id string) []string {
	n := reservation.LineBudget + g.random.IntN(2*reservation.LineBudget)
	return []string{
		"set-policy " + sku + sells, "set-policy " + other + sells,
		fmt.Sprintf("reserve %s %dx%s*1 %s*1%s", id, n, sku, other, g.pick("", " ttl=2s")),
		"reserve " + id + "a " + sku + "*2 " + other + "*3 " + sku + "*3" +
			g.pick("", "", " ttl=10s"),
		"reserve " + id + "b " + sku + "*2 ttl=2s",
		"reserve " + id + "c " + sku + "*2 " + other + "*1",
		fmt.Sprintf("restock r%s %s*%d %s*%d", id, sku, n+g.random.IntN(12), other,
			1+g.random.IntN(6)),
		g.pick("advance 1ms", "advance 2s", "adjust x"+id+" "+sku+"*-3"),
		"backorders " + sku + " limit=1000",
		g.pick("fulfill "+id+"c", "fulfill "+id+"a", "fulfill "+id+"a by=y"+id+" "+sku+"*3",
			"reserve "+id+"d "+sku+"*4 ttl=1s replaces="+id+"a"),
		g.pick("drain", "advance 1ms", "adjust z"+id+" "+sku+"*-1", "commit "+id+"b reacquire"),
		g.pick("fulfill "+id, "fulfill "+id+"a", "release "+id, "advance 1ms"),
	}
}
