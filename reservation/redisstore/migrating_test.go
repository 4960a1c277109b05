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
func newMoving(t *testing.T, mutate func(file, text string) string) *moving {
	t.Helper()
	cluster := startCluster(t, false)
	store := openCluster(t, cluster, Options{
		clock: clusterClock, quiet: true, lineBudget: 3, Retention: time.Hour, mutate: mutate,
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

// movedKeys returns which keys are moved before a call: none, each one, and all of them.
func (m *moving) movedKeys() [][]string {
	names := slices.Sorted(maps.Keys(m.before))
	moved := [][]string{nil}
	for _, key := range names {
		if key != m.keys.base+"clock" { // the test's own
			moved = append(moved, []string{key})
		}
	}
	return append(moved, names)
}

// outcomes are what came of calls to a slot on the move.
type outcomes struct {
	done               map[string]bool // calls that were carried out with some keys moved, or none
	turnedAway, within int             // how often; and how often by the script itself
	findings           []string
}

func (o *outcomes) findf(format string, args ...any) {
	o.findings = append(o.findings, fmt.Sprintf(format, args...))
}

// judgeAll makes every call with every choice of moved keys.
func (m *moving) judgeAll() outcomes {
	o := outcomes{done: map[string]bool{}}
	m.reset()
	settled := m.contents()
	calls := m.calls()
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		m.reset()
		after := m.run(name, calls[name])
		if m.answered != nil {
			m.t.Fatalf("%s in a settled slot: %v", name, m.answered)
		}
		reply := fmt.Sprint(m.reply)
		for _, gone := range m.movedKeys() {
			m.reset()
			m.must(m.cluster.BeginMove(m.t.Context(), m.slot, m.from, m.to))
			m.must(m.cluster.MoveNamed(m.t.Context(), m.from, m.to, gone...))
			m.judge(&o, fmt.Sprintf("%s with %q moved", name, gone),
				without(settled, gone), without(after, gone), m.run(name, calls[name]))
			if m.answered == nil {
				o.done[name] = true
				if got := fmt.Sprint(m.reply); got != reply {
					o.findf("%s with %q moved is answered %s, want %s", name, gone, got, reply)
				}
			}
		}
	}
	return o
}

// without returns what is left where some keys have moved.
func without(contents map[string]string, gone []string) map[string]string {
	left := maps.Clone(contents)
	for _, key := range gone {
		delete(left, key)
	}
	return left
}

// judge holds what the keys hold after a call against what they held before, and against what they
// hold after it where nothing moves.
func (m *moving) judge(o *outcomes, name string, before, after, got map[string]string) {
	want := before
	switch {
	case m.answered == nil:
		want = after
	case !isTurnedAway(m.answered):
		o.findf("%s: %v", name, m.answered)
	default:
		o.turnedAway++
		if strings.Contains(m.answered.Error(), "non local key") {
			o.within++
		}
	}
	if difference := cmp.Diff(want, got); difference != "" {
		o.findf("%s (%v) is half done, or done otherwise:\n%s", name, m.answered, difference)
	}
}

// TestCluster_NoScriptIsHalfDoneWhileItsSlotMoves runs every script in a slot that is MIGRATING,
// with nothing moved, with each one key moved, and with all of them: it does all that it does
// elsewhere, or it is turned away and every key is as it was.
func TestCluster_NoScriptIsHalfDoneWhileItsSlotMoves(t *testing.T) {
	t.Parallel()
	m := newMoving(t, nil)
	o := m.judgeAll()
	for _, finding := range o.findings {
		t.Error(finding)
	}
	t.Logf("%d calls, %d were carried out with little moved, turned away %d times, %d of them "+
		"by the script", len(m.calls()), len(o.done), o.turnedAway, o.within)
	if len(o.done) < 20 || o.within < 50 {
		t.Error("the test shows too little")
	}
}

// movingMutants are scripts of which it was forgotten that their slot may move.
func movingMutants() []mutant {
	return []mutant{
		{
			name: "queues are written unseen", file: "include/finish.lua",
			old: "    look_at_queues()\n", new: "",
		},
		{
			name: "what is left of a reservation is deleted first", file: "include/records.lua",
			old: "    unpack_call('HSET', r.key, list, 2)\n",
			new: "    if r.forgotten then redis.call('UNLINK', r.key) end\n" +
				"    unpack_call('HSET', r.key, list, 2)\n",
		},
		{
			name: "a policy is cleared before it is set", file: "include/policies.lua",
			old: "  unpack_call('HSET', KEYS[2], set, 2)\n  unpack_call('HDEL', KEYS[2], cleared, 1)\n",
			new: "  unpack_call('HDEL', KEYS[2], cleared, 1)\n  unpack_call('HSET', KEYS[2], set, 2)\n",
		},
		{
			name: "purge deletes what it has not seen", file: "purge.lua",
			old: "    redis.call('EXISTS', unpack(keys))\n", new: "",
		},
		{
			name: "a record that has moved is told as damaged", file: "read_records.lua",
			old: "  raise_elsewhere(reply)\n", new: "",
		},
		{
			name: "a waiting line that has moved is told as gone", file: "audit_queue.lua",
			old: "    raise_elsewhere(waits)\n", new: "",
		},
	}
}

// TestMutants_OfMovingSlotsAreFound has each found in the long form (make mutants); in the short
// one it sees to it that the list fits the scripts.
func TestMutants_OfMovingSlotsAreFound(t *testing.T) {
	t.Parallel()
	for _, mutant := range movingMutants() {
		t.Run(mutant.name, func(t *testing.T) {
			if !strings.Contains(sourceOf(t, mutant.file), mutant.old) {
				t.Fatalf("%s does not have %q any more: change the mutant with it", mutant.file,
					mutant.old)
			}
			if !longForm() {
				t.Skip("in the long form: make mutants")
			}
			m := newMoving(t, func(file, text string) string {
				if file != mutant.file {
					return text
				}
				return strings.Replace(text, mutant.old, mutant.new, 1)
			})
			if found := m.judgeAll().findings; len(found) == 0 {
				t.Error("it survived")
			} else {
				t.Logf("%.300s", found[0])
			}
		})
	}
}
