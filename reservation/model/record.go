package model

import (
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// record is a reservation as it is kept.
type record struct {
	id         reservation.ReservationID
	state      reservation.State
	createTime time.Time
	expireTime time.Time
	finishTime time.Time // store time at which it became finished
	termTime   time.Time // of the present term's grant
	term       int64
	lines      []line
	// endedByRelease says that a whole release ended it: a repeat of that is OK.
	endedByRelease bool

	content reserveContent
	answer  reservation.ReserveAnswer // the first one, for replays
}

// line is a line as it is kept. An uncounted line belongs to a SKU that was not tracked when it was
// granted: it stands in no figure, so nothing that happens to it changes one.
type line struct {
	reservation.ReservationLine
	counted bool
}

// granted is what the line got, whatever became of it.
func (l line) granted() int64 { return l.Open() + l.Fulfilled + l.Released }

// reserveContent is what a repeated Reserve must have in common with the first.
type reserveContent struct {
	lines    []reservation.Line
	ttl      reservation.TTL
	mode     reservation.Mode
	replaces reservation.ReservationID
}

func contentOf(request reservation.ReserveRequest) reserveContent {
	return reserveContent{
		lines:    slices.Clone(request.Lines.All()),
		ttl:      request.TTL,
		mode:     request.Mode,
		replaces: request.Replaces,
	}
}

func (c reserveContent) equal(other reserveContent) bool {
	return slices.Equal(c.lines, other.lines) &&
		c.ttl == other.ttl && c.mode == other.mode && c.replaces == other.replaces
}

// isTombstone says whether the record stands for a reservation that was released before it was
// reserved.
func (r *record) isTombstone() bool { return r.term == 0 }

// isDue says whether the record is a hold that has run out and was not reclaimed yet.
func (r *record) isDue(now time.Time) bool {
	return r.state == reservation.StateHeld && !now.Before(r.expireTime)
}

// stateAt is the state as every call sees it: a hold that has run out is EXPIRED, reclaimed or not.
func (r *record) stateAt(now time.Time) reservation.State {
	if r.isDue(now) {
		return reservation.StateExpired
	}
	return r.state
}

func (r *record) finish(state reservation.State, now time.Time) {
	r.state = state
	r.finishTime = now
}

// isOpen says whether any unit is open.
func (r *record) isOpen() bool {
	return slices.ContainsFunc(r.lines, func(l line) bool { return l.Open() > 0 })
}

// endState is the state of a committed or held reservation without open units.
func (r *record) endState() reservation.State {
	if slices.ContainsFunc(r.lines, func(l line) bool { return l.Fulfilled > 0 }) {
		return reservation.StateFulfilled
	}
	return reservation.StateReleased
}

// stored returns the record as it is kept.
func (s *stock) stored(r *record) reservation.Reservation {
	shown := reservation.Reservation{
		Stock:      s.id,
		ID:         r.id,
		State:      r.state,
		CreateTime: r.createTime,
		ExpireTime: r.expireTime,
		Term:       r.term,
	}
	for _, l := range r.lines {
		l.Available = reservation.Optional[int64]{}
		l.Substitutes = slices.Clone(l.Substitutes)
		shown.Lines = append(shown.Lines, l.ReservationLine)
	}
	return shown
}

// view returns the record as a caller sees it: a hold that has run out is EXPIRED, reclaimed or
// not, and what concerns backordered units is shown while there are any, substitutes also where the
// line got less than it asked for.
func (s *stock) view(r *record) reservation.Reservation {
	shown := s.stored(r)
	if r.isDue(s.now) {
		shown.State = reservation.StateExpired
		for i := range shown.Lines {
			l := &shown.Lines[i]
			l.Released += l.Open()
			l.Covered, l.Backordered = 0, 0
		}
	}
	for i := range shown.Lines {
		l := &shown.Lines[i]
		if l.Backordered == 0 {
			l.RestockTime = reservation.Optional[time.Time]{}
		}
		if l.Backordered == 0 && l.Reason == 0 {
			l.Substitutes = nil
		}
	}
	return shown
}
