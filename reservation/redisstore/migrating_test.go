package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// moving is a stock whose slot is on the move from one node to another. Script calls are sent once
// and what they are answered is kept.
type moving struct {
	*clusterSubject

	cluster   *redistest.Cluster
	stock     reservation.StockID
	keys      stockKeys
	source    *redis.Client
	from, to  int
	slot      int64
	before    map[string]string // every key of the stock, as DUMP has it
	answered  error             // to the script call that was sent last
	wasCalled bool
	reply     []any
}

// movingStock is the stock of the test; its slot has nothing else.
const movingStock = "on-the-move"

// newMoving fills a stock with something of every kind: each of the fixed keys is there, queues, a
// backlog to work off, holds that are due, and what is past its retention.
func newMoving(t *testing.T) *moving {
	t.Helper()
	cluster := startCluster(t, false)
	store := openCluster(t, cluster, Options{
		clock: clusterClock, quiet: true, lineBudget: 3, Retention: time.Hour,
	})
	m := &moving{
		clusterSubject: &clusterSubject{subject{Store: store, Clock: storetest.NewClock(), t: t}},
		cluster:        cluster, stock: mustStock(movingStock),
		keys: store.keys.of(mustStock(movingStock)),
	}
	m.Advance(0)
	m.fill()
	var err error
	m.from, m.slot, err = cluster.PrimaryOf(t.Context(), m.keys.meta())
	if err != nil {
		t.Fatal(err)
	}
	m.to = (m.from + 1) % 3
	m.source = cluster.Servers[m.from].Client()
	t.Cleanup(func() { _ = m.source.Close() })
	m.before = keysOf(t, m.source, m.options.Prefix+":{"+movingStock+"}")
	for _, key := range m.keys.fixed() {
		if _, ok := m.before[key]; !ok {
			t.Fatalf("the stock does not have %s: %v", key, slices.Sorted(maps.Keys(m.before)))
		}
	}
	m.captureCalls()
	return m
}

// Advance steps the clock of the stock.
func (m *moving) Advance(d time.Duration) {
	m.Clock.Advance(d)
	err := m.client.Set(context.Background(), m.keys.base+"clock", m.Now().UnixMilli(), 0).Err()
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range m.engine.known() {
		n.clock.tell(m.Now().UnixMilli(), time.Now())
	}
}

func (m *moving) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *moving) reserve(id string, ttl time.Duration, sku string, units int64, more ...any) error {
	request := reservation.ReserveRequest{
		Stock: m.stock, ID: mustID(id), Lines: linesOf(sku, units, more...),
	}
	if ttl > 0 {
		request.TTL = must(reservation.NewTTL(ttl))
	}
	_, err := m.Reserve(context.Background(), request)
	return err
}

func (m *moving) arrive(request, sku string, units int64, more ...any) error {
	_, err := m.Restock(context.Background(), reservation.RestockRequest{
		Stock: m.stock, Request: mustRequest(request), Lines: linesOf(sku, units, more...),
	})
	return err
}

func (m *moving) release(id string) error {
	_, err := m.Release(context.Background(), reservation.ReleaseRequest{
		Stock: m.stock, ID: mustID(id), AllowMissing: true,
	})
	return err
}

func (m *moving) setDefault(policy reservation.Policy, fields ...reservation.PolicyField) error {
	_, err := m.SetDefaultPolicy(context.Background(), m.stock,
		reservation.PolicyChange{Policy: policy, Fields: fields})
	return err
}

func (m *moving) fill() {
	allow := reservation.Policy{BackorderMode: reservation.Some(reservation.BackorderAllow)}
	m.must(m.setDefault(allow, reservation.FieldBackorderMode))
	m.must(m.arrive("r-old", "mug", 10, "cup", 10, "plate", 3, "bowl", 5, "jug", 5))
	m.must(m.arrive("r-none", "vase", 1))
	_, err := m.SetStock(context.Background(), reservation.SetStockRequest{
		Stock: m.stock, Request: mustRequest("r-empty"),
		Lines: []reservation.CountLine{{SKU: mustSKU("vase")}},
	})
	m.must(err)
	for _, id := range []string{"old-1", "old-2"} {
		m.must(m.reserve(id, time.Minute, "mug", 1, "cup", 1))
		m.must(m.release(id))
	}
	m.must(m.reserve("lapsed", time.Second, "jug", 2))
	m.Advance(2 * time.Hour)
	_, err = m.sweep(context.Background(), m.stock, true, false)
	m.must(err)
	m.must(m.reserve("firm", 0, "mug", 2))
	m.must(m.reserve("hold", time.Hour, "cup", 2))
	for n := range 6 {
		m.must(m.reserve(fmt.Sprintf("waits-%d", n), 0, "mug", 4))
	}
	m.must(m.reserve("waits-hold", time.Hour, "plate", 5))
	m.must(m.reserve("both", 0, "mug", 1, "plate", 4))
	m.must(m.reserve("due-1", time.Second, "bowl", 2))
	m.must(m.reserve("due-2", time.Second, "plate", 2))
	m.must(m.reserve("ended", time.Hour, "bowl", 1))
	m.must(m.release("ended"))
	m.must(m.arrive("r-new", "mug", 18)) // more than one step works off
	m.Advance(2 * time.Second)
}

// captureCalls has every batch sent once, whatever comes of it, and ended by that.
func (m *moving) captureCalls() {
	open := m.stocks.open
	m.stocks.mu.Lock()
	defer m.stocks.mu.Unlock()
	clear(m.stocks.batchers)
	m.stocks.open = func(stock reservation.StockID) *batcher {
		b := open(stock)
		b.enroll(m.registrar(context.Background()))
		b.send = func(b *batcher, batch []*operation) []*operation {
			ctx := context.Background()
			n, err := m.engine.find(ctx, m.keys.meta())
			m.must(err)
			b.node.Store(n)
			groups := m.encodeBatch(ctx, b, n.client.Pipeline(), n.scripts.present(), batch)
			m.wasCalled = true
			m.reply, m.answered = groups[0].cmd.Slice()
			finishAll(batch, errCaptured)
			return nil
		}
		return b
	}
}

var errCaptured = errors.New("the call was sent once")

// read runs a reading script once.
func (m *moving) readOnce(name scriptName, keys []string, args ...any) {
	ctx := context.Background()
	n, err := m.engine.find(ctx, m.keys.meta())
	m.must(err)
	fixed := m.keys.fixed()
	m.wasCalled = true
	m.reply, m.answered = m.readAt(ctx, n, name, append(fixed[:], keys...),
		append(append(m.callHeader(), 1), args...))
}

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

// reset puts every key back as it was before, all of them on the source, its slot settled.
func (m *moving) reset() {
	ctx := context.Background()
	target := m.cluster.Servers[m.to].Client()
	defer func() { _ = target.Close() }()
	clearing := target.Pipeline()
	for key := range m.before { // what has moved is in the way
		clearing.Do(ctx, "ASKING")
		clearing.Del(ctx, key)
	}
	_, err := clearing.Exec(ctx)
	if err != nil && !strings.HasPrefix(err.Error(), "MOVED") {
		m.must(err)
	}
	for _, client := range []*redis.Client{target, m.source} {
		m.must(client.Do(ctx, "CLUSTER", "SETSLOT", m.slot, "STABLE").Err())
	}
	pipe := m.source.Pipeline()
	for key := range m.contents() {
		pipe.Del(ctx, key)
	}
	for key, value := range m.before {
		pipe.Restore(ctx, key, 0, value)
	}
	_, err = pipe.Exec(ctx)
	m.must(err)
}

// contents returns what each of the source's keys holds, in a form that does not depend on how it
// is laid out in memory.
func (m *moving) contents() map[string]string {
	ctx := context.Background()
	names, err := m.source.Keys(ctx, m.keys.base+"*").Result()
	m.must(err)
	pipe := m.source.Pipeline()
	kinds := make([]*redis.StatusCmd, len(names))
	for i, name := range names {
		kinds[i] = pipe.Type(ctx, name)
	}
	_, err = pipe.Exec(ctx)
	m.must(err)
	held := make([]func() any, len(names))
	for i, name := range names {
		switch kind := kinds[i].Val(); kind {
		case "hash":
			fields := pipe.HGetAll(ctx, name)
			held[i] = func() any { return fields.Val() }
		case "zset":
			members := pipe.ZRangeWithScores(ctx, name, 0, -1)
			held[i] = func() any { return members.Val() }
		case "stream":
			entries := pipe.XRange(ctx, name, "-", "+")
			held[i] = func() any { return entries.Val() }
		case "string":
			value := pipe.Get(ctx, name)
			held[i] = func() any { return value.Val() }
		default:
			m.t.Fatalf("%s is a %s", name, kind)
		}
	}
	_, err = pipe.Exec(ctx)
	m.must(err)
	contents := make(map[string]string, len(names))
	for i, name := range names {
		contents[name] = fmt.Sprint(held[i]())
	}
	return contents
}

// run makes a call and returns what the source's keys hold afterwards.
func (m *moving) run(name string, call func()) map[string]string {
	m.wasCalled = false
	call()
	if !m.wasCalled {
		m.t.Fatalf("%s: no script was called", name)
	}
	return m.contents()
}

// TestCluster_NoScriptIsHalfDoneWhileItsSlotMoves runs every script in a slot that is MIGRATING,
// with nothing moved, with each one key moved, and with all of them: it does all that it does
// elsewhere, or it is turned away and every key is as it was.
func TestCluster_NoScriptIsHalfDoneWhileItsSlotMoves(t *testing.T) {
	t.Parallel()
	m := newMoving(t)
	ctx := t.Context()
	clock := m.keys.base + "clock"
	names := slices.Sorted(maps.Keys(m.before))
	moved := [][]string{nil}
	for _, key := range names {
		if key != clock {
			moved = append(moved, []string{key})
		}
	}
	moved = append(moved, names)
	m.reset()
	settled := m.contents()
	done, turnedAway, within := map[string]bool{}, 0, 0
	for _, name := range slices.Sorted(maps.Keys(m.calls())) {
		call := m.calls()[name]
		m.reset()
		after := m.run(name, call)
		if m.answered != nil {
			t.Fatalf("%s in a settled slot: %v", name, m.answered)
		}
		reply := fmt.Sprint(m.reply)
		for _, gone := range moved {
			m.reset()
			m.must(m.cluster.BeginMove(ctx, m.slot, m.from, m.to))
			m.must(m.cluster.MoveNamed(ctx, m.from, m.to, gone...))
			before := maps.Clone(settled)
			for _, key := range gone {
				delete(before, key)
			}
			got := m.run(name, call)
			switch {
			case m.answered == nil:
				done[name] = true
				expected := maps.Clone(after)
				for _, key := range gone {
					delete(expected, key)
				}
				if difference := cmp.Diff(expected, got); difference != "" {
					t.Errorf("%s with %q moved is done otherwise:\n%s", name, gone, difference)
				}
				if fmt.Sprint(m.reply) != reply {
					t.Errorf("%s with %q moved is answered %v, want %s", name, gone, m.reply, reply)
				}
			case !isTurnedAway(m.answered):
				t.Errorf("%s with %q moved: %v", name, gone, m.answered)
			default:
				turnedAway++
				if strings.Contains(m.answered.Error(), "non local key") {
					within++
				}
			}
			if m.answered != nil {
				if difference := cmp.Diff(before, got); difference != "" {
					t.Errorf("%s with %q moved (%v) is half done:\n%s", name, gone, m.answered, difference)
				}
			}
		}
	}
	t.Logf("%d calls, done with nothing or little moved: %d, turned away %d times, %d of them "+
		"by the script", len(m.calls()), len(done), turnedAway, within)
	if len(done) < 20 || within < 50 {
		t.Error("the test shows too little")
	}
}
