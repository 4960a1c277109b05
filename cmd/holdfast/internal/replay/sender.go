package replay

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
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

// Answer is what came of one entry: Reserve of an order, Restock of the others, unless Err is set.
type Answer struct {
	Entry   *Entry
	ID      string
	Tries   []time.Duration // how long each took
	Reserve *holdfastv1.ReserveResponse
	Restock *holdfastv1.RestockResponse
	Err     error
	// Replayed says that the server had this answer already when the entry was first sent.
	Replayed bool
}

// sender makes the calls of a run.
type sender struct {
	client  *client.Client
	stock   string
	run     string
	timeout time.Duration // for one entry with all its tries
	began   int64         // the journal's sequence before the first call
}

// send makes an entry's call until the answer is final. When interrupted ends it makes no other
// try; the one under way is waited for, so that its outcome is known.
func (s *sender) send(interrupted context.Context, entry *Entry) Answer {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(interrupted), s.timeout)
	defer cancel()
	answer := Answer{Entry: entry, ID: s.run + ":" + entry.Name}
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

// try makes one call. The server says by metadata that an answer is a replay; one that answers an
// earlier try of this very entry has a sequence after the run began, and counts as new.
func (s *sender) try(ctx context.Context, answer *Answer) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	var header metadata.MD
	if answer.Entry.Kind == Order {
		answer.Reserve, answer.Err = s.client.Reservations.Reserve(ctx, &holdfastv1.ReserveRequest{
			StockId: s.stock, ReservationId: answer.ID, Lines: quantities(answer.Entry.Lines),
		}, grpc.Header(&header))
	} else {
		answer.Restock, answer.Err = s.client.Stock.Restock(ctx, &holdfastv1.RestockRequest{
			StockId: s.stock, RequestId: answer.ID, Lines: quantities(answer.Entry.Lines),
		}, grpc.Header(&header))
	}
	answer.Replayed = answer.Err == nil && client.IsReplayed(header) && answer.sequence() <= s.began
}

func quantities(lines []Line) []*holdfastv1.LineQuantity {
	list := make([]*holdfastv1.LineQuantity, len(lines))
	for i, line := range lines {
		list[i] = &holdfastv1.LineQuantity{Sku: line.SKU, Quantity: line.Units}
	}
	return list
}

// check holds a granted answer against what was asked: every line, in order, in full.
func (a *Answer) check() error {
	wrong := func(format string, arguments ...any) error {
		return status.Errorf(codes.Internal, "the answer to %s is wrong: "+format,
			append([]any{a.ID}, arguments...)...)
	}
	asked := a.Entry.Lines
	if a.Entry.Kind != Order {
		return a.checkRestock(wrong)
	}
	got := a.Reserve.GetReservation()
	if got.GetReservationId() != a.ID || len(got.GetLines()) != len(asked) {
		return wrong("%d lines of %q, asked were %d",
			len(got.GetLines()), got.GetReservationId(), len(asked))
	}
	backordered := false
	for i, line := range got.GetLines() {
		if line.GetSku() != asked[i].SKU || line.GetRequestedQuantity() != asked[i].Units ||
			line.GetReservedQuantity() != asked[i].Units {
			return wrong("line %d reserves %d of %d of %q, asked were %d of %q", i+1,
				line.GetReservedQuantity(), line.GetRequestedQuantity(), line.GetSku(),
				asked[i].Units, asked[i].SKU)
		}
		if line.GetBackordered() != (line.GetBackorderedQuantity() > 0) ||
			line.GetBackorderedQuantity() > line.GetReservedQuantity() {
			return wrong("line %d has %d of %d backordered, flag %t", i+1,
				line.GetBackorderedQuantity(), line.GetReservedQuantity(), line.GetBackordered())
		}
		backordered = backordered || line.GetBackordered()
	}
	if backordered != got.GetBackordered() {
		return wrong("it says backordered = %t", got.GetBackordered())
	}
	return nil
}

func (a *Answer) checkRestock(wrong func(string, ...any) error) error {
	asked := a.Entry.Lines
	if len(a.Restock.GetLines()) != len(asked) {
		return wrong("%d lines, asked were %d", len(a.Restock.GetLines()), len(asked))
	}
	for i, line := range a.Restock.GetLines() {
		if line.GetSku() != asked[i].SKU || line.GetQuantity() != asked[i].Units {
			return wrong("line %d has %d of %q, asked were %d of %q", i+1,
				line.GetQuantity(), line.GetSku(), asked[i].Units, asked[i].SKU)
		}
	}
	return nil
}

// sequence returns the journal's after the call that a granted answer tells of.
func (a *Answer) sequence() int64 {
	if a.Entry.Kind == Order {
		return a.Reserve.GetSequence()
	}
	return a.Restock.GetSequence()
}

// String names the answer in messages.
func (a *Answer) String() string { return fmt.Sprintf("%s %s", a.Entry.Kind, a.ID) }
