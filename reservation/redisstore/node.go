package redisstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// node is one process of the store as calls meet it: the only one, or one of a cluster. Each has
// scripts of its own, for its run_id stands in their text, and a clock of its own.
type node struct {
	client  *redis.Client
	scripts scriptSets
	health  health
	clock   storeClock
	// replicas is what is known of its replicas.
	replicas replicas
	// isPrimary is whether it took writes when it was last asked.
	isPrimary atomic.Bool
}

func newNode(client *redis.Client, texts []scriptText, options Options) *node {
	n := &node{client: client, scripts: scriptSets{texts: texts}}
	n.clock.logger = options.Logger
	return n
}

// engine knows which node has which keys.
type engine interface {
	// find returns the node that has a key, as far as is known.
	find(ctx context.Context, key string) (*node, error)
	// all asks for every node, replicas of a cluster included.
	all(ctx context.Context) ([]*node, error)
	// known returns the nodes that were met so far; it asks nobody.
	known() []*node
	// refresh asks who has what, after a node turned a call away.
	refresh(ctx context.Context)
	// doubt has it asked in the background, after a node did not answer.
	doubt()
}

// single is the engine of a store that is one process.
type single struct{ node *node }

func (e *single) find(context.Context, string) (*node, error) { return e.node, nil }
func (e *single) all(context.Context) ([]*node, error)        { return []*node{e.node}, nil }
func (e *single) known() []*node                              { return []*node{e.node} }
func (e *single) refresh(context.Context)                     {}
func (e *single) doubt()                                      {}

// fitNode returns the node that has a key, and an error where it may not be used.
func (s *Store) fitNode(ctx context.Context, key string) (*node, error) {
	n, err := s.engine.find(ctx, key)
	if err != nil {
		return nil, s.notExecuted(err)
	}
	return n, n.health.err()
}

// scriptsOf returns the scripts for the process that a node was when it was last asked.
func (s *Store) scriptsOf(ctx context.Context, n *node) (*scriptSet, error) {
	if set := n.scripts.present(); set != nil {
		return set, nil
	}
	conn := n.client.Conn()
	defer func() { _ = conn.Close() }() // it goes back to the others
	return s.greet(ctx, n, conn)
}

// errNotPrimary is when a node of a cluster is a replica. It turns every call away by itself.
var errNotPrimary = errors.New("the node is a replica")

// lookAtAll looks at every node at the same time, so that one that hangs holds up no other.
func (s *Store) lookAtAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	defer cancel()
	nodes, err := s.engine.all(ctx)
	if err != nil {
		s.options.Logger.Debug("cannot ask for the nodes of the cluster", "error", err)
		return
	}
	var looking sync.WaitGroup
	for _, n := range nodes {
		looking.Go(func() { s.look(ctx, n) })
	}
	looking.Wait()
}

// look takes one look. A store that cannot be reached keeps its verdict: calls find out by
// themselves.
func (s *Store) look(ctx context.Context, n *node) {
	before := n.health.err()
	conn := n.client.Conn()
	defer func() { _ = conn.Close() }() // it goes back to the others
	_, err := s.greet(ctx, n, conn)
	if err != nil && !errors.Is(err, errUnfit) && !errors.Is(err, errNotPrimary) {
		s.options.Logger.Debug("cannot look at the store", "error", err)
	}
	logger := s.options.Logger
	if s.cluster != nil {
		logger = logger.With("node", n.client.Options().Addr)
	}
	switch after := n.health.err(); {
	case before == nil && after != nil:
		logger.Error("store is no longer fit for use", "error", after)
	case before != nil && after == nil:
		logger.Info("store is fit for use again")
	}
}
