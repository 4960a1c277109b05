// Command localcluster starts a Redis Cluster on the loopback, three primaries and three replicas,
// says how to serve against it, and stops it on SIGINT or SIGTERM. Its data is gone then.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

const (
	primaries = 3
	// nodeTimeout is after how long without an answer a primary's replica takes over. Redis' own
	// default of 15 s suits networks; this is for a look.
	nodeTimeout = 2 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "localcluster:", err)
		os.Exit(1)
	}
}

// run starts the cluster, tells of it, and stops it when ctx ends.
func run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "holdfast-cluster-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cluster, err := redistest.StartCluster(ctx, dir, primaries, true, nodeTimeout)
	if err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	defer cluster.Stop()
	_, port, err := net.SplitHostPort(cluster.Servers[0].Address)
	if err != nil {
		return fmt.Errorf("find the cluster's port: %w", err)
	}
	fmt.Fprintln(out, "A Redis Cluster runs until Ctrl-C; its data is in "+dir+" until then.")
	for n, server := range cluster.Servers {
		role := "primary"
		if n >= primaries {
			role = "replica"
		}
		fmt.Fprintf(out, "  %s  %s, process %d\n", server.Address, role, server.PID())
	}
	fmt.Fprintln(out, "Serve against it:")
	fmt.Fprintf(out, "  go run ./cmd/holdfast serve --redis %s\n", cluster.URL())
	fmt.Fprintln(out, "Look at it:")
	fmt.Fprintf(out, "  redis-cli -c -p %s cluster nodes\n", port)
	<-ctx.Done()
	return nil
}
