package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

// BeginMove opens a slot for its move: the server that has it is MIGRATING, the other IMPORTING it.
func (c *Cluster) BeginMove(ctx context.Context, slot int64, from, to int) error {
	source, sourceErr := c.ID(ctx, from)
	target, targetErr := c.ID(ctx, to)
	if err := errors.Join(sourceErr, targetErr); err != nil {
		return err
	}
	return errors.Join(
		c.do(ctx, to, "CLUSTER", "SETSLOT", slot, "IMPORTING", source),
		c.do(ctx, from, "CLUSTER", "SETSLOT", slot, "MIGRATING", target))
}

// MoveKeys moves up to so many keys of a slot that was opened, and returns how many it found.
func (c *Cluster) MoveKeys(ctx context.Context, slot int64, from, to, most int) (int, error) {
	client := c.Servers[from].patient()
	defer func() { _ = client.Close() }()
	keys, err := client.ClusterGetKeysInSlot(ctx, int(slot), most).Result()
	if err != nil {
		return 0, fmt.Errorf("list the keys of slot %d: %w", slot, err)
	}
	return len(keys), c.MoveNamed(ctx, from, to, keys...)
}

// MoveNamed moves certain keys of a slot that was opened.
func (c *Cluster) MoveNamed(ctx context.Context, from, to int, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	host, port, _ := net.SplitHostPort(c.Servers[to].Address)
	arguments := []any{"MIGRATE", host, port, "", 0, 5_000, "KEYS"}
	for _, key := range keys {
		arguments = append(arguments, key)
	}
	return c.do(ctx, from, arguments...)
}

// EndMove gives a slot to the server that its keys have moved to; from and to may be the same to
// close a slot whose move was given up.
func (c *Cluster) EndMove(ctx context.Context, slot int64, from, to int) error {
	id, err := c.ID(ctx, to)
	if err != nil {
		return err
	}
	// The one that gets it first: otherwise nobody would have it for a moment.
	if err := c.do(ctx, to, "CLUSTER", "SETSLOT", slot, "NODE", id); err != nil {
		return err
	}
	return c.do(ctx, from, "CLUSTER", "SETSLOT", slot, "NODE", id)
}

// MoveSlot moves a slot with all of its keys, a few at a time as redis-cli does.
func (c *Cluster) MoveSlot(ctx context.Context, slot int64, from, to int) error {
	if err := c.BeginMove(ctx, slot, from, to); err != nil {
		return err
	}
	for {
		n, err := c.MoveKeys(ctx, slot, from, to, 10)
		if err != nil {
			return err
		}
		if n == 0 {
			return c.EndMove(ctx, slot, from, to)
		}
	}
}

// Failover has a replica take over from its primary in the planned way, and waits until it has.
func (c *Cluster) Failover(ctx context.Context, replica int) error {
	client := c.Servers[replica].patient()
	defer func() { _ = client.Close() }()
	return Await(ctx, func() error {
		role, err := client.Info(ctx, "replication").Result()
		if err != nil {
			return err
		}
		if strings.Contains(role, "role:master") {
			return nil
		}
		return errors.Join(errNotWhole, client.ClusterFailover(ctx).Err())
	})
}
