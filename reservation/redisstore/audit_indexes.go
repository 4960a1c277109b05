package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// indexPage is how many entries of an index one step looks at.
const indexPage = 500

// indexes looks for entries of indexes without what they list. Each is met by ZSCAN, its record is
// looked for, and where it is not found both are looked at again in one step.
func (a *audit) indexes(ctx context.Context) error {
	for _, index := range []struct {
		name, key, kind string
		confirm         func(ctx context.Context, index string, names []string) error
	}{
		{indexHeld, a.keys.held(), "res:", a.strayReservations},
		{indexCommitted, a.keys.committed(), "res:", a.strayReservations},
		{indexFinished, a.keys.finished(), "res:", a.strayReservations},
		{indexRequests, a.keys.requests(), "req:", a.strayRequests},
		{indexFilling, a.keys.filling(), "sku:", a.strayItems},
		{indexWaiting, a.keys.waiting(), "sku:", a.strayItems},
	} {
		err := a.index(ctx, index.key, index.kind, func(missing []string) error {
			return index.confirm(ctx, index.name, missing)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// index goes over one index and hands on the names without a key.
func (a *audit) index(
	ctx context.Context, key, kind string, confirm func(missing []string) error,
) error {
	var cursor uint64
	for {
		pairs, next, err := a.store.client.ZScan(ctx, key, cursor, "", indexPage).Result()
		if err != nil {
			return a.store.failure(err)
		}
		pipe := a.store.client.Pipeline()
		var names []string
		var exist []*redis.IntCmd
		for i := 0; i < len(pairs); i += 2 {
			names = append(names, pairs[i])
			exist = append(exist, pipe.Exists(ctx, a.keys.base+kind+pairs[i]))
		}
		if _, err := pipe.Exec(ctx); err != nil && len(names) > 0 {
			return a.store.failure(err)
		}
		var missing []string
		for i, exists := range exist {
			if exists.Val() == 0 {
				missing = append(missing, names[i])
			}
		}
		if err := confirm(missing); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

func (a *audit) stray(index string, finding reservation.Finding) error {
	finding.Type, finding.What = reservation.FindingIndexEntryStray, index
	finding.Is, finding.ShouldBe = isListed, notListed
	return a.find(finding)
}

func (a *audit) strayReservations(ctx context.Context, index string, names []string) error {
	return a.records(ctx, names, func(record *storedRecord) error {
		at := map[string]place{
			indexHeld: record.held, indexCommitted: record.committed, indexFinished: record.finished,
		}
		if record.exists || !at[index].Set {
			return nil
		}
		return a.stray(index, reservation.Finding{Reservation: record.name})
	})
}

func (a *audit) strayRequests(ctx context.Context, index string, names []string) error {
	for len(names) > 0 {
		chunk := names[:min(len(names), recordsAtOnce)]
		requests, at, err := a.store.readRequests(ctx, a.stock, chunk)
		if err != nil {
			return err
		}
		if err := a.follow(ctx, at); err != nil {
			return err
		}
		for i := range requests {
			if q := &requests[i]; !q.exists && q.listed.Set {
				if err := a.stray(index, reservation.Finding{Request: q.name}); err != nil {
					return err
				}
			}
		}
		names = names[len(chunk):]
	}
	return nil
}

func (a *audit) strayItems(ctx context.Context, index string, names []string) error {
	return a.itemsNamed(ctx, names, func(item *storedItem, name string) error {
		at := map[string]bool{indexFilling: item.filling, indexWaiting: item.waiting}
		if item.exists || !at[index] {
			return nil
		}
		return a.stray(index, reservation.Finding{SKU: name})
	})
}
