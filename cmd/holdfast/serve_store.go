package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/redisstore"
	"github.com/holdfast-dev/holdfast/server"
)

// store is what serve needs of the place that keeps the stocks.
type store interface {
	reservation.Store
	server.Auditor
	server.Exporter
	server.Fencer
	// Ready returns nil while the store can take calls.
	Ready(ctx context.Context) error
	// Stats is what an operator should watch besides calls and errors.
	Stats() redisstore.Stats
	// Close ends the store's work; calls must have ended before.
	Close(ctx context.Context) error
}

var _ store = (*redisstore.Store)(nil)

// durability returns the durability's name, the default's where none is chosen.
func (c *serveCommand) durability() string {
	if c.Durability == "" {
		return redisstore.DurabilityFsync.String()
	}
	return c.Durability
}

// openStore opens the Redis that is named, or one in this process.
func (c *serveCommand) openStore(ctx context.Context, logger *slog.Logger) (store, error) {
	options := redisstore.Options{
		Prefix: c.RedisPrefix, Retention: c.Retention, Logger: logger,
	}
	if c.Redis.IsZero() {
		embedded, err := redisstore.OpenEmbedded(ctx, options)
		if err != nil {
			return nil, c.openFailure(err)
		}
		return embedded, nil
	}
	var err error
	if options.Durability, err = redisstore.ParseDurability(c.durability()); err != nil {
		return nil, usagef("--%v", err)
	}
	options.URL, options.Replicas = c.Redis.Reveal(), c.Replicas
	opened, err := redisstore.Open(ctx, options)
	if err != nil {
		return nil, c.openFailure(err)
	}
	return opened, nil
}

// openFailure says why a store cannot be used. The store's errors name no password; should one do,
// it stops here.
func (c *serveCommand) openFailure(err error) error {
	told := err.Error()
	var wrong *redisstore.ConfigurationError
	isWrong := errors.As(err, &wrong)
	if isWrong {
		told = wrong.Error()
	}
	if secret := c.Redis.Reveal(); secret != "" {
		told = strings.ReplaceAll(told, secret, c.Redis.String())
	}
	if isWrong {
		return usagef("%s", told)
	}
	return errors.New(told)
}
