package replay

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
	"github.com/holdfast-dev/holdfast/reservation"
)

// flaky loses the answer of every third change after it was made, and makes none of every fifth.
type flaky struct {
	reservation.Store
	calls atomic.Int64
}

func (f *flaky) fails(done func() error) error {
	call := f.calls.Add(1)
	if call%5 == 0 {
		return &reservation.Error{
			Reason: reservation.ReasonOverloaded, RetryAfter: time.Millisecond,
		}
	}
	if err := done(); err != nil || call%3 != 0 {
		return err
	}
	return &reservation.Error{Reason: reservation.ReasonOutcomeUnknown, SettlesAt: time.Now()}
}

func (f *flaky) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (answer reservation.ReserveAnswer, err error) {
	err = f.fails(func() (err error) {
		answer, err = f.Store.Reserve(ctx, request)
		return err
	})
	return answer, err
}

func (f *flaky) Restock(
	ctx context.Context, request reservation.RestockRequest,
) (answer reservation.RestockAnswer, err error) {
	err = f.fails(func() (err error) {
		answer, err = f.Store.Restock(ctx, request)
		return err
	})
	return answer, err
}

func TestRun_LostAnswersAreAskedForAgain(t *testing.T) {
	for name, stream := range map[string]bool{"calls": false, "stream": true} {
		t.Run(name, func(t *testing.T) { requireAskedAgain(t, stream) })
	}
}

func requireAskedAgain(t *testing.T, stream bool) {
	t.Helper()
	o := optionsFor(t, testserver.Start(t, &flaky{Store: testserver.NewModel()}))
	o.Stream = stream
	report := replayed(t, o)
	if report.Reserve.Retried == 0 || report.Restock.Retried == 0 {
		t.Errorf("nothing was tried again: %+v, %+v", report.Reserve, report.Restock)
	}
	if report.Reserve.Replayed != 0 || report.Restock.Replayed != 0 {
		t.Errorf("a first run has replays of its own tries only: %+v, %+v",
			report.Reserve, report.Restock)
	}
}

// thief takes a unit for every cancellation, which no answer tells.
type thief struct{ reservation.Store }

func (s *thief) Restock(
	ctx context.Context, request reservation.RestockRequest,
) (reservation.RestockAnswer, error) {
	answer, err := s.Store.Restock(ctx, request)
	if err != nil || !strings.Contains(request.Request.String(), ":C") {
		return answer, err
	}
	quantity, err := reservation.NewQuantity(1)
	if err != nil {
		return answer, err
	}
	lines, err := reservation.NewLines([]reservation.Line{
		{SKU: request.Lines.All()[0].SKU, Quantity: quantity},
	})
	if err != nil {
		return answer, err
	}
	request.Request, err = reservation.ParseRequestID(request.Request.String() + ":more")
	if err != nil {
		return answer, err
	}
	request.Lines = lines
	_, err = s.Store.Restock(ctx, request)
	return answer, err
}

func TestRun_UnitsThatNoAnswerTellsAreFound(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, &thief{testserver.NewModel()}))
	history, err := Read(strings.NewReader(orders(t)))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), o, history)
	if err != nil {
		t.Fatal(err)
	}
	if report.IsClean() || len(report.Verification.Differences) == 0 {
		t.Fatalf("the differences were not found: %+v", report.Verification)
	}
	first := report.Verification.Differences[0]
	if first.Figure != "on hand" || first.Found <= first.Expected {
		t.Errorf("the first difference is %+v", first)
	}
}
