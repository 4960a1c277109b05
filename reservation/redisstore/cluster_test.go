package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// sharedCluster is three primaries that tests share which do them no harm.
var sharedCluster struct {
	once    sync.Once
	dir     string
	cluster *redistest.Cluster
	err     error
}

// startCluster starts a cluster of three primaries for one test, without their files, for speed.
func startCluster(t *testing.T, replicas bool) *redistest.Cluster {
	t.Helper()
	cluster, err := redistest.StartCluster(context.Background(), t.TempDir(), 3, replicas,
		time.Second, "--appendonly", "no", "--cluster-replica-no-failover", "yes")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	return cluster
}

// quietCluster returns the cluster that tests share.
func quietCluster(t *testing.T) *redistest.Cluster {
	t.Helper()
	shared := &sharedCluster
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "holdfast-cluster-"); shared.err == nil {
			shared.cluster, shared.err = redistest.StartCluster(context.Background(), shared.dir, 3,
				false, time.Second, "--appendonly", "no", "--cluster-replica-no-failover", "yes")
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// stopSharedCluster ends the shared cluster, if a test wanted it.
func stopSharedCluster() {
	if shared := &sharedCluster; shared.cluster != nil {
		shared.cluster.Stop()
		_ = os.RemoveAll(shared.dir)
	}
}

// openCluster opens a store on a cluster.
func openCluster(t *testing.T, cluster *redistest.Cluster, options Options) *Store {
	t.Helper()
	options.URL, options.Durability = cluster.URL(), DurabilityNone
	return openReal(t, options)
}

// clusterClock is testClock by a key of the stock's own, for all keys of a script lie in one slot.
const clusterClock = `
local function store_now()
  return tonumber(redis.call('GET', string.sub(KEYS[1], 1, -5) .. 'clock'))
end
`

// clusterSubject is a store on a cluster with a clock that stands still.
type clusterSubject struct{ subject }

func newClusterSubject(t *testing.T) storetest.Subject {
	t.Helper()
	store := openCluster(t, quietCluster(t), Options{
		clock: clusterClock, quiet: true, lineBudget: reservation.LineBudget,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	s := &clusterSubject{subject{Store: store, Clock: storetest.NewClock(), t: t}}
	s.setClock()
	return s
}

func (s *clusterSubject) setClock() {
	s.t.Helper()
	pipe := s.client.Pipeline()
	for _, name := range []string{"", "north", "north-1.a", "nowhere"} { // those of the suite
		key := s.keys.of(mustStock(name)).base + "clock"
		pipe.Set(context.Background(), key, s.Now().UnixMilli(), 0)
	}
	if _, err := pipe.Exec(context.Background()); err != nil {
		s.t.Fatal(err)
	}
	for _, n := range s.engine.known() {
		n.clock.tell(s.Now().UnixMilli(), time.Now())
	}
}

func (s *clusterSubject) Advance(d time.Duration) {
	s.Clock.Advance(d)
	s.setClock()
}

func (s *clusterSubject) Snapshot(
	ctx context.Context, stock reservation.StockID,
) (reservation.Snapshot, error) {
	keys := s.keys.of(stock)
	n, err := s.engine.find(ctx, keys.meta())
	if err != nil {
		return reservation.Snapshot{}, err
	}
	return snapshotOf(ctx, n.client, keys, stock, s.Now())
}

// TestCluster_StocksLieOnAllNodes has a hundred stocks called at the same time: each primary has a
// part of them, all of a stock lies on one, and the sweepers find the holds of all.
func TestCluster_StocksLieOnAllNodes(t *testing.T) {
	t.Parallel()
	cluster := quietCluster(t)
	s := openCluster(t, cluster, Options{})
	const stocks = 100
	ttl := must(reservation.NewTTL(time.Second))
	var callers sync.WaitGroup
	for n := range stocks {
		callers.Go(func() {
			stock := mustStock(fmt.Sprintf("s%d", n))
			arrival := restockOf("first", "mug", 5)
			arrival.Stock = stock
			if _, err := s.Restock(t.Context(), arrival); err != nil {
				t.Error(err)
			}
			request := reserveOf("o1", "mug")
			request.Stock, request.TTL = stock, ttl
			if _, err := s.Reserve(t.Context(), request); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	eventually(t, func(context.Context) error {
		if stats := s.Stats(); stats.Stocks != stocks || stats.ScanTime.IsZero() {
			return fmt.Errorf("the scan found %d stocks", stats.Stocks)
		}
		return nil
	})
	nodes := map[*node]int{}
	for n := range stocks {
		stock := mustStock(fmt.Sprintf("s%d", n))
		at, err := s.engine.find(t.Context(), s.keys.of(stock).meta())
		if err != nil {
			t.Fatal(err)
		}
		nodes[at]++
		eventually(t, func(ctx context.Context) error {
			held, err := at.client.ZCard(ctx, s.keys.of(stock).held()).Result()
			if err == nil && held > 0 {
				err = fmt.Errorf("stock %s still has %d holds", stock, held)
			}
			return err
		})
	}
	if len(nodes) != 3 {
		t.Errorf("the stocks lie on %d of 3 nodes", len(nodes))
	}
	for n := range nodes {
		if count := len(keysOf(t, n.client, s.options.Prefix)); count < nodes[n]*5 {
			t.Errorf("%d keys of %d stocks lie on a node", count, nodes[n])
		}
	}
}
