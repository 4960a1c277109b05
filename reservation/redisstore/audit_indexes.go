package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// indexPage is how many entries of an index one step looks at.
const indexPage = 500

// indexes looks for entries of indexes without what they list, and for SKUs that are not listed.
// Each entry is met by ZSCAN, what it lists is looked for, and where it is not found both are
// looked at again in one step.
func (a *audit) indexes(ctx context.Context) error {
	for _, index := range []struct {
		name, key string
		lists     kind
		confirm   func(ctx context.Context, index string, names []string) error
	}{
		{indexHeld, a.keys.held(), kindReservation, a.strayReservations},
		{indexCommitted, a.keys.committed(), kindReservation, a.strayReservations},
		{indexFinished, a.keys.finished(), kindReservation, a.strayReservations},
		{indexRequests, a.keys.requests(), kindRequest, a.strayRequests},
		{indexFilling, a.keys.filling(), kindItem, a.strayItems},
		{indexWaiting, a.keys.waiting(), kindItem, a.strayItems},
	} {
		err := a.index(ctx, index.key, index.lists, func(missing []string) error {
			return index.confirm(ctx, index.name, missing)
		})
		if err != nil {
			return err
		}
	}
	return a.unlistedItems(ctx)
}

// kind is what an index lists.
type kind uint8

const (
	kindReservation kind = iota + 1
	kindRequest
	kindItem
)

// index goes over one index and hands on the names of what is not there.
func (a *audit) index(
	ctx context.Context, key string, lists kind, confirm func(missing []string) error,
) error {
	var cursor uint64
	for {
		pairs, next, err := a.store.client.ZScan(ctx, key, cursor, "", indexPage).Result()
		if err != nil {
			return a.store.failure(ctx, err)
		}
		var names []string
		for i := 0; i < len(pairs); i += 2 {
			names = append(names, pairs[i])
		}
		missing, err := a.notThere(ctx, lists, names)
		if err != nil {
			return err
		}
		if err := confirm(missing); err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}

// notThere returns which of the names name nothing.
func (a *audit) notThere(
	ctx context.Context, lists kind, names []string,
) (missing []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	pipe := a.store.client.Pipeline()
	isThere := make([]func() bool, len(names))
	for i, name := range names {
		switch lists {
		case kindReservation:
			isThere[i] = isOne(pipe.Exists(ctx, a.keys.base+"res:"+name))
		case kindRequest:
			isThere[i] = isOne(pipe.Exists(ctx, a.keys.base+"req:"+name))
		case kindItem:
			isThere[i] = pipe.HExists(ctx, a.keys.items(), name).Val
		}
	}
	if err := runPipe(ctx, pipe); err != nil {
		return nil, a.store.failure(ctx, err)
	}
	for i, name := range names {
		if !isThere[i]() {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

func isOne(cmd *redis.IntCmd) func() bool { return func() bool { return cmd.Val() == 1 } }

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
