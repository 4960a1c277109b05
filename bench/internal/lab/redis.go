package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/bench/internal/process"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

// startTimeout is how long a program may take to come up.
const startTimeout = 30 * time.Second

// RedisOptions say what a Redis must promise and where it runs.
type RedisOptions struct {
	// Durable has it write every change to disk before it answers.
	Durable bool
	Cores   []int // none: all
}

// Redis is a running Redis (or Valkey) of a lab.
type Redis struct {
	URL     string
	Client  *redis.Client
	process *process.Process
}

// Redis starts a Redis with nothing in it.
func (l *Lab) Redis(ctx context.Context, options RedisOptions) (*Redis, error) {
	program, err := redistest.Find()
	if err != nil {
		return nil, err
	}
	dir, err := l.place("redis")
	if err != nil {
		return nil, err
	}
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--maxmemory-policy", "noeviction",
	}
	if options.Durable {
		// A rewrite of the file in the midst of one arm's run would decide a pair; PostgreSQL's
		// checkpoints are kept out in the same way.
		args = append(args, "--appendonly", "yes", "--appendfsync", "always",
			"--no-appendfsync-on-rewrite", "no", "--auto-aof-rewrite-percentage", "0")
	}
	started, err := process.Start(process.Spec{
		Path: program, Args: args, Log: filepath.Join(dir, "log"), Cores: options.Cores,
		End: syscall.SIGTERM,
	})
	if err != nil {
		return nil, err
	}
	l.onClose(started.Stop)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	r := &Redis{URL: "redis://" + address, process: started}
	r.Client = redis.NewClient(&redis.Options{
		Addr: address, MaxRetries: -1, DisableIdentity: true, ReadTimeout: startTimeout,
		Protocol: 2,
	})
	l.onClose(r.Client.Close)
	return r, await(ctx, started, func(ctx context.Context) error { return r.Client.Ping(ctx).Err() })
}

// await waits until a program answers.
func await(
	ctx context.Context, started *process.Process, ask func(ctx context.Context) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-started.Exited():
			return fmt.Errorf("a store ended at once:\n%s", started.LogTail())
		case <-ctx.Done():
			return fmt.Errorf("a store did not come up: %w", errors.Join(ctx.Err(), err))
		}
	}
}

// Empty forgets everything.
func (r *Redis) Empty(ctx context.Context) error {
	if err := r.Client.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("empty Redis: %w", err)
	}
	return nil
}

// info returns one section of INFO by names.
func (r *Redis) info(ctx context.Context, section string) (map[string]string, error) {
	text, err := r.Client.Info(ctx, section).Result()
	if err != nil {
		return nil, fmt.Errorf("ask Redis: %w", err)
	}
	values := map[string]string{}
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			values[name] = value
		}
	}
	return values, nil
}

// CPU returns the processor time that Redis has used.
func (r *Redis) CPU(ctx context.Context) (time.Duration, error) {
	info, err := r.info(ctx, "cpu")
	if err != nil {
		return 0, err
	}
	user, userErr := strconv.ParseFloat(info["used_cpu_user"], 64)
	system, systemErr := strconv.ParseFloat(info["used_cpu_sys"], 64)
	if err := errors.Join(userErr, systemErr); err != nil {
		return 0, fmt.Errorf("processor time of Redis: %w", err)
	}
	return time.Duration((user + system) * float64(time.Second)), nil
}

// UsedMemory returns the bytes that Redis has allocated.
func (r *Redis) UsedMemory(ctx context.Context) (int64, error) {
	info, err := r.info(ctx, "memory")
	if err != nil {
		return 0, err
	}
	used, err := strconv.ParseInt(info["used_memory"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("memory of Redis: %w", err)
	}
	return used, nil
}

// Version returns the server's name and version.
func (r *Redis) Version(ctx context.Context) (string, error) {
	info, err := r.info(ctx, "server")
	if err != nil {
		return "", err
	}
	if version := info["valkey_version"]; version != "" {
		return "Valkey " + version, nil
	}
	return "Redis " + info["redis_version"], nil
}
