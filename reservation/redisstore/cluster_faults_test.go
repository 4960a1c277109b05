package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// trade is callers who reserve units of some stocks until they are stopped, and what they were
// told.
type trade struct {
	t       *testing.T
	store   *Store
	stocks  []reservation.StockID
	running sync.WaitGroup
	stop    context.CancelFunc
	granted []atomic.Int64 // by stock
	total   atomic.Int64
	refused atomic.Int64 // UNAVAILABLE
}

// startTrade gives each stock more than anybody wants and has callers begin, each at one stock.
func startTrade(t *testing.T, s *Store, stocks, callers int) *trade {
	t.Helper()
	tr := &trade{t: t, store: s, granted: make([]atomic.Int64, stocks)}
	for n := range stocks {
		tr.stocks = append(tr.stocks, mustStock(fmt.Sprintf("shop-%d", n)))
		arrival := restockOf("first", "mug", 1_000_000)
		arrival.Stock = tr.stocks[n]
		if _, err := s.Restock(t.Context(), arrival); err != nil {
			t.Fatal(err)
		}
	}
	var ctx context.Context
	ctx, tr.stop = context.WithCancel(context.Background())
	t.Cleanup(tr.stop)
	for caller := range callers {
		tr.running.Go(func() { tr.call(ctx, caller) })
	}
	return tr
}

// call reserves one order after the other, each until it is granted.
func (tr *trade) call(ctx context.Context, caller int) {
	at := caller % len(tr.stocks)
	for n := 0; ctx.Err() == nil; n++ {
		request := reserveOf(fmt.Sprintf("o-%d-%d", caller, n), "mug")
		request.Stock = tr.stocks[at]
		for {
			_, err := tr.store.Reserve(context.WithoutCancel(ctx), request)
			if err == nil {
				break
			}
			var reason *reservation.Error
			if !errors.As(err, &reason) || reason.Reason != reservation.ReasonStoreUnavailable &&
				reason.Reason != reservation.ReasonOutcomeUnknown &&
				reason.Reason != reservation.ReasonTooLate {
				tr.t.Errorf("an error that is not UNAVAILABLE: %v (%v)", err, errors.Unwrap(err))
				return
			}
			tr.refused.Add(1)
		}
		tr.granted[at].Add(1)
		tr.total.Add(1)
	}
}

// more waits until some more orders are granted.
func (tr *trade) more() {
	tr.t.Helper()
	want := tr.total.Load() + 50
	eventually(tr.t, func(context.Context) error {
		if got := tr.total.Load(); got < want {
			return fmt.Errorf("%d of %d orders are granted", got, want)
		}
		return nil
	})
}

// balance ends the callers: each stock has what was granted there, once, and nothing is amiss.
func (tr *trade) balance() {
	tr.t.Helper()
	tr.stop()
	tr.running.Wait()
	tr.t.Logf("%d orders granted, %d times UNAVAILABLE", tr.total.Load(), tr.refused.Load())
	for n, stock := range tr.stocks {
		answer, err := tr.store.Items(tr.t.Context(), stock, []reservation.SKU{mustSKU("mug")})
		if err != nil {
			tr.t.Fatal(err)
		}
		if got, want := answer.Items[0].Reserved, tr.granted[n].Load(); got != want || want == 0 {
			tr.t.Errorf("of stock %s %d units are reserved, %d were granted", stock, got, want)
		}
		if found, _ := auditOf(tr.t, tr.store, stock); len(found) > 0 {
			tr.t.Errorf("stock %s: %q", stock, told(found))
		}
	}
}

// TestCluster_AStockMovesWhileItIsCalled moves the slots of two stocks from node to node under
// load, and back. A watch of one goes on over it and misses nothing.
func TestCluster_AStockMovesWhileItIsCalled(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, false)
	s := openCluster(t, cluster, Options{})
	tr := startTrade(t, s, 6, 12)
	watching, end := context.WithCancel(t.Context())
	var last, changes atomic.Int64
	var watch sync.WaitGroup
	watch.Go(func() {
		at := reservation.Some(reservation.Position{})
		for watching.Err() == nil {
			_ = s.Watch(watching, reservation.WatchRequest{Stock: tr.stocks[0], After: at},
				func(batch reservation.EventBatch) error {
					for _, event := range batch.Events {
						if event.Sequence != last.Load()+1 {
							t.Errorf("event %d follows on %d", event.Sequence, last.Load())
						}
						last.Store(event.Sequence)
						if event.Type == reservation.EventStoreChanged {
							changes.Add(1)
						}
					}
					at = reservation.Some(batch.Position)
					return nil
				})
		}
	})
	moves := sized(4, 40)
	for n := range moves {
		tr.more()
		key := s.keys.of(tr.stocks[n%2]).meta()
		from, slot, err := cluster.PrimaryOf(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := cluster.MoveSlot(t.Context(), slot, from, (from+1)%3); err != nil {
			t.Fatal(err)
		}
	}
	tr.more()
	tr.balance()
	now, err := s.present(t.Context(), tr.stocks[0])
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func(context.Context) error {
		if got := last.Load(); got != now.sequence {
			return fmt.Errorf("the watch is at %d of %d", got, now.sequence)
		}
		return nil
	})
	end()
	watch.Wait()
	if got := changes.Load(); got != int64(moves/2) || now.epoch != got+1 {
		t.Errorf("%d STORE_CHANGED, epoch %d after %d moves", got, now.epoch, moves/2)
	}
}

// TestCluster_AStockWhoseSlotIsOpenIsUnavailable leaves a slot half moved: every call is turned
// away, nothing is done and nothing looks damaged; once it has moved all is as it was.
func TestCluster_AStockWhoseSlotIsOpenIsUnavailable(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, false)
	s := openCluster(t, cluster, Options{CallTimeout: 300 * time.Millisecond})
	restock(t, s, "first", "mug", 1)
	setMode(t, s, "mug", reservation.BackorderAllow)
	for _, id := range []string{"o1", "o2"} {
		if _, err := s.Reserve(t.Context(), reserveOf(id, "mug")); err != nil {
			t.Fatal(err)
		}
	}
	stock := mustStock("")
	calls := map[string]func() error{
		"Reserve": func() error { _, err := s.Reserve(t.Context(), reserveOf("o3", "mug")); return err },
		"Commit": func() error {
			_, err := s.Commit(t.Context(), reservation.CommitRequest{Stock: stock, ID: mustID("o1")})
			return err
		},
		"Items": func() error {
			_, err := s.Items(t.Context(), stock, []reservation.SKU{mustSKU("mug")})
			return err
		},
		"Backorders": func() error {
			_, err := s.Backorders(t.Context(), reservation.BackordersRequest{Stock: stock, Limit: 10})
			return err
		},
		"Audit": func() error {
			_, err := s.Audit(t.Context(), reservation.AuditRequest{Stock: stock},
				func(report reservation.AuditReport) error {
					if report.Finding.Set {
						t.Errorf("Audit: %+v", report.Finding.Value)
					}
					return nil
				})
			return err
		},
	}
	keys := s.keys.of(stock)
	from, slot, err := cluster.PrimaryOf(t.Context(), keys.meta())
	if err != nil {
		t.Fatal(err)
	}
	to := (from + 1) % 3
	if err := cluster.BeginMove(t.Context(), slot, from, to); err != nil {
		t.Fatal(err)
	}
	if err := cluster.MoveNamed(t.Context(), from, to, keys.queue(mustSKU("mug"))); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		if err := call(); reservation.ReasonOf(err) != reservation.ReasonStoreUnavailable {
			t.Errorf("%s: got %v, want UNAVAILABLE", name, err)
		}
	}
	if n, err := cluster.MoveKeys(t.Context(), slot, from, to, 100); err != nil || n == 0 {
		t.Fatalf("moved %d keys: %v", n, err)
	}
	if err := cluster.EndMove(t.Context(), slot, from, to); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Audit", "Items", "Backorders", "Reserve", "Commit"} {
		if err := calls[name](); err != nil {
			t.Errorf("%s after the move: %v", name, err)
		}
	}
	if got := reservedOf(t.Context(), t, s); got != 3 {
		t.Errorf("%d units are reserved, want 3", got)
	}
}

// TestCluster_APlannedFailoverLosesNothing has each replica take over from its primary under load,
// and then the other way round.
func TestCluster_APlannedFailoverLosesNothing(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, true)
	s := openCluster(t, cluster, Options{})
	tr := startTrade(t, s, 6, 12)
	for _, first := range []int{3, 0} {
		for n := range 3 {
			tr.more()
			if err := cluster.Failover(t.Context(), first+n); err != nil {
				t.Fatal(err)
			}
		}
		if err := cluster.AwaitWhole(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tr.more()
	tr.balance()
}

// TestCluster_OneUnfitPrimaryMakesOnlyItsStocksUnavailable sets one primary to evict keys.
func TestCluster_OneUnfitPrimaryMakesOnlyItsStocksUnavailable(t *testing.T) {
	t.Parallel()
	cluster := startCluster(t, false)
	s := openCluster(t, cluster, Options{})
	byNode := map[int]reservation.StockID{}
	for n := 0; len(byNode) < 3; n++ {
		stock := mustStock(fmt.Sprintf("s%d", n))
		at, _, err := cluster.PrimaryOf(t.Context(), s.keys.of(stock).meta())
		if err != nil {
			t.Fatal(err)
		}
		byNode[at] = stock
	}
	arrive := func(request string, node int) error {
		arrival := restockOf(request, "mug", 1)
		arrival.Stock = byNode[node]
		_, err := s.Restock(t.Context(), arrival)
		return err
	}
	for node := range 3 {
		if err := arrive("first", node); err != nil {
			t.Fatal(err)
		}
	}
	setPolicy := func(node int, policy string) {
		client := cluster.Servers[node].Client()
		defer func() { _ = client.Close() }()
		if err := client.ConfigSet(t.Context(), "maxmemory-policy", policy).Err(); err != nil {
			t.Fatal(err)
		}
	}
	setPolicy(1, "allkeys-lru")
	eventually(t, func(context.Context) error {
		if err := arrive("second", 1); err == nil {
			return errors.New("the node still takes writes")
		}
		return nil
	})
	err := arrive("third", 1)
	if err == nil || !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "maxmemory-policy") {
		t.Errorf("got %v (%v), want what is wrong with the store", err, errors.Unwrap(err))
	}
	for _, node := range []int{0, 2} {
		if err := arrive("second", node); err != nil {
			t.Errorf("a stock of another node: %v", err)
		}
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("a server that can serve some stocks is not ready: %v", err)
	}
	if _, err := Open(t.Context(), s.options); err == nil {
		t.Error("a server starts on a cluster with an unfit primary")
	}
	setPolicy(0, "allkeys-lru")
	setPolicy(2, "allkeys-lru")
	eventually(t, func(ctx context.Context) error {
		if s.Ready(ctx) == nil {
			return errors.New("it is still ready")
		}
		return nil
	})
	for node := range 3 {
		setPolicy(node, "noeviction")
	}
	eventually(t, func(context.Context) error { return arrive("fourth", 1) })
}
