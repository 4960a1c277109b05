package books

import (
	"context"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Present returns where a stock's journal is now.
func Present(
	ctx context.Context, client *rig.Client, stock string,
) (*holdfastv1.Position, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch, err := client.Events.Watch(ctx, &holdfastv1.WatchRequest{StockId: stock})
	if err != nil {
		return nil, err
	}
	first, err := watch.Recv()
	return first.GetPosition(), err
}

// StoreChanges returns how often a stock's journal tells of another store.
func (b *Books) StoreChanges(ctx context.Context, stock string) (int64, error) {
	j, err := b.foldPatiently(ctx, stock)
	if err != nil {
		return 0, err
	}
	return j.epochs, nil
}
