package bars

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/pgstore"
)

// cores says where things run; the zero value: anywhere.
type cores struct{ store, rest []int }

// overRedis starts a Redis and an arm over it.
func (b *bench) overRedis(
	ctx context.Context, config arm.Config, at cores, loader *lab.Loader,
) (*lab.Subject, *lab.Redis, error) {
	redis, err := b.lab.Redis(ctx, lab.RedisOptions{Durable: config.Durable, Cores: at.store})
	if err != nil {
		return nil, nil, err
	}
	s, err := b.beside(ctx, redis, config, at, loader)
	return s, redis, err
}

// beside starts an arm over a Redis that runs.
func (b *bench) beside(
	ctx context.Context, redis *lab.Redis, config arm.Config, at cores, loader *lab.Loader,
) (*lab.Subject, error) {
	config.Store = redis.URL
	server, err := b.lab.Serve(ctx, config, at.rest)
	if err != nil {
		return nil, err
	}
	return &lab.Subject{
		Arm: config.Arm, Server: server, Loader: loader, Empty: redis.Empty, StoreCPU: redis.CPU,
	}, nil
}

// echo starts the arm that keeps nothing.
func (b *bench) echo(ctx context.Context, at cores, loader *lab.Loader) (*lab.Subject, error) {
	server, err := b.lab.Serve(ctx, arm.Config{Arm: arm.Echo}, at.rest)
	if err != nil {
		return nil, err
	}
	return &lab.Subject{Arm: arm.Echo, Server: server, Loader: loader}, nil
}

// poolSizes are those of which the best is chosen for PostgreSQL; laneCounts are the batches under
// way at once of its batched form.
func poolSizes() []int  { return []int{4, 8, 16, 64} }
func laneCounts() []int { return []int{1, 2, 4} }

// overPostgres starts an arm over PostgreSQL with the pool size (the lanes, where it batches) that
// a short trial of the job found best, and says which.
func (b *bench) overPostgres(
	ctx context.Context, name arm.Name, loader *lab.Loader, goods lab.Goods, job load.Job,
) (best *lab.Subject, chosen string, err error) {
	postgres, err := b.lab.Postgres(ctx)
	if err != nil {
		return nil, "", err
	}
	what, sizes := "connections", poolSizes()
	if name == arm.PostgresBatched {
		what, sizes = "batches at once", laneCounts()
	}
	url, err := postgres.Database(ctx, b.bar+"-"+string(name))
	if err != nil {
		return nil, "", err
	}
	if err := pgstore.Prepare(ctx, url); err != nil {
		return nil, "", err
	}
	var bestSize int
	var bestRate float64
	for _, size := range sizes {
		rate, err := b.tryPostgres(ctx, name, url, size, loader, goods, job)
		if err != nil && (ctx.Err() != nil || bestSize == 0) {
			return nil, "", err
		}
		if err != nil { // one that is far too large lets calls wait past their end: it is not chosen
			b.plan.Say(fmt.Sprintf("%s %s with %d %s: %v", b.bar, name, size, what, err))
			continue
		}
		b.plan.Say(fmt.Sprintf("%s %s with %d %s: %.0f/s", b.bar, name, size, what, rate))
		if rate > bestRate {
			bestSize, bestRate = size, rate
		}
	}
	best, err = servePostgres(ctx, b.lab, name, url, bestSize, loader)
	return best, fmt.Sprintf("%s: %d %s", name, bestSize, what), err
}

func servePostgres(
	ctx context.Context, in *lab.Lab, name arm.Name, url string, size int, loader *lab.Loader,
) (*lab.Subject, error) {
	config := arm.Config{Arm: name, Store: url, Durable: true, Pool: size}
	if name == arm.PostgresBatched {
		config.Lanes = size
		config.Pool = size + 1 // one for what is not a reservation
	}
	server, err := in.Serve(ctx, config, nil)
	if err != nil {
		return nil, err
	}
	return &lab.Subject{
		Arm: name, Server: server, Loader: loader,
		Empty:  func(ctx context.Context) error { return pgstore.Empty(ctx, url) },
		Settle: func(ctx context.Context) error { return pgstore.Settle(ctx, url) },
	}, nil
}

func (b *bench) tryPostgres(
	ctx context.Context, name arm.Name, url string, size int, loader *lab.Loader,
	goods lab.Goods, job load.Job,
) (rate float64, err error) {
	scope := b.lab.Scope()
	defer func() {
		if closing := scope.Close(); closing != nil && err == nil {
			err = closing
		}
	}()
	s, err := servePostgres(ctx, scope, name, url, size, loader)
	if err != nil {
		return 0, err
	}
	job.For = b.plan.Measure / 2
	sample, err := b.fresh(s, goods, job)(ctx)
	return sample.Rate, err
}
