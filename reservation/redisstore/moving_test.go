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
