package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// freeze stops the store for longer than callers wait: what was sent to it comes to be looked at
// when its time is over.
func freeze(ctx context.Context, s *stage) error {
	thaw, err := s.Redis.Freeze(ctx)
	if err != nil {
		return err
	}
	rest(ctx, s.options.Timeout+s.between(100*time.Millisecond, 300*time.Millisecond))
	err = thaw()
	rest(ctx, s.between(100*time.Millisecond, 200*time.Millisecond))
	return err
}

// killServer kills a server in the midst of a batch and starts it again.
func killServer(ctx context.Context, s *stage) error {
	server := s.Servers[s.random.IntN(len(s.Servers))]
	server.Kill()
	rest(ctx, s.between(0, 50*time.Millisecond))
	err := server.Start(ctx)
	rest(ctx, s.between(50*time.Millisecond, 200*time.Millisecond))
	return err
}

// killRedis kills the store and starts it again.
func killRedis(ctx context.Context, s *stage) error {
	if err := s.Redis.Crash(ctx); err != nil {
		return err
	}
	rest(ctx, s.between(0, 50*time.Millisecond))
	err := s.Redis.Restart(ctx)
	rest(ctx, s.between(100*time.Millisecond, 200*time.Millisecond))
	return err
}

// growFile gives the store something to load for a while: it lies in another database.
func growFile(ctx context.Context, s *stage) (any, error) {
	const keys, atOnce = 150_000, 10_000
	connection := s.Redis.Admin.Conn()
	defer func() { _ = connection.Close() }()
	if err := connection.Select(ctx, 1).Err(); err != nil {
		return nil, fmt.Errorf("grow the store's file: %w", err)
	}
	for from := 0; from < keys; from += atOnce {
		values := make([]any, 0, 2*atOnce)
		for n := from; n < from+atOnce; n++ {
			values = append(values, fmt.Sprintf("filler-%d", n), n)
		}
		if err := connection.MSet(ctx, values...).Err(); err != nil {
			return nil, fmt.Errorf("grow the store's file: %w", err)
		}
	}
	return nil, connection.Select(ctx, 0).Err()
}

// callersCancel does nothing: the callers do it themselves.
func callersCancel(ctx context.Context, _ *stage) error {
	rest(ctx, 50*time.Millisecond)
	return nil
}

// deploy restarts a server as its other version, in an orderly way, so that most of the time two
// versions run.
func deploy(ctx context.Context, s *stage) error {
	n := int(s.result.Injected) % len(s.Servers)
	server := s.Servers[n]
	versions := []string{s.options.Programs.Server, s.options.Programs.Other}
	server.Use(versions[(n+1+int(s.result.Injected)/len(s.Servers))%len(versions)])
	err := errors.Join(server.Stop(), server.Start(ctx))
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	return err
}

// sawBothVersions says that the second server brought other scripts than the first, and that each
// was deployed anew.
func sawBothVersions(_ context.Context, s *stage) (bool, error) {
	return s.Scripts[1] > s.Scripts[0] && s.result.Injected >= int64(len(s.Servers)), nil
}
