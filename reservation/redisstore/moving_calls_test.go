package redisstore

import (
	"context"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// calls are calls of every script; each is sent to the stock as it was filled.
func (m *moving) calls() map[string]func() {
	ctx := context.Background()
	ignore := func(error) {}
	part := func(request string) reservation.RequestID { return mustRequest(request) }
	return map[string]func(){
		"sweep":               func() { _, err := m.sweep(ctx, m.stock, true, true); ignore(err) },
		"purge":               func() { _, _, err := m.purge(ctx, m.stock); ignore(err) },
		"release whole":       func() { ignore(m.release("waits-3")) },
		"release both":        func() { ignore(m.release("both")) },
		"release unknown":     func() { ignore(m.release("nobody")) },
		"release forgotten":   func() { ignore(m.release("old-1")) },
		"restock":             func() { ignore(m.arrive("r-next", "plate", 20, "new", 1)) },
		"restock old id":      func() { ignore(m.arrive("r-old", "plate", 20)) },
		"reserve plain":       func() { ignore(m.reserve("o-1", time.Hour, "cup", 1)) },
		"reserve to wait":     func() { ignore(m.reserve("o-1", 0, "plate", 1)) },
		"reserve new queue":   func() { ignore(m.reserve("o-1", 0, "jug", 50)) },
		"reserve known id":    func() { ignore(m.reserve("firm", 0, "mug", 2)) },
		"reserve old id":      func() { ignore(m.reserve("old-1", 0, "cup", 1)) },
		"reserve old to wait": func() { ignore(m.reserve("old-1", 0, "jug", 50)) },
		"reserve replaces": func() {
			_, err := m.Reserve(ctx, reservation.ReserveRequest{
				Stock: m.stock, ID: mustID("old-2"), Lines: linesOf("bowl", 50),
				Replaces: mustID("waits-hold"),
			})
			ignore(err)
		},
		"release lines": func() {
			_, err := m.Release(ctx, reservation.ReleaseRequest{
				Stock: m.stock, ID: mustID("both"), Request: part("r-old"), Lines: linesOf("plate", 4),
			})
			ignore(err)
		},
		"set policy": func() {
			_, err := m.SetPolicy(ctx, m.stock, mustSKU("cup"), reservation.PolicyChange{
				Policy: reservation.Policy{SafetyStock: reservation.Some[int64](1)},
				Fields: []reservation.PolicyField{reservation.FieldSafetyStock},
			})
			ignore(err)
		},
		"set default": func() {
			ignore(m.setDefault(reservation.Policy{SafetyStock: reservation.Some[int64](1)},
				reservation.FieldBackorderMode, reservation.FieldSafetyStock))
		},
		"delete item": func() { _, err := m.DeleteItem(ctx, m.stock, mustSKU("vase")); ignore(err) },
		"adjust": func() {
			_, err := m.Adjust(ctx, reservation.AdjustRequest{
				Stock: m.stock, Request: part("r-old"), Lines: []reservation.AdjustLine{{
					SKU: mustSKU("plate"), Delta: must(reservation.NewDelta(3)),
				}},
			})
			ignore(err)
		},
		"set stock": func() {
			_, err := m.SetStock(ctx, reservation.SetStockRequest{
				Stock: m.stock, Request: part("r-old"),
				Lines: []reservation.CountLine{{SKU: mustSKU("plate"), OnHand: 12}},
			})
			ignore(err)
		},
		"fulfill whole": func() {
			_, err := m.Fulfill(ctx, reservation.FulfillRequest{Stock: m.stock, ID: mustID("firm")})
			ignore(err)
		},
		"fulfill lines": func() {
			_, err := m.Fulfill(ctx, reservation.FulfillRequest{
				Stock: m.stock, ID: mustID("waits-1"), Request: part("r-old"), Lines: linesOf("mug", 1),
			})
			ignore(err)
		},
		"extend": func() {
			_, err := m.Extend(ctx, reservation.ExtendRequest{
				Stock: m.stock, ID: mustID("hold"), TTL: must(reservation.NewTTL(time.Minute)),
			})
			ignore(err)
		},
		"commit": func() {
			_, err := m.Commit(ctx, reservation.CommitRequest{Stock: m.stock, ID: mustID("hold")})
			ignore(err)
		},
		"commit again": func() {
			_, err := m.Commit(ctx, reservation.CommitRequest{
				Stock: m.stock, ID: mustID("lapsed"), Reacquire: true,
			})
			ignore(err)
		},
		"repair": func() {
			n, err := m.engine.find(ctx, m.keys.meta())
			m.must(err)
			_, err = m.mend(ctx, reservation.RepairRequest{Stock: m.stock, SKU: mustSKU("plate")},
				n.scripts.present().process, moment{sequence: 1 << 40, epoch: 1},
				reservation.RepairedFigures{Reserved: -1})
			ignore(err)
		},
		"restore": func() {
			_, err := m.Restore(ctx, reservation.RestoreRequest{Stock: m.stock, Export: part("e-1")}, nil)
			ignore(err)
		},
		"read_reservation": func() {
			m.readOnce(scriptReadReservation, []string{m.keys.base + "res:waits-1"})
		},
		"read_items":        func() { m.readOnce(scriptReadItems, nil, "-", 10) },
		"list_reservations": func() { m.readOnce(scriptListReservations, nil, 2, "", "", 100, 1000) },
		"list_backorders":   func() { m.readOnce(scriptListBackorders, nil, "", "", "", 100) },
		"read_figures":      func() { m.readOnce(scriptReadFigures, nil, "mug", "plate", "jug") },
		"audit_queue":       func() { m.readOnce(scriptAuditQueue, nil, "plate", "-inf", 100) },
		"read_requests": func() {
			m.readOnce(scriptReadRequests, []string{m.keys.base + "req:r-new"})
		},
		"read_records": func() {
			m.readOnce(scriptReadRecords, []string{m.keys.base + "res:both", m.keys.base + "res:hold"})
		},
	}
}
