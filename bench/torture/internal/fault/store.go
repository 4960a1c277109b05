package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// setting changes a setting of the store for a while.
func (s *stage) setting(ctx context.Context, name, value, usual string) error {
	if err := s.Redis.Admin.ConfigSet(ctx, name, value).Err(); err != nil {
		return fmt.Errorf("set %s: %w", name, err)
	}
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	if err := s.Redis.Admin.ConfigSet(ctx, name, usual).Err(); err != nil {
		return fmt.Errorf("set %s back: %w", name, err)
	}
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	return nil
}

// fill leaves the store no memory.
func fill(ctx context.Context, s *stage) error { return s.setting(ctx, "maxmemory", "1", "0") }

// demandReplicas has the store want replicas that it does not have.
func demandReplicas(ctx context.Context, s *stage) error {
	return s.setting(ctx, "min-replicas-to-write", "1", "0")
}

// flushAndKill forgets the scripts and ends the connections, every 50 ms.
func flushAndKill(ctx context.Context, s *stage) error {
	err := s.Redis.Admin.ScriptFlush(ctx).Err()
	killed := s.Redis.Admin.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Err()
	rest(ctx, 50*time.Millisecond)
	return errors.Join(err, killed)
}

// demote makes the store the replica of nobody, so that it is read-only and keeps what it has.
func demote(ctx context.Context, s *stage) error {
	const nobody = "1" // a port of the loopback where nobody listens
	if err := s.Redis.Admin.ReplicaOf(ctx, "127.0.0.1", nobody).Err(); err != nil {
		return fmt.Errorf("make the store a replica: %w", err)
	}
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	if err := s.Redis.Admin.ReplicaOf(ctx, "NO", "ONE").Err(); err != nil {
		return fmt.Errorf("make the store a primary again: %w", err)
	}
	// A server that saw a replica looks again after a second at the latest.
	rest(ctx, s.between(300*time.Millisecond, 1_200*time.Millisecond))
	return nil
}

// failSnapshot has the store fail to write a snapshot, for a folder lies where the file belongs.
// By default it takes no writes then.
func failSnapshot(ctx context.Context, s *stage) error {
	folder := s.dataFile("dump.rdb")
	if err := errors.Join(remove(folder), os.MkdirAll(folder+"/full", 0o750)); err != nil {
		return err
	}
	if err := s.snapshot(ctx, "err"); err != nil {
		return err
	}
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	if err := remove(folder); err != nil {
		return err
	}
	err := s.snapshot(ctx, "ok")
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	return err
}

func remove(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("make room for a snapshot: %w", err)
	}
	return nil
}

// snapshot has the store write one and waits until it went as wanted.
func (s *stage) snapshot(ctx context.Context, want string) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for {
		fields, err := s.Redis.Info(ctx, "persistence")
		switch {
		case err != nil:
			return err
		case fields["rdb_last_bgsave_status"] == want && fields["rdb_bgsave_in_progress"] == "0":
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("wait for a snapshot: %w", ctx.Err())
		case fields["rdb_bgsave_in_progress"] == "0":
			if err := s.Redis.Admin.BgSave(ctx).Err(); err != nil {
				return fmt.Errorf("write a snapshot: %w", err)
			}
		}
		rest(ctx, 10*time.Millisecond)
	}
}
