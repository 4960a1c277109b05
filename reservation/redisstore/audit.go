package redisstore

import (
	"context"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/ledger"
)

const (
	// progressEvery is after how many things looked at an audit says how far it is.
	progressEvery = 1_000
	// maxFoldLines is how many lines of reservations a folded journal may have, about 60 MB; past it
	// an audit goes on without the fold and says so.
	maxFoldLines = 400_000
	// maxRemembered bounds the findings that are told once although they are met twice.
	maxRemembered = 10_000
)

// Audit walks a live stock in bounded reading steps, holds it against the contract, section 6, and
// hands every breach to report, and how far it is. It ends early with report's error, and with a
// reason where the store cannot be read. docs/decisions/0002-audit.md says why a busy stock that is
// sound has no findings.
func (s *Store) Audit(
	ctx context.Context, request reservation.AuditRequest,
	report func(reservation.AuditReport) error,
) (reservation.AuditSummary, error) {
	a := &audit{
		told: make(map[reservation.Finding]struct{}), fold: ledger.NewStock(),
		walk: walk{store: s, stock: request.Stock, keys: s.keys.of(request.Stock)},
	}
	a.walk.event = a.event
	a.report = func(r reservation.AuditReport) error {
		if r.Finding.Set || r.Walked == r.Total { // what has moved is not gone
			if err := a.stillThere(ctx); err != nil {
				return err
			}
		}
		return report(r)
	}
	err := a.run(ctx)
	return a.summary, err
}

// audit is one under way.
type audit struct {
	walk

	report  func(reservation.AuditReport) error
	told    map[reservation.Finding]struct{}
	summary reservation.AuditSummary
	walked  int64
	total   int64

	tally *tally
	fold  *ledger.Stock // nil: there is none
	// checks says that records are looked at by themselves: in the first round only.
	checks bool
}

func (a *audit) run(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	for round := range a.tally.rounds {
		a.tally.beginRound(round)
		a.checks = round == 0
		for class := range a.tally.classes {
			a.tally.beginClass(class)
			if err := a.keysOnce(ctx, class); err != nil {
				return err
			}
		}
		if err := a.items(ctx); err != nil {
			return err
		}
	}
	if err := a.indexes(ctx); err != nil {
		return err
	}
	if err := a.unseen(ctx); err != nil {
		return err
	}
	a.summary.Position = reservation.Position{Epoch: a.at.epoch, Sequence: a.at.sequence}
	a.summary.Folded = a.fold != nil
	return a.report(reservation.AuditReport{Walked: a.total, Total: a.total})
}

// event takes an event of the journal on the way.
func (a *audit) event(event *reservation.Event) error {
	a.tally.event(event)
	return a.folded(event)
}

// folded takes the next event into the folded journal, while there is one.
func (a *audit) folded(event *reservation.Event) error {
	if a.fold == nil {
		return nil
	}
	if err := a.fold.Apply(event); err != nil {
		a.fold = nil
		return a.find(reservation.Finding{
			Type: reservation.FindingJournalMalformed, What: "journal", Is: err.Error(),
			ShouldBe: "an event that can follow on those before it",
		})
	}
	if a.fold.Lines > maxFoldLines {
		a.fold = nil
	}
	return nil
}

// find reports a finding, once.
func (a *audit) find(finding reservation.Finding) error {
	if _, again := a.told[finding]; again {
		return nil
	}
	if len(a.told) < maxRemembered {
		a.told[finding] = struct{}{}
	}
	a.summary.Findings++
	return a.report(reservation.AuditReport{
		Finding: reservation.Some(finding), Walked: a.walked, Total: a.total,
	})
}

// walkedOn counts what was looked at and says so from time to time.
func (a *audit) walkedOn(n int) error {
	before := a.walked / progressEvery
	a.walked = min(a.walked+int64(n), a.total)
	if a.walked/progressEvery == before {
		return nil
	}
	return a.report(reservation.AuditReport{Walked: a.walked, Total: a.total})
}

// keysOnce goes over all keys of the stock: its reservations of a class are added to the tally. In
// the first pass all of them are looked at by themselves.
func (a *audit) keysOnce(ctx context.Context, class uint64) error {
	return a.scan(ctx, func(found keysFound) error {
		var ids []string
		for _, id := range found.reservations {
			if a.tally.isOfClass(id) {
				ids = append(ids, id)
			}
		}
		if err := a.records(ctx, ids, a.record); err != nil {
			return err
		}
		if a.checks && class == 0 {
			if err := a.requestKeys(ctx, found.requests); err != nil {
				return err
			}
			if err := a.queueKeys(ctx, found.queues); err != nil {
				return err
			}
		}
		return a.walkedOn(len(found.reservations) + len(found.requests))
	})
}
