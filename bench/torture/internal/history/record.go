package history

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Plan is what is recorded.
type Plan struct {
	Clients []*rig.Client // of the servers; each recorded client uses one of them
	Callers int
	Each    int // calls that each makes
	Stocks  []string
	// Expiring has some holds run out; then nothing may disturb the servers.
	Expiring bool
	// Disturbed says that the servers are disturbed meanwhile.
	Disturbed bool
	Timeout   time.Duration
	Seed      uint64
}

// recorder is a recording under way.
type recorder struct {
	plan  Plan
	began time.Time

	mu      sync.Mutex
	history History
}

// Record has callers make random calls at the same time and writes down what they are answered.
func Record(ctx context.Context, plan Plan) (History, error) {
	r := &recorder{
		plan: plan, began: time.Now(), history: History{Stocks: map[string][]*Operation{}},
	}
	for _, stock := range plan.Stocks {
		if err := r.inTurn(ctx, first(stock)); err != nil {
			return History{}, err
		}
	}
	errs := make([]error, plan.Callers)
	var calling sync.WaitGroup
	for n := range plan.Callers {
		calling.Go(func() { errs[n] = r.caller(ctx, n) })
	}
	calling.Wait()
	for _, stock := range plan.Stocks {
		errs = append(errs, r.inTurn(ctx, last(stock)))
	}
	return r.history, errors.Join(errs...)
}

// inTurn makes calls one after the other, each until it is answered.
func (r *recorder) inTurn(ctx context.Context, list []proto.Message) error {
	for _, message := range list {
		for known := false; !known; {
			var err error
			if known, err = r.call(ctx, 0, proto.Clone(message)); err != nil {
				return err
			}
			if err := rest(ctx, known, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// caller is one that calls at the same time as others. What it does not learn the outcome of it
// sometimes sends again.
func (r *recorder) caller(ctx context.Context, n int) error {
	g := &generator{
		random:   rand.New(rand.NewPCG(r.plan.Seed, uint64(n))),
		expiring: r.plan.Expiring, repeatable: r.plan.Disturbed,
	}
	for range r.plan.Each {
		message := g.next(r.plan.Stocks[g.random.IntN(len(r.plan.Stocks))])
		known, err := r.call(ctx, n, message)
		if err == nil && !known && g.random.IntN(2) == 0 {
			_, err = r.call(ctx, n, proto.Clone(message))
		}
		if err != nil {
			return err
		}
		if err := rest(ctx, known, time.Duration(g.random.Int64N(int64(r.think())))); err != nil {
			return err
		}
	}
	return nil
}

// rest waits; longer after a call whose outcome is not known, for while a server is away calls fail
// fast, and each that is open makes the judge's work harder.
func rest(ctx context.Context, known bool, d time.Duration) error {
	const afterFailure = 100 * time.Millisecond
	if !known {
		d += afterFailure
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("record a history: %w", ctx.Err())
	}
}

// think is how long a caller rests at most: holds must have time to run out, and harm to be done.
func (r *recorder) think() time.Duration {
	if r.plan.Expiring {
		return 200 * time.Millisecond
	}
	if r.plan.Disturbed {
		return 50 * time.Millisecond
	}
	return 3 * time.Millisecond
}

// call makes one call and writes it down, and says whether its outcome is known.
func (r *recorder) call(ctx context.Context, n int, message proto.Message) (known bool, err error) {
	o := &Operation{Client: n}
	if named, ok := message.(interface{ GetStockId() string }); ok {
		o.Stock = named.GetStockId()
	}
	if err := o.setMessage(message); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.plan.Timeout)
	defer cancel()
	o.Call = time.Since(r.began).Nanoseconds()
	response, isReplayed, err := send(ctx, r.plan.Clients[n%len(r.plan.Clients)], message)
	o.Return = time.Since(r.began).Nanoseconds()
	a := answer.Of(err)
	switch a.Verdict {
	case answer.Done:
		said := wireReply(response, isReplayed)
		o.Reply, o.StoreTime = &said, timeOf(response)
	case answer.Refused:
		said := wireRefused(a)
		o.Reply, o.StoreTime = &said, milliseconds(a.StoreTime)
	case answer.NothingDone:
		o.NothingDone = a.Reason
	case answer.Unknown, answer.Faulty:
		if o.isRead() {
			return false, nil
		}
		o.SettlesAt, o.Error = milliseconds(a.SettlesAt), a.Err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Stocks[o.Stock] = append(r.history.Stocks[o.Stock], o)
	return o.isKnown(), nil
}

// timeOf returns the store time of an answer, ms.
func timeOf(message proto.Message) int64 {
	if m, ok := message.(interface{ GetStoreTime() *timestamppb.Timestamp }); ok {
		return milliseconds(m.GetStoreTime().AsTime())
	}
	return 0
}

// send makes the call that a request is of. isReplayed is what a Reserve's metadata says.
func send(
	ctx context.Context, client *rig.Client, message proto.Message,
) (response proto.Message, isReplayed bool, err error) {
	var header metadata.MD
	switch m := message.(type) {
	case *holdfastv1.ReserveRequest:
		response, err = client.Reservations.Reserve(ctx, m, grpc.Header(&header))
	case *holdfastv1.CommitRequest:
		response, err = client.Reservations.Commit(ctx, m)
	case *holdfastv1.ExtendRequest:
		response, err = client.Reservations.Extend(ctx, m)
	case *holdfastv1.ReleaseRequest:
		response, err = client.Reservations.Release(ctx, m)
	case *holdfastv1.FulfillRequest:
		response, err = client.Reservations.Fulfill(ctx, m)
	case *holdfastv1.GetReservationRequest:
		response, err = client.Reservations.GetReservation(ctx, m)
	case *holdfastv1.CheckAvailabilityRequest:
		response, err = client.Reservations.CheckAvailability(ctx, m)
	case *holdfastv1.RestockRequest:
		response, err = client.Stock.Restock(ctx, m)
	case *holdfastv1.AdjustStockRequest:
		response, err = client.Stock.AdjustStock(ctx, m)
	case *holdfastv1.SetStockRequest:
		response, err = client.Stock.SetStock(ctx, m)
	case *holdfastv1.SetPolicyRequest:
		response, err = client.Stock.SetPolicy(ctx, m)
	case *holdfastv1.BatchGetStockRequest:
		response, err = client.Stock.BatchGetStock(ctx, m)
	default:
		return nil, false, fmt.Errorf("a %T cannot be sent", message)
	}
	said := header.Get("holdfast-replayed")
	return response, len(said) == 1 && said[0] == "true", err
}
