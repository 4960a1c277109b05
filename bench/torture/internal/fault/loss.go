package fault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/books"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// witness is what was seen before a loss, and a stock of its own, whose orders are sent again.
type witness struct {
	seen      map[string]*holdfastv1.Position // of each stock, the last before a kill
	behind    bool                            // the store came back behind it
	fences    int
	sentAgain int
}

const (
	watched = "shop"
	own     = "witness"
)

// witnessed are the stocks that are fenced when the store comes back with less.
func witnessed() []string { return []string{watched, "outlet", own} }

// beginWitness gives the witness' stock something to sell.
func beginWitness(ctx context.Context, s *stage) (any, error) {
	_, err := s.Clients[0].Stock.Restock(ctx, &holdfastv1.RestockRequest{
		StockId: own, RequestId: "first",
		Lines: []*holdfastv1.LineQuantity{{Sku: "A", Quantity: 1_000_000}},
	})
	if err != nil {
		return nil, fmt.Errorf("stock the witness: %w", err)
	}
	return &witness{seen: map[string]*holdfastv1.Position{}}, nil
}

func (s *stage) witness() *witness {
	w, _ := s.state.(*witness)
	return w
}

func (s *stage) findf(format string, args ...any) {
	s.result.Findings = append(s.result.Findings, fmt.Sprintf(format, args...))
}

// order reserves a unit of the witness' stock, and says whether that was answered before.
func order(
	ctx context.Context, client *rig.Client, id string,
) (replayed bool, a answer.Answer) {
	var header metadata.MD
	_, err := client.Reservations.Reserve(ctx, &holdfastv1.ReserveRequest{
		StockId: own, ReservationId: id,
		Lines: []*holdfastv1.LineQuantity{{Sku: "A", Quantity: 1}},
	}, grpc.Header(&header))
	return len(header.Get("holdfast-replayed")) > 0, answer.Of(err)
}

// killRedisAfterSave has the store write a snapshot, lets calls be acknowledged that are not in it,
// and kills the store: it comes back with what the snapshot has, and every stock is fenced until
// the fence is lifted.
func killRedisAfterSave(ctx context.Context, s *stage) error {
	kept, gone := fmt.Sprintf("kept-%d", s.result.Injected), fmt.Sprintf("lost-%d", s.result.Injected)
	if _, a := order(ctx, s.Clients[0], kept); a.Verdict != answer.Done {
		return fmt.Errorf("reserve for the witness: %w", a.Err)
	}
	if err := s.Redis.Admin.Save(ctx).Err(); err != nil {
		return fmt.Errorf("write a snapshot: %w", err)
	}
	if err := s.awaitCalls(ctx, s.books.Counts().Acknowledged+warmUp); err != nil {
		return err
	}
	if _, a := order(ctx, s.Clients[1], gone); a.Verdict != answer.Done {
		return fmt.Errorf("reserve for the witness: %w", a.Err)
	}
	w := s.witness()
	for _, stock := range witnessed() {
		position, err := books.Present(ctx, s.Clients[0], stock)
		if err != nil {
			return fmt.Errorf("follow the journal: %w", err)
		}
		w.seen[stock] = position
	}
	if err := killRedis(ctx, s); err != nil {
		return err
	}
	w.behind = true // the witness' own order is not in the snapshot
	return s.reconcile(ctx, kept, gone)
}

// reconcile does what an operator and the clients do after a loss: nothing is granted until the
// fences are lifted, and then what was lost is sent again with the same ids. It ends with the first
// thing that is not as it must be.
func (s *stage) reconcile(ctx context.Context, kept, gone string) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	const fenced = "STOCK_FENCED"
	last := len(s.Clients) - 1
	// The first call of the server that had seen it notices, and then every server is told.
	steps := []func() error{func() error { return s.wantOrder(ctx, last, gone, fenced) }}
	for n := range s.Clients {
		steps = append(steps,
			func() error { return s.wantOrder(ctx, n, gone, fenced) },
			func() error { return s.wantOrder(ctx, n, "new-"+gone, fenced) },
			func() error { return s.wantOrder(ctx, n, kept, replayedAnswer) })
	}
	for _, stock := range witnessed() {
		steps = append(steps, func() error { return s.liftFence(ctx, stock) })
	}
	steps = append(steps, func() error { return s.wantOrder(ctx, 0, gone, grantedNow) },
		func() error { return s.wantOrder(ctx, last, gone, replayedAnswer) })
	before := len(s.result.Findings)
	for _, step := range steps {
		if err := step(); err != nil || len(s.result.Findings) > before {
			return err
		}
	}
	s.witness().sentAgain++
	return nil
}

// What wantOrder takes besides reasons: an order that is answered as it was before, and one that is
// granted now.
const (
	replayedAnswer = "replayed"
	grantedNow     = "granted"
)

// wantOrder sends an order until the store is back and holds the answer against what it must be: a
// reason, replayedAnswer or grantedNow.
func (s *stage) wantOrder(ctx context.Context, n int, id, want string) error {
	for {
		replayed, a := order(ctx, s.Clients[n], id)
		got := a.Reason
		switch {
		case replayed:
			got = replayedAnswer
		case a.Verdict == answer.Done:
			got = grantedNow
		}
		isAway := a.Reason == "STORE_UNAVAILABLE" || a.Verdict == answer.Unknown
		switch {
		case isAway && ctx.Err() != nil:
			return fmt.Errorf("order %s: %w", id, errors.Join(a.Err, ctx.Err()))
		case isAway:
			rest(ctx, 10*time.Millisecond)
			continue
		case got != want:
			s.findf("after the loss order %s was answered %q by server %d, must be %q: %v", id, got, n,
				want, a.Err)
		}
		return nil
	}
}

// liftFence waits until a stock's loss is noticed, looks at what the fence says and lifts it. It
// may grow between the two, for each server tells what it had seen.
func (s *stage) liftFence(ctx context.Context, stock string) error {
	seen := s.witness().seen[stock]
	passing := []codes.Code{
		codes.OK, codes.Unavailable, codes.Aborted, codes.DeadlineExceeded, codes.Canceled,
	}
	var err error
	for ctx.Err() == nil {
		var fence *holdfastv1.Fence
		fence, err = s.lookAndLift(ctx, stock)
		code := status.Code(err)
		if code == codes.OK && fence != nil {
			s.witness().fences++
			if fence.GetSeenPosition().GetSequence() <= fence.GetKeptSequence() ||
				fence.GetSeenPosition().GetEpoch() < seen.GetEpoch() || fence.GetLostEvents() < 1 {
				s.findf("stock %s was seen at %v, its fence says %v", stock, seen, fence)
			}
			return nil
		}
		if !slices.Contains(passing, code) {
			return fmt.Errorf("lift the fence of %s: %w", stock, err)
		}
		rest(ctx, 10*time.Millisecond)
	}
	s.findf("stock %s lost what was acknowledged and nobody noticed: %v", stock, err)
	return nil
}

// lookAndLift lifts a stock's fence, if it has one.
func (s *stage) lookAndLift(ctx context.Context, stock string) (*holdfastv1.Fence, error) {
	client := s.Clients[0].Audit
	told, err := client.GetFence(ctx, &holdfastv1.GetFenceRequest{StockId: stock})
	if err != nil || told.GetFence() == nil {
		return nil, err
	}
	_, err = client.LiftFence(ctx, &holdfastv1.LiftFenceRequest{
		StockId: stock, FenceId: told.GetFence().GetFenceId(),
	})
	return told.GetFence(), err
}

// lost says that the store came back behind what was acknowledged.
func lost(_ context.Context, s *stage) (bool, error) { return s.witness().behind, nil }

// isLossNoticed looks at what tells of the loss besides the fences: STORE_CHANGED in the journal,
// and a watch from a position that the store does not have any more.
func isLossNoticed(ctx context.Context, s *stage) error {
	ctx, cancel := context.WithTimeout(ctx, recovery)
	defer cancel()
	watch, err := s.Clients[0].Events.Watch(ctx, &holdfastv1.WatchRequest{
		StockId: watched, After: s.witness().seen[watched],
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
	s.notef("%d fences were set and lifted, %d orders that were lost were sent again",
		s.witness().fences, s.witness().sentAgain)
	s.notef("the journal tells %d times of a store that changed, after %d kills", changes,
		s.result.Injected)
	if changes == 0 {
		s.result.Findings = append(s.result.Findings, "no STORE_CHANGED tells of the loss")
	}
	return nil
}
