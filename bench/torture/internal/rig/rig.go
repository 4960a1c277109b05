package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// The cluster of a rig. A primary counts as failing after nodeTimeout; no replica takes over by
// itself unless a scenario lets it, for on a busy machine one might where nothing has failed.
const (
	primaries   = 3
	nodeTimeout = 1500 * time.Millisecond
)

// Options say what stands in a rig.
type Options struct {
	// Dir is an empty directory for data and logs.
	Dir string
	// Programs are the servers, each started once and in this order; see [Builder.Build].
	Programs []string
	// Durability is none, fsync or replica; the Redis is set up for it.
	Durability string
	// Replicated gives the Redis a replica, and Sentinel a Sentinel besides, by which the servers
	// find it.
	Replicated, Sentinel bool
	// RedisArguments win over what the durability asks for.
	RedisArguments []string
	// Cluster says that the store is a Redis Cluster of three primaries with a replica each.
	Cluster bool
}

// Rig is a Redis and servers in front of it. Each server reaches the Redis through a proxy of its
// own, and is reached through another. Where the store is a cluster there is no proxy before it,
// for its nodes name each other's addresses, and Redis is nil.
type Rig struct {
	Redis   *Redis
	Cluster *redistest.Cluster
	Servers []*Server
	// Pair is the Redis' replica and what belongs to it; nil: there is none.
	Pair *Pair
	// ToRedis, ToServers and Clients stand in the order of Servers. A client goes through its
	// server's proxy.
	ToRedis, ToServers []*Proxy
	Clients            []*Client
	// Scripts is how many scripts the Redis had when each of the servers had started.
	Scripts []int64
}

// Start starts everything. On an error nothing is left running.
func Start(ctx context.Context, options Options) (_ *Rig, err error) {
	r := &Rig{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if err := os.MkdirAll(options.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	arguments := options.RedisArguments
	if options.Durability == "none" {
		arguments = append([]string{"--appendonly", "no"}, arguments...)
	}
	if options.Cluster {
		arguments = append([]string{"--cluster-replica-no-failover", "yes"}, arguments...)
		r.Cluster, err = redistest.StartCluster(ctx, filepath.Join(options.Dir, "cluster"), primaries,
			true, nodeTimeout, arguments...)
	} else {
		r.Redis, err = StartRedis(ctx, filepath.Join(options.Dir, "redis"), arguments...)
	}
	if err != nil {
		return nil, err
	}
	if options.Replicated {
		if r.Pair, err = startPair(ctx, options, r.Redis, arguments); err != nil {
			return nil, err
		}
	}
	for _, program := range options.Programs {
		if err := r.add(ctx, program, options); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// add starts one more server with its proxies.
func (r *Rig) add(ctx context.Context, program string, options Options) error {
	name := fmt.Sprintf("server-%d", len(r.Servers))
	url, err := r.storeURL(name)
	if err != nil {
		return err
	}
	server, err := StartServer(ctx, program, options.Dir, name, url, options.Durability)
	if err != nil {
		return err
	}
	r.Servers = append(r.Servers, server)
	toServer, err := StartProxy(name, server.Address)
	if err != nil {
		return err
	}
	r.ToServers = append(r.ToServers, toServer)
	client, err := Connect(toServer.Address())
	if err != nil {
		return err
	}
	r.Clients = append(r.Clients, client)
	if r.Cluster != nil {
		return nil
	}
	scripts, err := r.Redis.Count(ctx, "memory", "number_of_cached_scripts")
	r.Scripts = append(r.Scripts, scripts)
	return err
}

// storeURL returns how a server reaches the store.
func (r *Rig) storeURL(server string) (string, error) {
	if r.Cluster != nil {
		return r.Cluster.URL(), nil
	}
	toRedis, err := StartProxy(server+"-redis", r.Redis.Address)
	if err != nil {
		return "", err
	}
	r.ToRedis = append(r.ToRedis, toRedis)
	if r.Pair != nil && r.Pair.Sentinel != nil {
		return r.Pair.Sentinel.URL(), nil
	}
	return "redis://" + toRedis.Address(), nil
}

// Alarms returns what the servers' logs say that no fault outside of them explains.
func (r *Rig) Alarms() []string {
	var found []string
	for _, server := range r.Servers {
		found = append(found, server.Alarms()...)
	}
	return found
}

// Close ends everything.
func (r *Rig) Close() error {
	var errs []error
	for _, client := range r.Clients {
		errs = append(errs, client.Close())
	}
	for _, server := range r.Servers {
		errs = append(errs, server.Close())
	}
	for _, proxy := range append(r.ToServers, r.ToRedis...) {
		proxy.Close()
	}
	if r.Pair != nil {
		errs = append(errs, r.Pair.Close())
	}
	if r.Redis != nil {
		errs = append(errs, r.Redis.Close())
	}
	if r.Cluster != nil {
		r.Cluster.Stop()
	}
	return errors.Join(errs...)
}
