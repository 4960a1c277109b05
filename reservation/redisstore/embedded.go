package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// OpenEmbedded starts a miniredis in this process and keeps stocks there: in memory, gone with the
// process. It runs the same scripts; what a real server would be asked about itself is not asked.
func OpenEmbedded(ctx context.Context, options Options) (*Store, error) {
	options.Durability = DurabilityNone
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	texts, err := joinScripts(false, options)
	if err != nil {
		return nil, err
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded store: %w", err)
	}
	config, err := clientOptions("redis://"+server.Addr(), options.CallTimeout)
	if err != nil {
		return nil, err
	}
	s := newStore(options)
	s.closeEmbedded = server.Close
	s.watchClient = newWatchClient(config)
	s.useSingle(redis.NewClient(config), texts)
	n := s.engine.known()[0]
	n.isPrimary.Store(true)
	set, err := n.scripts.meet(rand.Text())
	if err == nil {
		err = loadEach(ctx, n.client, set)
	}
	asked := time.Now()
	told, timeErr := s.client.Time(ctx).Result()
	if err := errors.Join(err, timeErr); err != nil {
		_ = errors.Join(s.client.Close(), s.watchClient.Close())
		server.Close()
		return nil, fmt.Errorf("load the embedded store: %w", err)
	}
	n.clock.tell(told.UnixMilli(), asked)
	s.startBackground() //nolint:contextcheck // it outlives the call that opens the store
	return s, nil
}

// loadEach loads the scripts one by one: miniredis takes some milliseconds for each, and all of
// them together may take longer on a busy machine than a call should.
func loadEach(ctx context.Context, client *redis.Client, set *scriptSet) error {
	for _, name := range allScripts() {
		if err := client.ScriptLoad(ctx, set.byName[name].source).Err(); err != nil {
			return fmt.Errorf("load the script %s: %w", name, err)
		}
	}
	return nil
}
