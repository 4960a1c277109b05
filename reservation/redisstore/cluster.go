package redisstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// refreshInterval is how often at most the nodes are asked who has what, however many stocks were
// turned away.
const refreshInterval = 20 * time.Millisecond

// cluster is the engine of a Redis Cluster. The client knows its slots and which node has each; a
// stock is one slot.
type cluster struct {
	client  *redis.ClusterClient
	newNode func(client *redis.Client) *node

	mu    sync.Mutex
	nodes map[*redis.Client]*node

	refreshing sync.Mutex
	refreshed  time.Time // guarded by refreshing
}

// connectCluster makes the clients of a store that is a Redis Cluster.
func (s *Store) connectCluster(texts []scriptText) error {
	if s.waitsForReplicas() {
		return misconfigured("--durability replica cannot be had from a Redis Cluster yet: start " +
			"Holdfast with --durability fsync, and see to the fence after a failover")
	}
	config, addresses, err := clusterOptions(s.options.URL, s.options.CallTimeout)
	if err != nil {
		return err
	}
	e := &cluster{
		nodes:   make(map[*redis.Client]*node),
		newNode: func(client *redis.Client) *node { return newNode(client, texts, s.options) },
	}
	e.client = newClusterClient(config, addresses, func(client func() *redis.Client) onConnect {
		return func(ctx context.Context, conn *redis.Conn) error {
			_, err := s.greet(ctx, e.of(client()), conn)
			if errors.Is(err, errNotPrimary) {
				return nil // it tells who has what all the same, and turns calls away
			}
			return err
		}
	})
	s.cluster = e
	s.client, s.engine = e.client, e
	s.watchClient = newClusterClient(watchOptions(config), addresses, nil)
	return nil
}

// onConnect is called with every new connection.
type onConnect = func(ctx context.Context, conn *redis.Conn) error

// newClusterClient makes a client whose nodes have the options of config. greet, where there is
// one, makes what is done with new connections of a node's client.
func newClusterClient(
	config *redis.Options, addresses []string, greet func(client func() *redis.Client) onConnect,
) *redis.ClusterClient {
	return redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: addresses, MaxRetries: -1, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: config.MaintNotificationsConfig,
		NewClient: func(asked *redis.Options) *redis.Client {
			own := *config
			own.Addr = asked.Addr
			var client *redis.Client
			if greet != nil {
				own.OnConnect = greet(func() *redis.Client { return client })
			}
			client = redis.NewClient(&own)
			return client
		},
	})
}

// of returns the node behind a client.
func (e *cluster) of(client *redis.Client) *node {
	e.mu.Lock()
	defer e.mu.Unlock()
	n, ok := e.nodes[client]
	if !ok {
		n = e.newNode(client)
		e.nodes[client] = n
	}
	return n
}

func (e *cluster) find(ctx context.Context, key string) (*node, error) {
	client, err := e.client.MasterForKey(ctx, key)
	if err != nil {
		return nil, err
	}
	return e.of(client), nil
}

// all asks the cluster for its nodes, and forgets those that are gone.
func (e *cluster) all(ctx context.Context) ([]*node, error) {
	var gathering sync.Mutex
	var nodes []*node
	present := make(map[*redis.Client]bool)
	err := e.client.ForEachShard(ctx, func(_ context.Context, client *redis.Client) error {
		gathering.Lock()
		defer gathering.Unlock()
		nodes = append(nodes, e.of(client))
		present[client] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for client := range e.nodes {
		if !present[client] {
			delete(e.nodes, client)
		}
	}
	return nodes, nil
}

func (e *cluster) known() []*node {
	e.mu.Lock()
	defer e.mu.Unlock()
	nodes := make([]*node, 0, len(e.nodes))
	for _, n := range e.nodes {
		nodes = append(nodes, n)
	}
	return nodes
}

// refresh asks the nodes who has what, one caller for all that want to know.
func (e *cluster) refresh(ctx context.Context) {
	asked := time.Now()
	e.refreshing.Lock()
	defer e.refreshing.Unlock()
	if e.refreshed.After(asked.Add(-refreshInterval)) {
		return
	}
	// What cannot be asked is found out by the call that comes next.
	_ = e.client.ForEachMaster(ctx, func(context.Context, *redis.Client) error { return nil })
	e.refreshed = time.Now()
}

func (e *cluster) doubt() { e.client.ReloadState(context.Background()) }

// checkCluster looks at every node once, for the start. One that is away may be failing over: then
// its stocks are unavailable, and no reason for the others to be.
func (s *Store) checkCluster(ctx context.Context) error {
	nodes, err := s.engine.all(ctx)
	if err != nil {
		return s.clusterVerdict(err)
	}
	errs := make([]error, len(nodes))
	var looking sync.WaitGroup
	for i, n := range nodes {
		looking.Go(func() {
			conn := n.client.Conn()
			defer func() { _ = conn.Close() }() // it goes back to the others
			_, errs[i] = s.greet(ctx, n, conn)
		})
	}
	looking.Wait()
	primaries := 0
	var away error
	for i, err := range errs {
		switch {
		case err == nil:
			primaries++
		case errors.Is(err, errNotPrimary):
		case errors.Is(err, errUnfit):
			return err
		default:
			away = s.cannotUse("the Redis at "+nodes[i].client.Options().Addr, err)
			s.options.Logger.Warn("a node of the cluster is away", "error", away)
		}
	}
	switch {
	case primaries > 0:
		return nil
	case away != nil:
		return away
	}
	return misconfigured("the cluster of --redis (HOLDFAST_REDIS_URL) has no primary")
}

// clusterVerdict says why no node could be asked: what a node is unfit for is said by that.
func (s *Store) clusterVerdict(err error) error {
	for _, n := range s.engine.known() {
		if verdict := n.health.err(); verdict != nil {
			return verdict
		}
	}
	return s.cannotUse("the Redis at "+s.cluster.client.Options().Addrs[0], err)
}
