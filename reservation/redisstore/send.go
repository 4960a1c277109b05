package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// maxTries bounds how often one operation is sent: its first try, once after a lost answer, and
// once more. Three cases do not count. Time ends two of them: moving to the next batch while more
// holds are due than one script reclaims, and a not_after that was made from an old guess of the
// store's clock. maxLoads bounds the third, NOSCRIPT.
const (
	maxTries = 3
	maxLoads = 3
)

// group is the operations of one script within a batch, and their script call.
type group struct {
	script  scriptName
	ops     []*operation
	encoder *encoder
	cmd     *redis.Cmd
	wait    *redis.Cmd // for replicas, at the end of the batch; nil: none is waited for
}

// pipeliner is where a batch can be sent: any connection of the pool, or a certain one.
type pipeliner interface{ Pipeline() redis.Pipeliner }

// sendBatch sends a batch as one pipeline and hands each operation its outcome. It returns those
// that go into the next batch.
func (s *Store) sendBatch(b *batcher, batch []*operation) (again []*operation) {
	ctx, cancel := context.WithTimeout(context.Background(), s.options.CallTimeout)
	defer cancel()
	if b.turns > 0 {
		s.askAgain(ctx, b.turns)
	}
	n, err := s.fitNode(ctx, b.fixed[0])
	if err != nil {
		finishAll(batch, err)
		return nil
	}
	b.node.Store(n)
	set, err := s.scriptsOf(ctx, n)
	if err != nil {
		return s.settleUnsent(b, batch, err)
	}
	return s.sendOver(ctx, b, n.client, set, batch)
}

// settleUnsent decides about operations that could not be sent, for the node did not say who it is.
func (s *Store) settleUnsent(b *batcher, ops []*operation, err error) (again []*operation) {
	if classify(err) == failedTurnedAway {
		return s.settleTurnedAway(b, ops, err)
	}
	s.engine.doubt()
	finishAll(ops, s.notExecuted(err))
	return nil
}

// sendOver sends a batch with the scripts of one set.
func (s *Store) sendOver(
	ctx context.Context, b *batcher, over pipeliner, set *scriptSet, batch []*operation,
) (again []*operation) {
	var lacking []*operation
	asked := time.Now()
	for _, g := range s.encodeBatch(ctx, b, over.Pipeline(), set, batch) {
		more, noScript := s.settle(b, set, g, asked) //nolint:contextcheck // a poisoned batch starts anew
		again = append(again, more...)
		lacking = append(lacking, noScript...)
	}
	if len(lacking) > 0 {
		again = append(again, s.sendLoaded(ctx, b, lacking)...)
	}
	return again
}

// sendLoaded sends operations that were answered NOSCRIPT: the process is another one than the
// scripts were made for, or somebody flushed them. Who it is, what it lacks and the calls go over
// one connection, for another one might lead to another process.
func (s *Store) sendLoaded(ctx context.Context, b *batcher, ops []*operation) (again []*operation) {
	if ops = withLoadsLeft(ops); len(ops) == 0 {
		return nil
	}
	n := b.node.Load()
	conn := n.client.Conn()
	defer func() { _ = conn.Close() }() // it goes back to the others
	set, err := s.greet(ctx, n, conn)
	if err != nil {
		return s.settleUnsent(b, ops, err)
	}
	return s.sendOver(ctx, b, conn, set, ops)
}

// withLoadsLeft returns the operations that may be sent once more after NOSCRIPT; the others end.
func withLoadsLeft(ops []*operation) (again []*operation) {
	for _, op := range ops {
		if op.loads >= maxLoads {
			op.finish(nil, unavailable(errNoScript))
			continue
		}
		op.loads++
		op.tries--
		again = append(again, op)
	}
	return again
}

// errNoScript ends an operation whose script was gone again each time that it was loaded.
var errNoScript = errors.New("the store has no scripts, however often they are loaded")

// encodeBatch groups a batch by script and runs it through one pipeline.
func (s *Store) encodeBatch(
	ctx context.Context, b *batcher, pipe redis.Pipeliner, set *scriptSet, batch []*operation,
) []*group {
	groups := make([]*group, 0, 4)
	for _, name := range batchOrder() {
		var ops []*operation
		for _, op := range batch {
			if op.script == name {
				ops = append(ops, op)
			}
		}
		if len(ops) > 0 {
			groups = append(groups, s.encodeGroup(ctx, b, pipe, set.byName[name], ops))
		}
	}
	s.addWait(ctx, pipe, groups, batch)
	// Exec's error is the first of the commands' errors; each is looked at in settle.
	_ = runPipe(ctx, pipe)
	for _, g := range groups {
		s.encoders.put(g.encoder)
	}
	return groups
}

// encodeGroup adds one script call for all operations of a script.
func (s *Store) encodeGroup(
	ctx context.Context, b *batcher, pipe redis.Pipeliner, sc *script, ops []*operation,
) *group {
	e := s.encoders.get(b.keys, b.fixed[:])
	for _, op := range ops {
		op.tries++
		op.sentUntil = op.allow(s.notAfter(b, op))
		op.encode(e, op.sentUntil)
	}
	e.call(sc.sha, s.callHeader(), len(ops))
	seen := &b.seen
	if sc.name == scriptRestore { // whatever was seen of the stock that stood there is no loss
		seen = &seenPosition{}
	}
	args := e.tell(seen, s.server)
	return &group{script: sc.name, ops: ops, encoder: e, cmd: pipe.Do(ctx, args...)}
}

// callHeader returns what every script gets first; see lua/include/begin.lua.
func (s *Store) callHeader() []any {
	return []any{s.options.Retention.Milliseconds(), s.options.journalCap, s.options.lineBudget}
}

// notAfter returns the last moment, ms of store time, at which an operation may take effect: the
// call's own limit, and never past the caller's deadline.
func (s *Store) notAfter(b *batcher, op *operation) int64 {
	left := s.options.CallTimeout
	if !op.deadline.IsZero() {
		left = min(left, time.Until(op.deadline))
	}
	return b.now() + left.Milliseconds()
}

// settle hands the operations of one script call their outcome. It returns those to send again with
// the next batch, and those for which the store lacked the script.
func (s *Store) settle(
	b *batcher, set *scriptSet, g *group, asked time.Time,
) (again, lacking []*operation) {
	answer, err := g.cmd.Slice()
	switch {
	case err == nil:
		return s.settleAnswer(b, set, g, answer, asked), nil
	case classify(err) == failedNoScript:
		return nil, g.ops
	}
	return s.settleFailure(b, g, err), nil
}

// settleAnswer hands the operations what a script answered.
func (s *Store) settleAnswer(
	b *batcher, set *scriptSet, g *group, answer []any, asked time.Time,
) (again []*operation) {
	replies, now, err := openAnswer(answer, len(g.ops))
	held := s.areHeld(g.wait)
	if err == nil && g.script != scriptPurge { // which reads no sequence
		err = s.learn(b, set, answer, !s.waitsForReplicas() || held && g.isAcknowledgedBy(replies))
	}
	if err != nil {
		s.options.Logger.Error("script answer cannot be read", "script", g.script,
			"stock", b.stock.String(), "error", err)
		finishAll(g.ops, internal(err))
		return nil
	}
	b.node.Load().clock.tell(now, asked)
	b.turns = 0
	for i, op := range g.ops {
		r := &op.answer
		err := r.open(now, replies[i])
		switch {
		case err != nil:
			op.finish(nil, internal(err))
		case r.code == codeAgain && s.hasTimeLeft(b, op):
			op.tries--
			again = append(again, op)
		case r.code == codeAgain:
			op.finish(nil, unavailable(reservation.ErrReclaiming))
		case r.code == codeTooLate && s.hasTimeLeft(b, op):
			op.tries--
			again = append(again, op) // our guess of the store's clock was old; it is new now
		case !held && op.isAcknowledgedBy(r):
			again = append(again, s.settleUnheld(b, g, op)...)
		default:
			op.finish(r, nil)
		}
	}
	return again
}

// openAnswer takes a script's answer apart: {store time, epoch, sequence, replies}, and what
// [standingOf] reads.
func openAnswer(
	answer []any, requests int,
) (replies []any, now int64, err error) {
	if len(answer) != 4 && len(answer) != 5 {
		return nil, 0, errReplyEnds
	}
	now, isTime := answer[0].(int64)
	_, isSequence := answer[2].(int64)
	replies, isList := answer[3].([]any)
	if !isTime || !isSequence || !isList || len(replies) != requests {
		return nil, 0, errReplyEnds
	}
	return replies, now, nil
}

// hasTimeLeft says whether an operation may go on: within the call's own limit and the caller's
// deadline, and not past what a caller was told who left.
func (s *Store) hasTimeLeft(b *batcher, op *operation) bool {
	return time.Since(op.entered) < s.options.CallTimeout &&
		(op.deadline.IsZero() || time.Until(op.deadline) > 0) && !op.isOver(b.now())
}

// settleFailure decides, for a script call that did not answer, between sending again and giving
// up.
func (s *Store) settleFailure(b *batcher, g *group, err error) (again []*operation) {
	switch kind := classify(err); kind {
	case failedNoScript: // settle sees to it
	case failedBeforeWrite:
		return s.settlePoisoned(b, g, err)
	case failedTurnedAway:
		return s.settleTurnedAway(b, g.ops, err)
	case failedNotExecuted:
		s.engine.doubt()
		finishAll(g.ops, s.notExecuted(err))
		return nil
	case failedLost:
		s.engine.doubt()
		return s.settleLost(b, g, err)
	case failedAfterWrite:
		s.options.Logger.Error("a script failed after its first write: audit this stock",
			"script", g.script, "stock", b.stock.String(), "error", err)
		finishAll(g.ops, internal(err))
		return nil
	}
	return nil
}

// settleLost sends again what may be sent twice, while there is time.
func (s *Store) settleLost(b *batcher, g *group, err error) (again []*operation) {
	for _, op := range g.ops {
		op.lose()
		if op.repeatable && op.tries < maxTries && s.hasTimeLeft(b, op) {
			again = append(again, op)
		} else {
			op.finish(nil, err)
		}
	}
	return again
}

// settlePoisoned handles a script that failed before it wrote anything: one operation may be to
// blame, so each is sent alone; one that fails alone is its own fault.
func (s *Store) settlePoisoned(b *batcher, g *group, err error) (again []*operation) {
	if len(g.ops) == 1 {
		s.options.Logger.Error("a script failed", "script", g.script,
			"stock", b.stock.String(), "error", err)
		g.ops[0].finish(nil, internal(err))
		return nil
	}
	for _, op := range g.ops {
		again = append(again, s.sendBatch(b, []*operation{op})...)
	}
	return again
}

func finishAll(ops []*operation, err error) {
	for _, op := range ops {
		op.finish(nil, err)
	}
}
