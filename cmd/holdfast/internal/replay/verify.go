package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Holds are waited for as long as this at most; and then for the server to take them back, which
// the contract gives it ten seconds for where there are 100,000 (I6).
const (
	longestWait = 2 * time.Minute
	sweepWait   = 15 * time.Second
	glance      = 200 * time.Millisecond // between two looks at the stock
)

// Verification is how the stock compares with the fold of the file and the answers, and with its
// journal.
type Verification struct {
	SKUs int `json:"skus"`
	// Skipped says why the stock was not held against the file and the answers.
	Skipped     string       `json:"skipped,omitempty"`
	Differences []Difference `json:"differences"`

	Journal JournalVerification `json:"journal"`
}

// JournalVerification is how the stock compares with a fold of its events from the first on.
type JournalVerification struct {
	Events  int64  `json:"events"`
	Expired int64  `json:"expired"` // events of holds that ran out
	Skipped string `json:"skipped,omitempty"`
	// Faults are the first few of the journal itself, such as a gap.
	Faults      []string     `json:"faults,omitempty"`
	Differences []Difference `json:"differences"`
}

func (v *Verification) isClean() bool {
	return len(v.Differences) == 0 && len(v.Journal.Differences) == 0 && len(v.Journal.Faults) == 0
}

// awaitEarlierHolds waits until no hold is left that an earlier run made, for one that runs out
// meanwhile would look like a difference. It returns how many are left when that takes too long.
func (r *run) awaitEarlierHolds(ctx context.Context) (left int64, err error) {
	for deadline := time.Now().Add(longestWait + sweepWait); ; {
		held, last, now, err := r.listHeld(ctx)
		if err != nil {
			return 0, err
		}
		wait := last.Sub(now)
		switch {
		case held == 0:
			return 0, nil
		case wait > longestWait || time.Now().Add(wait).After(deadline):
			return held, nil
		}
		r.Progress.Note(fmt.Sprintf("waiting %.0f s until %s of an earlier run have run out",
			wait.Seconds(), output.Count(held, "hold")))
		// A second more: a hold is reclaimed within one.
		if !client.Sleep(ctx, wait+time.Second) {
			return 0, ctx.Err()
		}
	}
}

// listHeld returns how many reservations are held, when the last of them runs out, and store time.
func (o Options) listHeld(ctx context.Context) (held int64, last, now time.Time, err error) {
	const pageSize = 1000
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	err = client.Pages(func(token string) (*holdfastv1.ListReservationsResponse, error) {
		return client.Call(ctx, o.Client.Reservations.ListReservations,
			&holdfastv1.ListReservationsRequest{
				StockId: o.Stock, PageSize: pageSize, PageToken: token,
				State: holdfastv1.ReservationState_RESERVATION_STATE_HELD,
			})
	}, func(page *holdfastv1.ListReservationsResponse) (bool, error) {
		now = page.GetStoreTime().AsTime()
		for _, r := range page.GetReservations() {
			held, last = held+1, r.GetExpireTime().AsTime()
		}
		return true, nil
	})
	if err != nil {
		return 0, last, now, fmt.Errorf("looking for holds of an earlier run: %w", err)
	}
	return held, last, now, nil
}

// verify holds the stock against the fold, once the holds of this run have run out, and against its
// journal.
func (r *run) verify(ctx context.Context) error {
	r.report.Verification = &Verification{}
	r.awaitHolds(ctx)
	if err := r.compareAnswers(ctx); err != nil {
		return err
	}
	return r.compareJournal(ctx)
}

// awaitHolds waits until the holds that are left have run out, unless that takes too long.
func (r *run) awaitHolds(ctx context.Context) {
	held := r.fold.held()
	var last time.Time
	for _, order := range held {
		if order.expires.After(last) {
			last = order.expires
		}
	}
	wait := last.Sub(r.fold.seen)
	if len(held) == 0 || wait > longestWait {
		return
	}
	r.Progress.Note(fmt.Sprintf("waiting %.0f s until %s have run out", wait.Seconds(),
		output.Count(len(held), "hold")))
	client.Sleep(ctx, wait)
}

// compareAnswers holds the stock against the fold of the answers; again for a while where holds
// have run out, until the server has taken them back.
func (r *run) compareAnswers(ctx context.Context) error {
	if r.earlierHolds > 0 {
		r.report.Verification.Skipped = fmt.Sprintf(
			"%s of an earlier run would have run out meanwhile",
			output.Count(r.earlierHolds, "hold"))
	}
	for deadline := time.Now().Add(sweepWait); ; {
		stock, err := r.listStock(ctx)
		if err != nil {
			return err
		}
		r.countEnds(stock.GetStoreTime().AsTime())
		v := r.report.Verification
		v.SKUs = len(stock.GetItems())
		if v.Skipped != "" {
			return nil
		}
		v.Differences = r.fold.compare(stock.GetItems())
		if len(v.Differences) == 0 || r.TTL == 0 || time.Now().After(deadline) {
			return nil
		}
		if !client.Sleep(ctx, glance) {
			return ctx.Err()
		}
	}
}

// compareJournal holds the stock against the fold of its events.
func (r *run) compareJournal(ctx context.Context) error {
	v := &r.report.Verification.Journal
	stock, sequence, err := r.stockAt(ctx)
	if err != nil {
		return err
	}
	if stock == nil {
		v.Skipped = "the stock would not keep still"
		return nil
	}
	folded, err := r.readJournal(ctx, sequence)
	if p := problem.Of(err); err != nil && p.Reason == "EVENTS_TRIMMED" {
		v.Skipped = "the journal was trimmed and begins with event " + p.Metadata["oldest_sequence"]
		return nil
	} else if err != nil {
		return fmt.Errorf("reading the journal: %w", err)
	}
	v.Events, v.Expired, v.Faults = folded.sequence, folded.expired, folded.faults
	v.Differences = folded.compare(stock)
	return nil
}

// stockAt reads the stock as it is right after an event, and that event's sequence; nothing where
// other events kept coming. Setting the policy that is set changes nothing and answers the present
// sequence.
func (r *run) stockAt(ctx context.Context) (
	items []*holdfastv1.StockItem, sequence int64, err error,
) {
	for deadline := time.Now().Add(sweepWait); time.Now().Before(deadline); {
		before, err := r.setPolicy(ctx)
		if err != nil {
			return nil, 0, err
		}
		stock, err := r.listStock(ctx)
		if err != nil {
			return nil, 0, err
		}
		after, err := r.setPolicy(ctx)
		if err != nil {
			return nil, 0, err
		}
		if before == after {
			return stock.GetItems(), after, nil
		}
	}
	return nil, 0, nil
}

// readJournal folds the events from the first to the one of a sequence.
func (r *run) readJournal(ctx context.Context, sequence int64) (*journal, error) {
	errDone := errors.New("that is all")
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	folded := newJournal()
	request := &holdfastv1.WatchRequest{StockId: r.Stock, After: &holdfastv1.Position{}}
	err := r.Client.Watch(ctx, request, client.WatchOptions{Patience: r.Timeout},
		func(answer *holdfastv1.WatchResponse) error {
			for _, event := range answer.GetEvents() {
				if event.GetSequence() <= sequence {
					folded.add(event)
				}
			}
			if answer.GetPosition().GetSequence() >= sequence {
				return errDone
			}
			return nil
		})
	switch {
	case errors.Is(err, errDone):
		return folded, nil
	case err == nil: // the context has ended
		return nil, fmt.Errorf("%d of %d events came: %w", folded.sequence, sequence, ctx.Err())
	}
	return nil, err
}
