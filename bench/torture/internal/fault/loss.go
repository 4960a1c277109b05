package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/books"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// witness is what someone who follows the journal saw before a loss.
type witness struct {
	position *holdfastv1.Position // the last before a kill
	behind   bool                 // the store came back behind it
}

const watched = "shop"

// beginWatch begins to follow the journal.
func beginWatch(_ context.Context, _ *stage) (any, error) { return &witness{}, nil }

func (s *stage) witness() *witness {
	w, _ := s.state.(*witness)
	return w
}

// killRedisAfterSave has the store write a snapshot, lets calls be acknowledged that are not in it,
// and kills the store: it comes back with what the snapshot has.
func killRedisAfterSave(ctx context.Context, s *stage) error {
	if err := s.Redis.Admin.Save(ctx).Err(); err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	if err := s.awaitCalls(ctx, s.books.Counts().Acknowledged+warmUp); err != nil {
		return err
	}
	position, err := books.Present(ctx, s.Clients[0], watched)
	if err != nil {
		return fmt.Errorf("follow the journal: %w", err)
	}
	if err := killRedis(ctx, s); err != nil {
		return err
	}
	w := s.witness()
	w.position = position
	now, err := s.present(ctx)
	if err != nil {
		return err
	}
	w.behind = w.behind || now.GetSequence() < position.GetSequence() ||
		now.GetEpoch() > position.GetEpoch()
	return nil
}

// present asks until it is told where the journal is.
func (s *stage) present(ctx context.Context) (*holdfastv1.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	for {
		position, err := books.Present(ctx, s.Clients[0], watched)
		if err == nil {
			return position, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("follow the journal: %w", err)
		}
		rest(ctx, 10*time.Millisecond)
	}
}

// lost says that the store came back behind what was acknowledged.
func lost(_ context.Context, s *stage) (bool, error) { return s.witness().behind, nil }

// isLossNoticed looks at what tells of the loss today: STORE_CHANGED in the journal, and a watch
// from a position that the store does not have any more. Nothing stops grants yet.
func isLossNoticed(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	watch, err := s.Clients[0].Events.Watch(ctx, &holdfastv1.WatchRequest{
		StockId: watched, After: s.witness().position,
	})
	if err != nil {
		return fmt.Errorf("follow the journal: %w", err)
	}
	_, err = watch.Recv()
	if reason := answer.Of(err).Reason; reason == "POSITION_UNKNOWN" {
		s.notef("a watch from before the last loss ends with %s", reason)
	} else {
		s.result.Findings = append(s.result.Findings, fmt.Sprintf(
			"a watch from a position that is lost must end with POSITION_UNKNOWN, got %v", err))
	}
	changes, err := s.books.StoreChanges(ctx, watched)
	if err != nil {
		return err
	}
	s.notef("the journal tells %d times of a store that changed, after %d kills", changes,
		s.result.Injected)
	if changes == 0 {
		s.result.Findings = append(s.result.Findings, "no STORE_CHANGED tells of the loss")
	}
	return nil
}
