package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/ledger"
)

// The names of the indexes, as docs/keys.md has them.
const (
	indexSKUs      = "skus"
	indexHeld      = "held"
	indexCommitted = "committed"
	indexFinished  = "finished"
	indexRequests  = "requests"
	indexFilling   = "filling"
	indexWaiting   = "waiting"
)

// Words of findings.
const (
	isListed  = "listed"
	notListed = "not listed"
	notThere  = "not there"
)

// record looks at a reservation and adds it to the tally.
func (a *audit) record(record *storedRecord) error {
	a.tally.read(record)
	if !a.checks || !record.exists {
		return nil
	}
	a.summary.Reservations++
	about := reservation.Finding{Reservation: record.name}
	if record.fault != "" {
		about.Type, about.What = reservation.FindingRecordMalformed, "record"
		about.Is, about.ShouldBe = record.fault, "a record that can be read"
		return a.find(about)
	}
	for _, found := range slices.Concat(
		checkState(record), checkLines(record), checkPlaces(record), a.checkQueued(record),
		a.checkFolded(record),
	) {
		found.Reservation = record.name
		if err := a.find(found); err != nil {
			return err
		}
	}
	return nil
}

// malformed returns a finding about a record's own rules.
func malformed(what string, is any, shouldBe string) reservation.Finding {
	return reservation.Finding{
		Type: reservation.FindingRecordMalformed, What: what, Is: fmt.Sprint(is), ShouldBe: shouldBe,
	}
}

// checkState holds a reservation's state against its terms, its times and its units.
func checkState(r *storedRecord) []reservation.Finding {
	var found []reservation.Finding
	add := func(isBad bool, what string, is any, shouldBe string) {
		if isBad {
			found = append(found, malformed(what, is, shouldBe))
		}
	}
	if r.Term == 0 {
		add(r.State != reservation.StateReleased || len(r.Lines) > 0, "term", 0,
			"0 only of one released before it was reserved")
		return found
	}
	var open, fulfilled int64
	for i := range r.Lines {
		open += r.Lines[i].Open()
		fulfilled += r.Lines[i].Fulfilled
	}
	isHeld, isFinished := r.State == reservation.StateHeld, r.State.IsFinished()
	isFulfilled := r.State == reservation.StateFulfilled
	add(r.Term < 0, "term", r.Term, "1 or more")
	add(len(r.Lines) == 0, "lines", 0, "1 to 1000")
	add(r.Fingerprint == "", "fingerprint", "absent", "that of its content")
	add(isHeld && r.Term != 1, "term", r.Term, "1 while HELD")
	add(isHeld && r.ExpireTime.IsZero(), "expiry", "absent", "a time while HELD")
	add((r.Term > 1) == r.TermTime.IsZero(), "begin of the term", milliseconds(r.TermTime),
		"present in the second term and later, only")
	add(r.ByRelease && !isFulfilled && r.State != reservation.StateReleased, "end by a Release", 1,
		"0 while "+r.State.String())
	add(isFinished == r.ForgetTime.IsZero(), "end of the retention", milliseconds(r.ForgetTime),
		"present of a finished one, only")
	add(!isFinished && open == 0, "open units", 0, "1 or more while "+r.State.String())
	add(isFulfilled && fulfilled == 0, "fulfilled units", 0, "1 or more when FULFILLED")
	add(fulfilled > 0 && !isFulfilled && r.State != reservation.StateCommitted,
		"fulfilled units", fulfilled, "0 when "+r.State.String())
	return found
}

// checkLines holds each line against itself.
func checkLines(r *storedRecord) []reservation.Finding {
	var found []reservation.Finding
	for i := range r.Lines {
		l := &r.Lines[i]
		add := func(isBad bool, what string, is int64, shouldBe string) {
			if isBad {
				finding := malformed(what, is, shouldBe)
				finding.SKU, finding.Line = l.SKU.String(), i+1
				found = append(found, finding)
			}
		}
		add(l.Requested < 1 || l.Requested > reservation.MaxQuantity, "requested", l.Requested,
			"1 to 1000000000")
		add(l.Granted < 0 || l.Granted > l.Requested, "granted", l.Granted,
			fmt.Sprintf("0 to %d, which was requested", l.Requested))
		add(l.Covered < 0, "covered", l.Covered, "0 or more")
		add(l.Backordered < 0, "backordered", l.Backordered, "0 or more")
		add(l.Fulfilled < 0, "fulfilled", l.Fulfilled, "0 or more")
		sum := l.Covered + l.Backordered + l.Fulfilled
		add(sum > l.Granted, "covered + backordered + fulfilled", sum,
			fmt.Sprintf("at most %d, which was granted", l.Granted))
		add(!l.Counted && l.Backordered > 0, "backordered", l.Backordered, "0 where nothing is counted")
		if isCut := l.Granted < l.Requested; isCut != (l.Reason != 0) {
			is := "absent"
			if l.Reason != 0 {
				is = l.Reason.String()
			}
			finding := malformed("reason", is, "present of a line that got less than requested, only")
			finding.SKU, finding.Line = l.SKU.String(), i+1
			found = append(found, finding)
		}
		if !r.known[i] {
			found = append(found, reservation.Finding{
				Type: reservation.FindingSKUMissing, SKU: l.SKU.String(), Line: i + 1, What: "open units",
				Is: strconv.FormatInt(l.Open(), 10), ShouldBe: "0 of a SKU that the stock does not have",
			})
		}
	}
	return found
}

// checkPlaces holds a reservation's places in the indexes against its state.
func checkPlaces(r *storedRecord) []reservation.Finding {
	var found []reservation.Finding
	for _, index := range []struct {
		name   string
		is     place
		wanted bool
		at     time.Time
	}{
		{indexHeld, r.held, r.State == reservation.StateHeld, r.ExpireTime},
		{indexCommitted, r.committed, r.State == reservation.StateCommitted, r.CreateTime},
		{indexFinished, r.finished, r.State.IsFinished(), r.ForgetTime},
	} {
		found = append(found, checkPlace(index.name, index.is, index.wanted, index.at)...)
	}
	return found
}

// checkPlace holds one place in an index against where it should be.
func checkPlace(index string, is place, wanted bool, at time.Time) []reservation.Finding {
	finding := reservation.Finding{What: index}
	switch {
	case wanted && !is.Set:
		finding.Type = reservation.FindingIndexEntryMissing
		finding.Is, finding.ShouldBe = notListed, "listed at "+milliseconds(at)
	case !wanted && is.Set:
		finding.Type = reservation.FindingIndexEntryStray
		finding.Is, finding.ShouldBe = isListed, notListed
	case wanted && !isAt(is, at):
		finding.Type = reservation.FindingIndexPlace
		finding.Is = strconv.FormatFloat(is.Value, 'f', -1, 64)
		finding.ShouldBe = milliseconds(at)
	default:
		return nil
	}
	return []reservation.Finding{finding}
}

// checkQueued wants every line that waits in its SKU's queue, at the place that its grant gave it:
// the journal's where it was folded, else one that the answer's sequence allows.
func (a *audit) checkQueued(r *storedRecord) []reservation.Finding {
	var found []reservation.Finding
	var told *ledger.Reservation
	if a.fold != nil {
		told = a.fold.Reservations[r.ID]
	}
	for i := range r.Lines {
		l := &r.Lines[i]
		if !l.Counted || l.Backordered == 0 {
			continue
		}
		finding := reservation.Finding{SKU: l.SKU.String(), Line: i + 1, What: "queue"}
		score := r.scores[i]
		if !score.Set {
			finding.Type = reservation.FindingQueueEntryMissing
			finding.Is = notThere
			finding.ShouldBe = fmt.Sprintf("an entry for %d units", l.Backordered)
			found = append(found, finding)
			continue
		}
		why := misplaced(int64(score.Value), i+1, r.Sequence, r.Term)
		if told != nil && i < len(told.Lines) {
			why = moved(int64(score.Value), i+1, told.Lines[i].Joined)
		}
		if why != "" {
			finding.Type = reservation.FindingQueueOrder
			finding.Is = strconv.FormatFloat(score.Value, 'f', -1, 64)
			finding.ShouldBe = why
			found = append(found, finding)
		}
	}
	return found
}

// misplaced says why a score in a queue is not what the line's grant gave it; empty: it may be. Of
// the first term the grant's event comes before the answer's sequence, of a later one behind it.
func misplaced(score int64, line int, answered, term int64) string {
	joined := score / queueStep
	switch {
	case score%queueStep != int64(line):
		return fmt.Sprintf("sequence × %d + %d", queueStep, line)
	case term == 1 && (joined > answered || joined < 1):
		return fmt.Sprintf("the place of a grant at sequence %d or before", answered)
	case term > 1 && joined <= answered:
		return fmt.Sprintf("the place of a grant behind sequence %d", answered)
	}
	return ""
}

// moved says where a line that joined its queue at a sequence stands; empty: where it is.
func moved(score int64, line int, joined int64) string {
	if want := joined*queueStep + int64(line); score != want {
		return strconv.FormatInt(want, 10)
	}
	return ""
}

// requestKeys looks at request ids that have a key.
func (a *audit) requestKeys(ctx context.Context, names []string) error {
	for chunk := range slices.Chunk(names, recordsAtOnce) {
		requests, at, err := a.store.readRequests(ctx, a.stock, chunk)
		if err != nil {
			return err
		}
		if err := a.follow(ctx, at); err != nil {
			return err
		}
		for i := range requests {
			if err := a.request(&requests[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *audit) request(q *storedRequest) error {
	if !q.exists {
		return nil
	}
	if q.fault != "" {
		return a.find(reservation.Finding{
			Type: reservation.FindingRecordMalformed, Request: q.name, What: "request", Is: q.fault,
			ShouldBe: "a request that can be read",
		})
	}
	for _, found := range checkPlace(indexRequests, q.listed, true, q.ForgetTime) {
		found.Request = q.name
		if err := a.find(found); err != nil {
			return err
		}
	}
	return nil
}
