package replay

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// A try that takes longer than this is given up and made again with the same id; between two tries
// passes at least the shortest pause, at most the longest.
const (
	tryTimeout    = 5 * time.Second
	shortestPause = 20 * time.Millisecond
	longestPause  = time.Second
)

// Answer is what came of one entry: the answer of its call, unless Err is set.
type Answer struct {
	Entry    *Entry
	ID       string
	Tries    []time.Duration // how long each took
	Response Response
	Err      error
	// Replayed says that the server had this answer already when the entry was first sent.
	Replayed bool
	// StateNow is the state of the order of a replayed Reserve by then.
	StateNow string
}

// Response is the answer of a mutation.
type Response interface {
	proto.Message
	GetSequence() int64
	GetStoreTime() *timestamppb.Timestamp
}

// reservation returns the reservation that the answer tells of; nil where it tells of none.
func (a *Answer) reservation() *holdfastv1.Reservation {
	of, ok := a.Response.(interface {
		GetReservation() *holdfastv1.Reservation
	})
	if a.Err != nil || !ok {
		return nil
	}
	return of.GetReservation()
}

// sender makes the calls of a run.
type sender struct {
	client  *client.Client
	stream  *client.ReserveStream // nil: orders are calls
	stock   string
	run     string
	ttl     time.Duration // of an order; 0: firm at once
	timeout time.Duration // for one entry with all its tries
	began   int64         // the journal's sequence before the first call
}

// send makes an entry's call until the answer is final. When interrupted ends it makes no other
// try; the one under way is waited for, so that its outcome is known.
func (s *sender) send(interrupted context.Context, entry *Entry) Answer {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(interrupted), s.timeout)
	defer cancel()
	answer := Answer{Entry: entry, ID: entry.id(s.run)}
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		start := time.Now()
		s.try(ctx, &answer)
		answer.Tries = append(answer.Tries, time.Since(start))
		if answer.Err == nil {
			answer.Err = answer.check()
			return answer
		}
		p := problem.Of(answer.Err)
		if !p.IsUnavailable() || interrupted.Err() != nil {
			return answer
		}
		if !client.Sleep(ctx, max(client.Jitter(pause), p.RetryAfter)) {
			return answer
		}
	}
}

// try makes one call. The server says that an answer is a replay; one that answers an earlier try
// of this very entry has a sequence after the run began, and counts as new.
func (s *sender) try(ctx context.Context, answer *Answer) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	if s.stream != nil && answer.Entry.Kind == Order {
		s.tryStream(ctx, answer)
		return
	}
	var header metadata.MD
	answer.Response, answer.Err = s.call(ctx, answer.Entry, answer.ID, grpc.Header(&header))
	if answer.Err != nil {
		return
	}
	answer.Replayed = client.IsReplayed(header) && answer.Response.GetSequence() <= s.began
	answer.StateNow = client.StateNow(header)
}

// tryStream reserves an order over the stream.
func (s *sender) tryStream(ctx context.Context, answer *Answer) {
	streamed, err := s.stream.Reserve(ctx, s.order(answer.Entry, answer.ID))
	answer.Response, answer.Err = streamed.GetReserved(), err
	if err != nil || !streamed.GetReplayed() {
		return
	}
	answer.Replayed = answer.Response.GetSequence() <= s.began
	answer.StateNow = output.State(streamed.GetCurrentState())
}

// order is the request that an order is.
func (s *sender) order(entry *Entry, id string) *holdfastv1.ReserveRequest {
	request := &holdfastv1.ReserveRequest{
		StockId: s.stock, ReservationId: id, Lines: quantities(entry.Lines),
	}
	if s.ttl > 0 {
		request.Ttl = durationpb.New(s.ttl)
	}
	return request
}

// call makes the call that an entry is.
func (s *sender) call(
	ctx context.Context, entry *Entry, id string, header grpc.CallOption,
) (Response, error) {
	switch entry.Kind {
	case Order:
		return s.client.Reservations.Reserve(ctx, s.order(entry, id), header)
	case Cancellation, Supply, Refill:
		return s.client.Stock.Restock(ctx, &holdfastv1.RestockRequest{
			StockId: s.stock, RequestId: id, Lines: quantities(entry.Lines),
		}, header)
	case Correction:
		return s.client.Stock.AdjustStock(ctx, &holdfastv1.AdjustStockRequest{
			StockId: s.stock, RequestId: id, Lines: adjustments(entry.Lines),
		}, header)
	case Placing:
		return s.client.Reservations.Commit(ctx,
			&holdfastv1.CommitRequest{StockId: s.stock, ReservationId: id}, header)
	case Abandoning:
		return s.client.Reservations.Release(ctx,
			&holdfastv1.ReleaseRequest{StockId: s.stock, ReservationId: id}, header)
	}
	panic("an entry is of one of the kinds")
}

func adjustments(lines []Line) []*holdfastv1.StockAdjustment {
	const reason = "correction"
	list := make([]*holdfastv1.StockAdjustment, len(lines))
	for i, line := range lines {
		list[i] = &holdfastv1.StockAdjustment{Sku: line.SKU, Delta: line.Units, Reason: reason}
	}
	return list
}

func quantities(lines []Line) []*holdfastv1.LineQuantity {
	list := make([]*holdfastv1.LineQuantity, len(lines))
	for i, line := range lines {
		list[i] = &holdfastv1.LineQuantity{Sku: line.SKU, Quantity: line.Units}
	}
	return list
}

// String names the answer in messages.
func (a *Answer) String() string { return fmt.Sprintf("%s %s", a.Entry.Kind, a.ID) }
