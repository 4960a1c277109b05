package rig

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// Redis is a Redis or Valkey in a process of its own, and a connection for doing it harm.
type Redis struct {
	*redistest.Server

	// Admin does not pass the proxy.
	Admin *redis.Client
	// Dir is where its data lies.
	Dir string

	mu     sync.Mutex
	errors map[string]int64 // by the errors' first word, of processes that are gone
}

// StartRedis starts a Redis with its data in dir; arguments win over those of redistest.
func StartRedis(ctx context.Context, dir string, arguments ...string) (*Redis, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("start a Redis: %w", err)
	}
	server, err := redistest.Start(ctx, dir, arguments...)
	if err != nil {
		return nil, err
	}
	return &Redis{
		Server: server, Admin: server.Client(), Dir: dir, errors: map[string]int64{},
	}, nil
}

// Crash kills the process; Restart brings it back.
func (r *Redis) Crash(ctx context.Context) error {
	now, err := r.errorsNow(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	for word, n := range now {
		r.errors[word] += n
	}
	r.mu.Unlock()
	r.Kill()
	return nil
}

// Errors returns how often the store answered with an error that begins with a word, such as OOM.
func (r *Redis) Errors(ctx context.Context, word string) (int64, error) {
	now, err := r.errorsNow(ctx)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errors[word] + now[word], nil
}

func (r *Redis) errorsNow(ctx context.Context) (map[string]int64, error) {
	lines, err := r.Info(ctx, "errorstats")
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for name, value := range lines {
		word, isError := strings.CutPrefix(name, "errorstat_")
		number, isCount := strings.CutPrefix(value, "count=")
		if !isError || !isCount {
			continue
		}
		if counts[word], err = strconv.ParseInt(number, 10, 64); err != nil {
			return nil, fmt.Errorf("read INFO: %w", err)
		}
	}
	return counts, nil
}

// Info returns the fields of a section of INFO.
func (r *Redis) Info(ctx context.Context, section string) (map[string]string, error) {
	text, err := r.Admin.Info(ctx, section).Result()
	if err != nil {
		return nil, fmt.Errorf("ask for INFO: %w", err)
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}

// Count returns a number of a section of INFO.
func (r *Redis) Count(ctx context.Context, section, field string) (int64, error) {
	fields, err := r.Info(ctx, section)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(fields[field], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read INFO's %s: %w", field, err)
	}
	return n, nil
}

// Freeze stops the process where it is until the returned function is called: what is sent to it
// meanwhile waits.
func (r *Redis) Freeze(ctx context.Context) (thaw func() error, err error) {
	process, err := r.Count(ctx, "server", "process_id")
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(int(process), syscall.SIGSTOP); err != nil {
		return nil, fmt.Errorf("freeze the Redis: %w", err)
	}
	return func() error {
		if err := syscall.Kill(int(process), syscall.SIGCONT); err != nil {
			return fmt.Errorf("thaw the Redis: %w", err)
		}
		return nil
	}, nil
}

// Close stops the process.
func (r *Redis) Close() error {
	err := r.Admin.Close()
	r.Stop()
	return err
}
