package storetest

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Chance alone seldom brings together what these steps do: they set a scene on two SKUs and then
// let chance act in it.

// sells lets a SKU be backordered without limit, whatever its stock's default says.
const sells = " backorder_mode=ALLOW backorder_limit=1000000000000 min_quantity=1" +
	" max_quantity=1000000000 quantity_increment=1 sellable=true tracked=true"

// actors returns two SKUs, often new ones that nobody waits for yet, and the beginning of new ids.
func (g *generator) actors() (sku, other, id string) {
	if g.chance(40) {
		return fmt.Sprintf("new-%d", g.told), fmt.Sprintf("New-%d", g.told),
			fmt.Sprintf("p%d", g.told)
	}
	sku = g.skus[g.random.IntN(len(g.skus))]
	other = g.skus[g.random.IntN(len(g.skus))]
	return sku, other, fmt.Sprintf("p%d", g.told)
}

// plot is a short scene.
func (g *generator) plot() []string {
	sku, other, id := g.actors()
	scene := []string{
		"set-policy " + sku + sells,
		"set-policy " + other + sells,
		"restock r" + id + " " + sku + "*5 " + other + "*2",
	}
	switch g.random.IntN(7) {
	case 0: // A cart edit while others wait.
		return append(scene,
			"reserve "+id+"a "+sku+"*"+g.pick("4", "9")+" "+other+"*2 ttl=1m",
			"reserve "+id+"b "+sku+"*6",
			g.pick("advance 1ms", "restock s"+id+" "+sku+"*3"),
			"reserve "+id+"c "+sku+"*"+g.pick("1", "3", "5")+" "+sku+"*"+g.pick("2", "7")+
				" ttl=1m replaces="+id+"a",
		)
	case 1: // A hold runs out at the head of one queue and blocks another.
		return append(scene,
			"reserve "+id+"a "+sku+"*9 "+other+"*"+g.pick("1", "5")+" "+sku+"*1 ttl=1s",
			"reserve "+id+"b "+other+"*6 "+sku+"*2",
			g.pick("advance 1s", "advance 999ms"),
			"restock s"+id+" "+sku+"*"+g.pick("1", "4", "40")+" "+other+"*1",
		)
	case 2: // A cut by the rules.
		return append(scene,
			"set-policy "+sku+" backorder_mode="+g.pick("DENY", "ALLOW")+" backorder_limit=8"+
				" quantity_increment="+g.pick("2", "3")+" min_quantity="+g.pick("4", "6"),
			"check "+other+"*1 "+sku+"*1200 partial",
			"reserve "+id+"a "+other+"*1 "+sku+"*1200 "+sku+"*12 partial",
			"set-policy "+sku+sells,
		)
	case 3: // A SKU that is only promised.
		return []string{
			"set-policy only" + id + sells,
			"reserve " + id + "a only" + id + "*3 " + sku + "*1 ttl=1s",
			"delete only" + id,
			g.pick("release "+id+"a", "advance 1s", "sweep"),
			g.pick("sweep", "delete only"+id),
			g.pick("commit "+id+"a reacquire", "sweep"),
		}
	}
	return append(scene, g.life(sku, other, id)...)
}

// burst makes a backlog that one step cannot work off: of queue lines, of due holds, or of both.
func (g *generator) burst() []string {
	sku, other, id := g.actors()
	open, openOther := "set-policy "+sku+sells, "set-policy "+other+sells
	n := reservation.LineBudget + g.random.IntN(reservation.LineBudget)
	switch g.random.IntN(11) {
	case 8, 9, 10:
		return g.lag(sku, other, id)
	case 0, 1, 2, 3, 4:
		return []string{
			open, openOther,
			fmt.Sprintf("reserve %s %dx%s*1%s", id, n, sku, g.pick("", " ttl=10s")),
			fmt.Sprintf("reserve %sa %dx%s*1 %s*1", id, 1+g.random.IntN(n), other, sku),
			g.pick("advance 1ms", "advance 10s", "reserve "+id+"b "+sku+"*20 ttl=1s"),
			fmt.Sprintf("restock r%s %s*%d %s*%d", id, other, 1+g.random.IntN(n),
				sku, 1+g.random.IntN(2*n)),
			g.pick("drain", "advance 1ms", "release "+id, "reserve "+id+"c "+sku+"*9"),
			g.pick("drain", "advance 1ms", "advance 10s"),
			g.pick("drain", "advance 1ms"),
		}
	case 5:
		texts := []string{open}
		for i := range n {
			texts = append(texts, fmt.Sprintf("reserve %s.%d %s*1 ttl=1s", id, i%300, sku))
		}
		// Without a step of the clock between them the restock fills holds, after it reclaims them.
		return append(texts, g.pick("advance 1s", "advance 1ms"),
			fmt.Sprintf("restock r%s %s*%d", id, sku, 1+g.random.IntN(n)))
	case 6:
		huge := fmt.Sprintf("reserve %s 1000x%s*%d", id, sku, reservation.MaxQuantity)
		return []string{open, huge, "release " + id + " by=r" + id + " " + sku + "*1000000"}
	}
	huge := fmt.Sprintf("restock r%s 1000x%s*%d", id, "huge", reservation.MaxQuantity)
	return []string{huge, "restock s" + id + " new" + id + "*1 huge*1"}
}
