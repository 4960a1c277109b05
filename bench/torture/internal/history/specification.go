package history

import (
	"context"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	domain "github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
)

// retention is longer than any history, so that nothing is forgotten in one.
const retention = domain.DefaultRetention

// state is a stock after some operations: those that changed it, in order. The model is not copied
// but led through them anew, so that no second one can drift from it.
type state struct {
	log *step // nil: nothing happened yet
	now int64 // ms: the latest store time that an operation so far was answered at
	// known are the operations so far whose outcome is known.
	known int
}

// step is one operation that changed the stock, or a sweep.
type step struct {
	before *step
	op     *Operation // nil: a sweep
	time   int64      // ms of store time
	hash   uint64
}

func (s *step) then(op *Operation, index uint64, now int64) *step {
	next := &step{before: s, op: op, time: now, hash: 14695981039346656037}
	if s != nil {
		next.hash = s.hash
	}
	for _, n := range []uint64{index + 1, uint64(now)} {
		next.hash = (next.hash ^ n) * 1099511628211
	}
	return next
}

func (s *step) equal(other *step) bool {
	for s != other {
		if s == nil || other == nil || s.hash != other.hash || s.op != other.op ||
			s.time != other.time {
			return false
		}
		s, other = s.before, other.before
	}
	return true
}

// specification is the contract of one stock for porcupine.
type specification struct {
	stock domain.StockID
	index map[*Operation]uint64
	vague map[string]bool // reservations whose times are not known
	known int             // operations whose outcome is known
	court Court
}

// lead leads a model through the steps.
func (s *specification) lead(ctx context.Context, last *step) (*model.Model, *time.Time) {
	now := new(time.Time)
	m := model.New(model.Options{Retention: retention, Now: func() time.Time { return *now }})
	var steps []*step
	for at := last; at != nil; at = at.before {
		steps = append(steps, at)
	}
	for _, one := range slices.Backward(steps) {
		*now = time.UnixMilli(one.time).UTC()
		if one.op == nil {
			_, _ = m.Sweep(ctx, s.stock) // a context that lives has no error
			continue
		}
		_, _ = one.op.run(ctx, m) // what it answers was compared before
	}
	return m, now
}

// sequence returns where the model's journal is.
func (s *specification) sequence(ctx context.Context, m *model.Model) int64 {
	snapshot, err := m.Snapshot(ctx, s.stock)
	if err != nil {
		return 0 // the caller is gone, and does not look at what comes of it
	}
	return snapshot.Sequence
}

// next returns the states that an operation may lead to; none where the model answers otherwise.
func (s *specification) next(ctx context.Context, from state, op *Operation) []state {
	if !op.isKnown() {
		return s.maybe(ctx, from, op)
	}
	to := s.answered(ctx, from, op, max(from.now, op.StoreTime))
	if !s.court.Sweeps {
		return to
	}
	for _, swept := range s.swept(ctx, from, op.StoreTime) {
		to = append(to, s.answered(ctx, swept, op, max(from.now, op.StoreTime))...)
	}
	return to
}

// answered returns the state after an operation whose answer is known, none where it does not fit.
func (s *specification) answered(
	ctx context.Context, from state, op *Operation, now int64,
) []state {
	m, clock := s.lead(ctx, from.log)
	*clock = time.UnixMilli(now).UTC()
	before := s.sequence(ctx, m)
	answered, err := op.run(ctx, m)
	want, got := modelReply(answered, err), *op.Reply
	if got.Refused != "" && got.Sequence == 0 {
		want.Sequence = 0 // that of a look that was refused: nobody promises one
	}
	if s.court.Resends && got.Replayed {
		want.Replayed = true
	}
	if want.text(s.vague) != got.text(s.vague) {
		return nil
	}
	// An answer that is given again has the time of the first.
	if op.StoreTime != 0 && op.StoreTime < from.now && !isReplay(answered) {
		return nil
	}
	to := state{log: from.log, now: now, known: from.known + 1}
	if s.sequence(ctx, m) != before {
		to.log = from.log.then(op, s.index[op], now)
	}
	return []state{to}
}

// maybe returns the state after an operation whose outcome is not known, where it has an effect.
// One that has none may stand anywhere, so it is left for the end, where all of them stand without
// effect: each place for it would double the work.
func (s *specification) maybe(ctx context.Context, from state, op *Operation) []state {
	if from.known == s.known {
		return []state{from}
	}
	if op.SettlesAt != 0 && from.now >= op.SettlesAt {
		return nil
	}
	m, clock := s.lead(ctx, from.log)
	*clock = time.UnixMilli(from.now).UTC()
	before := s.sequence(ctx, m)
	_, _ = op.run(ctx, m) // nobody was told
	if s.sequence(ctx, m) == before {
		return nil
	}
	return []state{{
		log: from.log.then(op, s.index[op], from.now), now: from.now, known: from.known,
	}}
}

func isReplay(answered any) bool {
	switch a := answered.(type) {
	case domain.ReserveAnswer:
		return a.Replayed
	case domain.ReleaseAnswer:
		return a.Replayed
	case domain.ChangeAnswer:
		return a.Replayed
	case domain.RestockAnswer:
		return a.Replayed
	case domain.OnHandAnswer:
		return a.Replayed
	}
	return false
}

// swept returns the states that sweeps may lead to before a store time: holds that run out by then
// may have been swept one by one or several together.
func (s *specification) swept(ctx context.Context, from state, until int64) []state {
	m, clock := s.lead(ctx, from.log)
	*clock = time.UnixMilli(from.now).UTC()
	snapshot, err := m.Snapshot(ctx, s.stock)
	if err != nil {
		return nil // the caller is gone, and does not look at what comes of it
	}
	var due []int64
	for _, r := range snapshot.Reservations {
		at := r.ExpireTime.UnixMilli()
		if r.State == domain.StateHeld && at <= until && !slices.Contains(due, at) {
			due = append(due, at)
		}
	}
	slices.Sort(due)
	var states []state
	for chosen := 1; chosen < 1<<len(due); chosen++ {
		to := from
		for n, at := range due {
			if chosen&(1<<n) != 0 {
				to.now = max(to.now, at)
				to.log = to.log.then(nil, 0, to.now)
			}
		}
		states = append(states, to)
	}
	return states
}

// porcupine returns the specification as porcupine takes it.
func (s *specification) porcupine(ctx context.Context) porcupine.Model {
	several := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{}} },
		StepContext: func(ctx context.Context, from, input, _ any) []any {
			at, _ := from.(state)
			op, _ := input.(*Operation)
			var to []any
			for _, one := range s.next(ctx, at, op) {
				to = append(to, one)
			}
			return to
		},
		Equal: func(a, b any) bool {
			one, _ := a.(state)
			other, _ := b.(state)
			return one.now == other.now && one.known == other.known &&
				one.log.equal(other.log)
		},
		Hash: func(a any) uint64 {
			one, _ := a.(state)
			if one.log == nil {
				return uint64(one.now)
			}
			return one.log.hash ^ uint64(one.now)
		},
		DescribeOperation: func(input, _ any) string {
			op, _ := input.(*Operation)
			return op.describe(s.vague)
		},
		DescribeState: func(a any) string {
			one, _ := a.(state)
			return s.describe(ctx, one)
		},
	}
	return several.ToModel()
}
