package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// evalSHA runs a script: the model, request by request.
func (s *simServer) evalSHA(args []string, harm simHarm) (encoded []byte) {
	script, ok := s.loaded[args[0]]
	if !ok {
		return simError("NOSCRIPT No matching script. Please use EVAL.")
	}
	if harm.kind == harmRefusal {
		return simError(harm.text)
	}
	defer func() {
		if wrong := recover(); wrong != nil {
			malformed, ok := wrong.(simMalformed)
			if !ok {
				panic(wrong)
			}
			s.judge.breach("%s cannot be understood: %s\n%q", script, malformed.what, args)
			encoded = simError("ERR malformed")
		}
	}()
	call := simMust(parseSimCall(script, args[1:]))
	if harm.kind == harmPoison && call.count > 1 {
		return simError("HFBEFORE the simulation wants them one by one")
	}
	if script == scriptReadReservation {
		return simValue([]any{simTime(s.lockedNow()), 0, 0, []any{s.readReservation(call)}})
	}
	replies := make([]any, call.count)
	for i := range replies {
		replies[i] = s.request(call, harm, i)
	}
	if call.at != len(call.fields) {
		s.judge.breach("%s has %d fields, %d were asked for", script, len(call.fields), call.at)
	}
	sequence := s.indexes(call.stock).Sequence
	if script == scriptPurge {
		sequence = 0
	}
	return simValue([]any{simTime(s.lockedNow()), 1, sequence, replies})
}

// request carries out one request of a call.
func (s *simServer) request(call *simCall, harm simHarm, i int) []any {
	ctx := context.Background()
	switch call.script { //nolint:exhaustive // the others are callers'
	case scriptSweep:
		return s.sweep(ctx, call)
	case scriptPurge:
		forgotten := simMust(s.model.Purge(ctx, call.stock))
		seen := s.indexes(call.stock)
		more := simIsOver(seen.Finished, s.lockedNow()) || simIsOver(seen.Requests, s.lockedNow())
		return []any{codeOK, 0, forgotten, boolToInt(more)}
	}
	request := call.read()
	before := s.indexes(call.stock).Sequence
	now := s.lockedNow().UnixMilli()
	done := simApplication{
		at: now, skew: s.skew.Milliseconds(), copied: harm.kind == harmCopy,
		notAfter: request.notAfter, print: request.print,
		key: simKey(request.ask),
	}
	if now > request.notAfter {
		return []any{codeTooLate, before}
	}
	if harm.kind == harmAgain && (harm.bits>>i)&1 == 1 {
		return []any{codeAgain, before}
	}
	answer, encoded, err := request.run(ctx, s.model)
	if err != nil {
		encoded = simRefused(call.script, err)
	}
	done.answer = simAnswer(answer, err)
	events, eventsErr := s.model.EventsAfter(ctx, call.stock, before)
	if eventsErr != nil {
		panic(simMalformed{eventsErr.Error()})
	}
	done.effective = err == nil && isEffectOf(request.ask, events)
	s.judge.apply(done)
	return encoded
}

func simIsOver(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

func (s *simServer) sweep(ctx context.Context, call *simCall) []any {
	var reclaimed, handled int
	reclaims, drains := call.field() == "1", call.field() == "1"
	if reclaims {
		reclaimed = simMust(s.model.Sweep(ctx, call.stock))
	}
	if drains {
		handled = simMust(s.model.Drain(ctx, call.stock))
	}
	seen := s.indexes(call.stock) //nolint:contextcheck // the model asks nobody
	more := reclaims && seen.Due > 0 || drains && seen.Filling > 0
	return []any{codeOK, seen.Sequence, reclaimed, handled, boolToInt(more)}
}

func (s *simServer) readReservation(call *simCall) []any {
	ask := simGet{call.stock, call.reservation(fixedKeys + 1)}
	answer, err := s.model.Get(context.Background(), ask.Stock, ask.ID)
	var refused *reservation.Error
	if errors.As(err, &refused) {
		refused.Stamp.Sequence = 0 // the script reads no sequence
	}
	s.judge.apply(simApplication{
		at: s.lockedNow().UnixMilli(), key: simKey(ask), answer: simAnswer(answer, err),
		notAfter: simNever,
	})
	if err != nil {
		return []any{codeUnknownReservation, 0}
	}
	return simReservation([]any{codeOK, 0}, answer.Reservation)
}
