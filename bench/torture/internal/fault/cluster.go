package fault

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// clusterStocks is how many stocks are spread over a cluster unless a run wants another number.
const clusterStocks = 100

// clusters returns the harm that is done to a Redis Cluster.
func clusters() []Scenario {
	return []Scenario{
		{
			Name: "cluster-failover", Durability: fsync, harm: failOver, felt: severalTimes,
			afterwards: didStoresChange, servers: 2, cluster: true,
		},
		{
			Name: "cluster-primary-killed", Durability: fsync, harm: killPrimary, felt: disturbed,
			prepare: beginRecoveries, afterwards: tellRecoveries, servers: 2, cluster: true,
		},
		{
			Name: "cluster-slots-moved", Durability: fsync, harm: moveStock, felt: severalTimes,
			afterwards: didStoresChange, servers: 2, cluster: true,
		},
	}
}

// stocks returns the names of the stocks that are sold from; nil: the usual ones.
func (s *stage) stocks() []string {
	if !s.scenario.cluster {
		return nil
	}
	stocks := make([]string, cmp.Or(s.options.Stocks, clusterStocks))
	for n := range stocks {
		stocks[n] = fmt.Sprintf("shop-%d", n)
	}
	return stocks
}

// severalTimes says that harm was done three times: callers need not feel it.
func severalTimes(_ context.Context, s *stage) (bool, error) { return s.result.Injected >= 3, nil }

// keyOfAny returns a key of a stock chosen at random.
func (s *stage) keyOfAny() string {
	stocks := s.stocks()
	return "hf:{" + stocks[s.random.IntN(len(stocks))] + "}:meta"
}

// replicaOf returns the server that is the replica of another.
func (s *stage) replicaOf(ctx context.Context, primary int) (int, error) {
	_, port, _ := strings.Cut(s.Cluster.Servers[primary].Address, ":")
	for n, server := range s.Cluster.Servers {
		fields, err := replication(ctx, server)
		if err == nil && fields["role"] == "slave" && fields["master_port"] == port {
			return n, nil
		}
	}
	return 0, fmt.Errorf("server %d of the cluster has no replica", primary)
}

// replication returns what a server says of its replication.
func replication(ctx context.Context, server *redistest.Server) (map[string]string, error) {
	client := server.Client()
	defer func() { _ = client.Close() }()
	text, err := client.Info(ctx, "replication").Result()
	if err != nil {
		return nil, fmt.Errorf("ask for INFO: %w", err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// failOver has a replica take over in the planned way: its primary stops writes until the replica
// has all of them.
func failOver(ctx context.Context, s *stage) error {
	primary, _, err := s.Cluster.PrimaryOf(ctx, s.keyOfAny())
	if err != nil {
		return err
	}
	replica, err := s.replicaOf(ctx, primary)
	if err != nil {
		return err
	}
	if err := s.Cluster.Failover(ctx, replica); err != nil {
		return err
	}
	if err := s.Cluster.AwaitWhole(ctx); err != nil {
		return err
	}
	rest(ctx, s.between(100*time.Millisecond, 300*time.Millisecond))
	return nil
}

// recoveries are how long a cluster took, after a primary was killed, until its replica had taken
// over and a call was acknowledged again.
type recoveries struct{ longest, promoted time.Duration }

func beginRecoveries(context.Context, *stage) (any, error) { return &recoveries{}, nil }

// killPrimary kills a primary once its replica has all that was acknowledged: Redis Cluster
// replicates after it has answered, and promises nothing of what was not replicated. Writes are
// held up for that, which is no more than an answer that comes late. The killed server comes back
// as the replica.
func killPrimary(ctx context.Context, s *stage) error {
	key := s.keyOfAny()
	primary, _, err := s.Cluster.PrimaryOf(ctx, key)
	if err != nil {
		return err
	}
	replica, err := s.replicaOf(ctx, primary)
	if err != nil {
		return err
	}
	server := s.Cluster.Servers[primary]
	if err := awaitReplicated(ctx, server); err != nil {
		return err
	}
	server.Kill()
	killed := time.Now()
	if err := mayFailOver(ctx, s.Cluster.Servers[replica], true); err != nil {
		return err
	}
	if err := awaitTakeover(ctx, s, key); err != nil {
		return err
	}
	if err := mayFailOver(ctx, s.Cluster.Servers[replica], false); err != nil {
		return err
	}
	r, _ := s.state.(*recoveries)
	r.promoted = max(r.promoted, time.Since(killed))
	before := s.books.Counts().Acknowledged
	if err := s.awaitCalls(ctx, before+warmUp); err != nil {
		return err
	}
	r.longest = max(r.longest, time.Since(killed))
	if err := server.Restart(ctx); err != nil {
		return err
	}
	return s.Cluster.AwaitWhole(ctx)
}

// mayFailOver says whether a replica may take over from a primary that fails.
func mayFailOver(ctx context.Context, server *redistest.Server, may bool) error {
	client := server.Client()
	defer func() { _ = client.Close() }()
	value := map[bool]string{true: "no", false: "yes"}[may]
	if err := client.ConfigSet(ctx, "cluster-replica-no-failover", value).Err(); err != nil {
		return fmt.Errorf("let a replica take over: %w", err)
	}
	return nil
}

// awaitReplicated holds up writes until the replica has all.
func awaitReplicated(ctx context.Context, server *redistest.Server) error {
	client := server.Client()
	defer func() { _ = client.Close() }()
	if err := client.Do(ctx, "CLIENT", "PAUSE", 10_000, "WRITE").Err(); err != nil {
		return fmt.Errorf("hold writes up: %w", err)
	}
	return redistest.Await(ctx, func() error {
		fields, err := replication(ctx, server)
		if err != nil {
			return err
		}
		_, offset, _ := strings.Cut(fields["slave0"], "offset=")
		offset, _, _ = strings.Cut(offset, ",")
		if offset != fields["master_repl_offset"] {
			return fmt.Errorf("the replica is at %s of %s", offset, fields["master_repl_offset"])
		}
		return nil
	})
}

// awaitTakeover waits until a replica says that it has a key's slot.
func awaitTakeover(ctx context.Context, s *stage, key string) error {
	return redistest.Await(ctx, func() error {
		_, _, err := s.Cluster.PrimaryOf(ctx, key)
		return err
	})
}

// tellRecoveries notes how long it took.
func tellRecoveries(ctx context.Context, s *stage) error {
	r, _ := s.state.(*recoveries)
	s.notef("after a kill a replica had taken over within %v, %d calls more were acknowledged "+
		"within %v", r.promoted.Round(time.Millisecond), warmUp, r.longest.Round(time.Millisecond))
	return didStoresChange(ctx, s)
}

// moveStock moves the slot of a stock to another primary, a few keys at a time, while it is called.
func moveStock(ctx context.Context, s *stage) error {
	from, slot, err := s.Cluster.PrimaryOf(ctx, s.keyOfAny())
	if err != nil {
		return err
	}
	to := -1
	for n, server := range s.Cluster.Servers {
		fields, err := replication(ctx, server)
		if err == nil && fields["role"] == "master" && n != from && (to < 0 || s.random.IntN(2) == 0) {
			to = n
		}
	}
	if err := s.Cluster.MoveSlot(ctx, slot, from, to); err != nil {
		return err
	}
	rest(ctx, s.between(0, 50*time.Millisecond))
	return nil
}

// didStoresChange wants a journal to tell that another process has its stock: otherwise nothing
// was tried.
func didStoresChange(ctx context.Context, s *stage) error {
	for _, stock := range s.stocks() {
		changes, err := s.books.StoreChanges(ctx, stock)
		if err != nil {
			return err
		}
		if changes > 0 {
			s.notef("the journal of %s tells %d times of a store that changed, after %d times of harm",
				stock, changes, s.result.Injected)
			return nil
		}
	}
	s.result.Findings = append(s.result.Findings, "no stock was written to after the harm")
	return nil
}
