package fault

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

// failovers returns what is done to a store that has a replica.
func failovers() []Scenario {
	return []Scenario{
		{
			Name: "failover-planned", Durability: fsync, harm: changePlaces, felt: disturbed,
			replicated: true, servers: 2,
		},
		{
			Name: "failover-replica", Durability: replica, harm: losePrimary, felt: disturbed,
			replicated: true, sentinel: true, servers: 2,
		},
	}
}

// changePlaces has primary and replica change places as an operator does: the primary waits until
// the replica has all. Then the address moves. Until it has, the servers talk to a store that was
// demoted.
func changePlaces(ctx context.Context, s *stage) error {
	host, port, err := net.SplitHostPort(s.Pair.Replica.Address)
	if err != nil {
		return fmt.Errorf("the replica's address: %w", err)
	}
	err = s.Redis.Admin.Do(ctx, "FAILOVER", "TO", host, port, "TIMEOUT", 10_000).Err()
	if err != nil {
		return fmt.Errorf("fail over: %w", err)
	}
	if err := awaitRole(ctx, s.Redis, "slave"); err != nil {
		return err
	}
	if err := awaitRole(ctx, s.Pair.Replica, "master"); err != nil {
		return err
	}
	rest(ctx, s.between(50*time.Millisecond, 250*time.Millisecond))
	if err := s.Exchange(ctx); err != nil {
		return err
	}
	for _, proxy := range s.ToRedis {
		if err := proxy.LeadTo(s.Redis.Address); err != nil {
			return err
		}
	}
	rest(ctx, s.between(200*time.Millisecond, 400*time.Millisecond))
	return nil
}

// awaitRole waits until a store has a role in its replication.
func awaitRole(ctx context.Context, r *rig.Redis, role string) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for {
		fields, err := r.Info(ctx, "replication")
		if err == nil && fields["role"] == role && fields["master_failover_state"] == "no-failover" {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the store to become a %s: %w", role, ctx.Err())
		}
		rest(ctx, 5*time.Millisecond)
	}
}

// losePrimary kills the primary, and with it everything of the last moments that is still on its
// way to the replica, which the Sentinel promotes. The killed one comes back and follows.
func losePrimary(ctx context.Context, s *stage) error {
	mend, err := s.Pair.Link.Add(rig.Toxic{
		Kind: "latency", Direction: rig.Answers, Attributes: map[string]int{"latency": 40},
	})
	if err != nil {
		return err
	}
	rest(ctx, s.between(200*time.Millisecond, 400*time.Millisecond))
	if err := s.Redis.Crash(ctx); err != nil {
		return err
	}
	start := s.Pair.Link.Cut()
	if err := s.Pair.AwaitPromotion(ctx); err != nil {
		return err
	}
	if err := s.Redis.Restart(ctx); err != nil {
		return err
	}
	if err := start(); err != nil {
		return err
	}
	if err := mend(ctx); err != nil {
		return err
	}
	if err := s.Exchange(ctx); err != nil {
		return err
	}
	rest(ctx, s.between(200*time.Millisecond, 400*time.Millisecond))
	return nil
}
