package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// stillThere fails unless all of the stock is where it was when the walk first asked. In a cluster
// a node's SCAN leaves out keys that have moved, and so would a walk.
func (w *walk) stillThere(ctx context.Context) error {
	if w.store.cluster == nil {
		w.node = w.store.engine.known()[0]
		return nil
	}
	if w.node == nil {
		return w.settle(ctx)
	}
	n, err := w.store.fitNode(ctx, w.keys.meta())
	if err != nil {
		return err
	}
	if n != w.node {
		return unavailable(errStoreChanged)
	}
	if err := n.client.Exists(ctx, w.keys.nothing()).Err(); err != nil {
		return w.store.failure(ctx, err)
	}
	return nil
}

// settle finds out where the stock is, and waits for a while where it is on the move.
func (w *walk) settle(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, w.store.options.CallTimeout)
	defer cancel()
	for turns := 1; ; turns++ {
		n, err := w.store.fitNode(asking, w.keys.meta())
		if err != nil {
			return err
		}
		err = n.client.Exists(asking, w.keys.nothing()).Err()
		if err == nil {
			w.node = n
			return nil
		}
		if !isTurnedAway(err) || !w.store.askAgain(asking, turns) {
			return w.store.failure(ctx, err)
		}
	}
}

// scanPage is one SCAN, and an error unless all of the stock is on the node at that moment: a key
// that is never there is asked for, which a node answers only where it has the slot and the slot
// does not move.
func (w *walk) scanPage(
	ctx context.Context, cursor uint64, pattern string,
) (names []string, next uint64, err error) {
	if w.store.cluster == nil {
		return w.node.client.Scan(ctx, cursor, pattern, scanPage).Result()
	}
	var page *redis.ScanCmd
	_, err = w.node.client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Exists(ctx, w.keys.nothing())
		page = pipe.Scan(ctx, cursor, pattern, scanPage)
		return nil
	})
	if err != nil {
		w.store.engine.doubt()
		return nil, 0, err
	}
	return page.Result()
}
