package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// slots is how many a Redis Cluster has (Redis Cluster specification).
const slots = 16_384

// busDistance is how far a node's bus port is from its own, unless it is told.
const busDistance = 10_000

// Cluster is a Redis Cluster of servers on the loopback: the primaries first, each with an equal
// part of the slots, then the replicas in the same order.
type Cluster struct {
	Servers   []*Server
	primaries int
}

// StartCluster starts a cluster with its data in dir: so many primaries, and a replica of each
// where replicas is true. A failover begins after nodeTimeout. Further arguments are options of
// each redis-server.
func StartCluster(
	ctx context.Context, dir string, primaries int, replicas bool, nodeTimeout time.Duration,
	args ...string,
) (_ *Cluster, err error) {
	c := &Cluster{primaries: primaries}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	count := primaries
	if replicas {
		count *= 2
	}
	own := append([]string{
		"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf",
		"--cluster-node-timeout", strconv.FormatInt(nodeTimeout.Milliseconds(), 10),
		"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
		"--cluster-replica-validity-factor", "0", "--cluster-require-full-coverage", "no",
	}, args...)
	for n := range count {
		server, err := startMember(ctx, filepath.Join(dir, fmt.Sprintf("node-%d", n)), own)
		if err != nil {
			return c, err
		}
		c.Servers = append(c.Servers, server)
	}
	return c, c.join(ctx)
}

// startMember starts one node on a port whose bus port is free as well.
func startMember(ctx context.Context, dir string, args []string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("start a cluster: %w", err)
	}
	for {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		bus := strconv.Itoa(port + busDistance)
		if port+busDistance > 65_535 {
			if bus, err = freePortText(ctx); err != nil {
				return nil, err
			}
		}
		server, err := startAt(ctx, dir, port, append(slices.Clone(args), "--cluster-port", bus)...)
		if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "already in use") {
			return server, err
		}
	}
}

func freePortText(ctx context.Context) (string, error) {
	port, err := freePort(ctx)
	return strconv.Itoa(port), err
}

// join makes one cluster of the servers and waits until all of them know it.
func (c *Cluster) join(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for n := range c.primaries {
		from, to := n*slots/c.primaries, (n+1)*slots/c.primaries-1
		if err := c.do(ctx, n, "CLUSTER", "ADDSLOTSRANGE", from, to); err != nil {
			return err
		}
	}
	for n := range c.Servers {
		// Nodes that think that they are equally new would settle it among themselves, in time.
		if err := c.do(ctx, n, "CLUSTER", "SET-CONFIG-EPOCH", n+1); err != nil {
			return err
		}
	}
	for _, other := range c.Servers[1:] {
		host, port, _ := net.SplitHostPort(other.Address)
		arguments := []any{"CLUSTER", "MEET", host, port}
		if at := slices.Index(other.args, "--cluster-port"); at >= 0 {
			arguments = append(arguments, other.args[at+1])
		}
		if err := c.do(ctx, 0, arguments...); err != nil {
			return err
		}
	}
	for n := c.primaries; n < len(c.Servers); n++ {
		id, err := c.ID(ctx, n-c.primaries)
		if err != nil {
			return err
		}
		err = Await(ctx, func() error { return c.do(ctx, n, "CLUSTER", "REPLICATE", id) })
		if err != nil {
			return err
		}
	}
	return c.AwaitWhole(ctx)
}

func (c *Cluster) do(ctx context.Context, n int, arguments ...any) error {
	client := c.Servers[n].patient()
	defer func() { _ = client.Close() }()
	if err := client.Do(ctx, arguments...).Err(); err != nil {
		return fmt.Errorf("%v at node %d: %w", arguments, n, err)
	}
	return nil
}

// ID returns the id that a server has in the cluster.
func (c *Cluster) ID(ctx context.Context, n int) (string, error) {
	client := c.Servers[n].patient()
	defer func() { _ = client.Close() }()
	id, err := client.ClusterMyID(ctx).Result()
	if err != nil {
		return "", fmt.Errorf("ask node %d who it is: %w", n, err)
	}
	return id, nil
}

// AwaitWhole waits until every server that runs knows every slot to be served, sees no other as
// failing, and every replica follows its primary.
func (c *Cluster) AwaitWhole(ctx context.Context) error {
	return Await(ctx, func() error {
		for _, server := range c.Servers {
			if err := c.isWhole(ctx, server); err != nil {
				return err
			}
		}
		return nil
	})
}

var errNotWhole = errors.New("the cluster is not whole")

func (c *Cluster) isWhole(ctx context.Context, server *Server) error {
	if server.hasExited() {
		return nil
	}
	client := server.patient()
	defer func() { _ = client.Close() }()
	info, err := client.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	nodes, err := client.ClusterNodes(ctx).Result()
	if err != nil {
		return err
	}
	role, err := client.Info(ctx, "replication").Result()
	if err != nil {
		return err
	}
	running := 0
	for _, other := range c.Servers {
		if !other.hasExited() {
			running++
		}
	}
	switch {
	case !strings.Contains(info, "cluster_state:ok"), strings.Contains(nodes, "handshake"),
		strings.Count(nodes, " connected") < running,
		strings.Contains(role, "role:slave") && !strings.Contains(role, "master_link_status:up"):
		return fmt.Errorf("%w: %s sees\n%s", errNotWhole, server.Address, nodes)
	}
	return nil
}

// PrimaryOf returns which server is the primary of the slot of a key.
func (c *Cluster) PrimaryOf(ctx context.Context, key string) (n int, slot int64, err error) {
	for at, server := range c.Servers {
		if server.hasExited() {
			continue
		}
		client := server.patient()
		slot, err = client.ClusterKeySlot(ctx, key).Result()
		if err == nil {
			var text string
			text, err = client.ClusterNodes(ctx).Result()
			if err == nil && servesItself(text, slot) {
				n = at
				_ = client.Close()
				return n, slot, nil
			}
		}
		_ = client.Close()
	}
	return 0, 0, fmt.Errorf("no server has the key %s: %w", key, errors.Join(err, errNotWhole))
}

// servesItself says whether the node that tells of its cluster is the primary of a slot.
func servesItself(nodes string, slot int64) bool {
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(line)
		if len(fields) < 8 || !strings.Contains(fields[2], "myself") ||
			!strings.Contains(fields[2], "master") {
			continue
		}
		for _, part := range fields[8:] {
			from, to, isRange := strings.Cut(part, "-")
			if !isRange {
				to = from
			}
			first, err := strconv.ParseInt(from, 10, 64)
			last, lastErr := strconv.ParseInt(to, 10, 64)
			if err == nil && lastErr == nil && first <= slot && slot <= last {
				return true
			}
		}
	}
	return false
}

// URL returns the cluster's address as serve --redis takes it.
func (c *Cluster) URL() string {
	addresses := make([]string, len(c.Servers))
	for n, server := range c.Servers {
		addresses[n] = server.Address
	}
	return "redis+cluster://" + strings.Join(addresses, ",")
}

// Stop ends every server.
func (c *Cluster) Stop() {
	var stopping sync.WaitGroup
	for _, server := range c.Servers {
		stopping.Go(server.Kill) // an orderly end would wait for replicas
	}
	stopping.Wait()
}

// Await tries until it succeeds or ctx ends.
func Await(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}
