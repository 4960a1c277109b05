package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// PrimaryName is how the Sentinel calls the store.
const PrimaryName = "shop-1"

// A Sentinel puts a replica right that follows another address than its primary's, as one behind a
// proxy does, when its failover-timeout is over; and it begins a failover at most every two of
// them.
const (
	usualFailoverTimeout = time.Hour
	hurriedTimeout       = time.Second
)

// Pair is a store's replica and who knows of both.
type Pair struct {
	// Replica is a Redis that follows the rig's, through Link.
	Replica *Redis
	// Link is the way from the replica to its primary.
	Link *Proxy
	// Sentinel promotes the replica when the primary is gone; nil: there is none.
	Sentinel *redistest.Sentinel
}

// startPair gives a Redis a replica.
func startPair(
	ctx context.Context, options Options, primary *Redis, arguments []string,
) (_ *Pair, err error) {
	p := &Pair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := primary.Admin.ConfigSet(ctx, "repl-diskless-sync-delay", "0").Err(); err != nil {
		return nil, fmt.Errorf("have the primary send its data at once: %w", err)
	}
	if p.Link, err = StartProxy("replica", primary.Address); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(p.Link.Address())
	if err != nil {
		return nil, fmt.Errorf("the way to the primary: %w", err)
	}
	p.Replica, err = StartRedis(ctx, filepath.Join(options.Dir, "replica"), append([]string{
		"--replicaof", host, port, "--repl-diskless-sync-delay", "0",
	}, arguments...)...)
	if err != nil {
		return nil, err
	}
	if err := p.Replica.AwaitInStepWith(ctx, primary.Server); err != nil {
		return nil, err
	}
	if options.Sentinel {
		err = p.startSentinel(ctx, options, primary)
	}
	return p, err
}

func (p *Pair) startSentinel(ctx context.Context, options Options, primary *Redis) (err error) {
	p.Sentinel, err = redistest.StartSentinel(ctx, options.Dir, PrimaryName, primary.Server, 1)
	if err != nil {
		return err
	}
	return p.setFailoverTimeout(ctx, usualFailoverTimeout)
}

func (p *Pair) setFailoverTimeout(ctx context.Context, d time.Duration) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: p.Sentinel.Address})
	defer func() { _ = client.Close() }()
	ms := strconv.FormatInt(d.Milliseconds(), 10)
	if err := client.Set(ctx, PrimaryName, "failover-timeout", ms).Err(); err != nil {
		return fmt.Errorf("set the Sentinel's failover-timeout: %w", err)
	}
	return nil
}

// AwaitPromotion waits until the Sentinel has promoted the replica.
func (p *Pair) AwaitPromotion(ctx context.Context) error {
	if err := p.setFailoverTimeout(ctx, hurriedTimeout); err != nil {
		return err
	}
	err := p.Sentinel.AwaitPrimary(ctx, p.Replica.Server)
	return errors.Join(err, p.setFailoverTimeout(ctx, usualFailoverTimeout))
}

// Exchange has the rig's Redis and its replica change places, after the replica was promoted and
// while the other runs: it follows the new primary from now on.
func (r *Rig) Exchange(ctx context.Context) error {
	r.Redis, r.Pair.Replica = r.Pair.Replica, r.Redis
	if err := r.Pair.Link.LeadTo(r.Redis.Address); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(r.Pair.Link.Address())
	if err != nil {
		return fmt.Errorf("the way to the primary: %w", err)
	}
	if err := r.Pair.Replica.Admin.ReplicaOf(ctx, host, port).Err(); err != nil {
		return fmt.Errorf("follow the new primary: %w", err)
	}
	return r.Pair.Replica.AwaitInStepWith(ctx, r.Redis.Server)
}

// Close ends the replica, its way to the primary, and the Sentinel.
func (p *Pair) Close() error {
	if p.Sentinel != nil {
		p.Sentinel.Kill() // it has nothing to say
	}
	if p.Link != nil {
		p.Link.Close()
	}
	if p.Replica != nil {
		return p.Replica.Close()
	}
	return nil
}
