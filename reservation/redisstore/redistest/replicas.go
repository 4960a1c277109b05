package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The times of a Sentinel that is in a hurry, as a test is, in ms.
const (
	downAfter       = 500
	failoverTimeout = 2_000
)

// StartReplica starts a replica of the server, with its data in dir, and waits until it is in step.
// It keeps what it has as a server of Start does, and further arguments win as there.
func (s *Server) StartReplica(ctx context.Context, dir string, args ...string) (*Server, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("the primary's address: %w", err)
	}
	primary := s.Client()
	defer func() { _ = primary.Close() }()
	// A primary waits for more replicas before it sends its data to the first.
	if err := primary.ConfigSet(ctx, "repl-diskless-sync-delay", "0").Err(); err != nil {
		return nil, fmt.Errorf("have the primary send its data at once: %w", err)
	}
	replica, err := Start(ctx, dir, append([]string{"--replicaof", host, port}, args...)...)
	if err != nil {
		return nil, err
	}
	if err := replica.AwaitInStepWith(ctx, s); err != nil {
		replica.Kill()
		return nil, err
	}
	return replica, nil
}

// Follow makes the server a replica of another, and waits until it is in step.
func (s *Server) Follow(ctx context.Context, primary *Server) error {
	host, port, err := net.SplitHostPort(primary.Address)
	if err != nil {
		return fmt.Errorf("the primary's address: %w", err)
	}
	client := s.Client()
	defer func() { _ = client.Close() }()
	if err := client.ReplicaOf(ctx, host, port).Err(); err != nil {
		return fmt.Errorf("follow a primary: %w", err)
	}
	return s.AwaitInStepWith(ctx, primary)
}

// AwaitInStepWith waits until the server is a replica that has all of a primary's data, in its file
// too, and until the primary says so.
func (s *Server) AwaitInStepWith(ctx context.Context, primary *Server) error {
	replica, upstream := s.Client(), primary.Client()
	defer func() { _ = errors.Join(replica.Close(), upstream.Close()) }()
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return fmt.Errorf("the replica's address: %w", err)
	}
	listed := regexp.MustCompile(`slave\d+:ip=[^,]*,port=` + port + `,state=online`)
	return await(ctx, "a replica did not get in step", func(ctx context.Context) (bool, error) {
		own, err := replica.InfoMap(ctx, "replication", "persistence").Result()
		if err != nil {
			return false, err
		}
		told, err := upstream.Info(ctx, "replication").Result()
		return own["Replication"]["master_link_status"] == "up" &&
			own["Persistence"]["aof_rewrite_in_progress"] == "0" &&
			own["Persistence"]["aof_rewrite_scheduled"] == "0" && listed.MatchString(told), err
	})
}

// Promote makes a replica a primary.
func (s *Server) Promote(ctx context.Context) error {
	client := s.Client()
	defer func() { _ = client.Close() }()
	if err := client.ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
		return fmt.Errorf("promote a replica: %w", err)
	}
	return nil
}

// StartSentinel starts a Sentinel that knows a primary by a name and decides alone, and waits until
// it knows as many replicas. Its URL is that of the primary that it names.
func StartSentinel(
	ctx context.Context, dir, name string, primary *Server, replicas int,
) (*Sentinel, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	host, primaryPort, err := net.SplitHostPort(primary.Address)
	if err != nil {
		return nil, fmt.Errorf("the primary's address: %w", err)
	}
	settings := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nlogfile %s\n"+
		"sentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %s %d\n"+
		"sentinel failover-timeout %s %d\n",
		port, dir, filepath.Join(dir, "log"), name, host, primaryPort, name, downAfter,
		name, failoverTimeout)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the Sentinel's settings: %w", err)
	}
	s := &Sentinel{
		Server: &Server{
			Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir,
			args: []string{settings, "--sentinel"},
		},
		Name: name,
	}
	if err := s.Restart(ctx); err != nil {
		return nil, err
	}
	if err := s.awaitReplicas(ctx, replicas); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
}

// Sentinel is a running Sentinel.
type Sentinel struct {
	*Server

	// Name is how it calls the primary.
	Name string
}

// URL returns where the primary is, as Holdfast is told.
func (s *Sentinel) URL() string { return "redis+sentinel://" + s.Address + "/" + s.Name }

// Primary returns the address of whom the Sentinel takes for the primary.
func (s *Sentinel) Primary(ctx context.Context) (string, error) {
	client := s.client()
	defer func() { _ = client.Close() }()
	address, err := client.GetMasterAddrByName(ctx, s.Name).Result()
	if err != nil || len(address) != 2 {
		return "", fmt.Errorf("ask the Sentinel for the primary: %w", err)
	}
	return net.JoinHostPort(address[0], address[1]), nil
}

// AwaitPrimary waits until the Sentinel takes a server for the primary.
func (s *Sentinel) AwaitPrimary(ctx context.Context, server *Server) error {
	return await(ctx, "the Sentinel did not promote a replica",
		func(ctx context.Context) (bool, error) {
			address, err := s.Primary(ctx)
			return address == server.Address, err
		})
}

// Failover has the Sentinel promote a replica though the primary is well.
func (s *Sentinel) Failover(ctx context.Context) error {
	client := s.client()
	defer func() { _ = client.Close() }()
	if err := client.Failover(ctx, s.Name).Err(); err != nil {
		return fmt.Errorf("have the Sentinel fail over: %w", err)
	}
	return nil
}

func (s *Sentinel) client() *redis.SentinelClient {
	return redis.NewSentinelClient(&redis.Options{
		Addr: s.Address, MaxRetries: -1, DisableIdentity: true,
	})
}

func (s *Sentinel) awaitReplicas(ctx context.Context, replicas int) error {
	client := s.client()
	defer func() { _ = client.Close() }()
	return await(ctx, "the Sentinel did not find the replicas",
		func(ctx context.Context) (bool, error) {
			known, err := client.Replicas(ctx, s.Name).Result()
			reachable := 0
			for _, replica := range known {
				if replica["flags"] == "slave" && replica["master-link-status"] == "ok" {
					reachable++
				}
			}
			return reachable >= replicas, err
		})
}

// await asks again and again until something is so.
func await(
	ctx context.Context, otherwise string, is func(ctx context.Context) (bool, error),
) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		so, err := is(ctx)
		if so && err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s within %v: %w", otherwise, startTimeout, ctx.Err())
		}
	}
}
