package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// requestOverhead is roughly what a request takes on the wire besides its lines, lineOverhead what
// a line takes besides its SKU, in bytes; for the bound of a batch.
const (
	requestOverhead = 150
	lineOverhead    = 60
)

// sizeOf guesses the bytes of a request's lines on the wire.
func sizeOf(lines reservation.Lines) int {
	size := requestOverhead
	for _, line := range lines.All() {
		size += lineOverhead + len(line.SKU.String())
	}
	return size
}

// The flags of a line; see lua/include/records.lua.
const (
	flagCounted = 1
	flagNotify  = 2
)

// Reserve promises units; see lua/reserve.lua.
func (s *Store) Reserve(
	ctx context.Context, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	r, err := s.change(ctx, request.Stock, reserveOperation(request), false)
	if err != nil {
		return reservation.ReserveAnswer{}, readRefusals(r, err, request.Lines)
	}
	return readReserved(r, request)
}

// readReserved reads what was promised.
func readReserved(
	r *reply, request reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	answer := reservation.ReserveAnswer{
		Reservation: reservation.Reservation{Stock: request.Stock, ID: request.ID, Term: 1},
		Replayed:    r.code == codeReplayed,
	}
	head, lines, _ := strings.Cut(r.text(), "\n")
	created, expires := r.readHead(head, &answer)
	answer.Stamp = reservation.Stamp{Sequence: r.sequence, StoreTime: created}
	answer.Reservation.CreateTime, answer.Reservation.ExpireTime = created, expires
	answer.Reservation.State = reservation.StateCommitted
	if !expires.IsZero() {
		answer.Reservation.State = reservation.StateHeld
	}
	answer.Reservation.Lines = readGranted(r, lines, request.Lines)
	if r.more() {
		readExtras(r, r.list(), answer.Reservation.Lines)
	}
	if r.err != nil {
		return reservation.ReserveAnswer{}, internal(r.err)
	}
	return answer, nil
}

// readHead reads "granted expiry state".
func (r *reply) readHead(
	head string, answer *reservation.ReserveAnswer,
) (created, expires time.Time) {
	w := words{text: head}
	created, expires = timeOf(w.int(' ')), timeOf(w.int(' '))
	answer.StateNow = r.checkState(w.int(' '))
	if w.failed && r.err == nil {
		r.err = fmt.Errorf("reply has the head %q", head)
	}
	return created, expires
}

func reserveOperation(request reservation.ReserveRequest) *operation {
	same := newContent("Reserve").number(request.TTL.Milliseconds()).number(int64(request.Mode)).
		lines(request.Lines).optional("replaces", request.Replaces.String()).fingerprint()
	return &operation{
		script: scriptReserve, repeatable: true,
		lines: request.Lines.Len(), bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			same := same // or the closure would hold a pointer to it, and both be allocated
			key, replaces := e.addKey(e.stock.reservation(request.ID)), 0
			if !request.Replaces.IsZero() {
				replaces = e.addKey(e.stock.reservation(request.Replaces))
			}
			e.reserveHead(asks(request.Mode, false), notAfter, key, same[:], request.TTL, replaces)
			e.reserveLines(request.Lines)
		},
	}
}

// reserveHead adds what lua/reserve.lua wants of a request besides its lines.
func (e *encoder) reserveHead(
	asks int, notAfter int64, key int, same []byte, ttl reservation.TTL, replaces int,
) {
	var text [20]byte
	e.fields = packInt(e.fields, int64(asks))
	e.fields = packInt(e.fields, notAfter)
	e.fields = packInt(e.fields, int64(key))
	e.fields = packText(e.fields, same)
	e.fields = packText(e.fields, strconv.AppendInt(text[:0], ttl.Milliseconds(), 10))
	e.fields = packInt(e.fields, int64(replaces))
}

// reserveLines adds lines as one list: number of the SKU, units.
func (e *encoder) reserveLines(lines reservation.Lines) {
	e.fields = packList(e.fields, 2*lines.Len())
	for _, line := range lines.All() {
		e.fields = packInt(e.fields, int64(e.numberOf(line.SKU)))
		e.fields = packInt(e.fields, line.Quantity.Units())
	}
}

// asks says what is asked of lua/reserve.lua.
func asks(mode reservation.Mode, dryRun bool) int {
	return boolToInt(mode == reservation.ModePartial) + 2*boolToInt(dryRun)
}

// readGranted reads lines as they are stored: "requested granted backordered available flags sku".
func readGranted(
	r *reply, text string, lines reservation.Lines,
) []reservation.ReservationLine {
	granted := make([]reservation.ReservationLine, lines.Len())
	for i, asked := range lines.All() {
		var one string
		one, text, _ = strings.Cut(text, "\n")
		w := words{text: one}
		line := &granted[i]
		line.SKU, line.Requested = asked.SKU, w.int(' ')
		reserved := w.int(' ')
		line.Backordered = w.int(' ')
		line.Covered = reserved - line.Backordered
		line.Available = reservation.Some(w.int(' '))
		r.flags(line, w.next(' '))
		if (w.failed || w.text != asked.SKU.String()) && r.err == nil {
			r.err = fmt.Errorf("reply has %q for line %d", one, i+1)
		}
	}
	if text != "" && r.err == nil {
		r.err = fmt.Errorf("reply has more than %d lines", lines.Len())
	}
	return granted
}

// flags reads the flags of a line, and why it got less than it asked for where it did:
// "flags:reason:orderable".
func (r *reply) flags(line *reservation.ReservationLine, text string) {
	if len(text) == 1 {
		line.Notify = (text[0]-'0')&flagNotify != 0
		return
	}
	w := words{text: text}
	line.Notify = w.int(':')&flagNotify != 0
	line.Reason = r.lineReason(w.int(':'))
	if orderable := w.int(':'); orderable >= 0 {
		line.Orderable = reservation.Some(orderable)
	}
	if w.failed && r.err == nil {
		r.err = fmt.Errorf("reply has the flags %q", text)
	}
}

// isCounted says by the flags of a line whether its units stand in the SKU's figures.
func isCounted(flags string) bool { return flags != "" && (flags[0]-'0')&flagCounted != 0 }

func (r *reply) lineReason(reason int64) reservation.LineReason {
	known := reason >= int64(reservation.LineNotSellable) &&
		reason <= int64(reservation.LineInsufficientStock)
	if !known && r.err == nil {
		r.err = fmt.Errorf("reply has the line reason %d", reason)
	}
	return reservation.LineReason(reason)
}

// readExtras reads what lines tell besides: number of the line, extras.
func readExtras(r *reply, list []any, lines []reservation.ReservationLine) {
	told := reply{values: list}
	for told.more() {
		number := told.int()
		if number < 1 || number > int64(len(lines)) {
			told.err = errReplyEnds
			break
		}
		line := &lines[number-1]
		line.RestockTime, line.Substitutes = told.extras(told.text())
	}
	if r.err == nil {
		r.err = told.err
	}
}

// readRefusals completes a refusal with its lines.
func readRefusals(r *reply, err error, lines reservation.Lines) error {
	if r == nil || r.code != codeLinesRefused {
		return err
	}
	refusals := readRefusedLines(r, lines)
	if r.err != nil {
		return internal(r.err)
	}
	return &reservation.Error{
		Reason: reservation.ReasonLinesRefused, Stamp: r.stamp(), Refusals: refusals,
	}
}

func readRefusedLines(r *reply, lines reservation.Lines) []reservation.LineRefusal {
	var refusals []reservation.LineRefusal
	for r.more() {
		number, orderable, reason := int(r.int()), r.int(), r.lineReason(r.int())
		substitutes := r.substitutes(r.text())
		if number < 1 || number > lines.Len() {
			r.err = errReplyEnds
			return nil
		}
		asked := lines.All()[number-1]
		refusal := reservation.LineRefusal{
			Index: number - 1, SKU: asked.SKU, Requested: asked.Quantity.Units(),
			Reason: reason, Substitutes: substitutes,
		}
		if orderable >= 0 {
			refusal.Orderable = reservation.Some(orderable)
		}
		refusals = append(refusals, refusal)
	}
	return refusals
}

// Check says what Reserve would answer; see lua/reserve.lua.
func (s *Store) Check(
	ctx context.Context, request reservation.CheckRequest,
) (reservation.CheckAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptReserve, repeatable: true, reads: true,
		lines: request.Lines.Len(), bytes: sizeOf(request.Lines),
		encode: func(e *encoder, notAfter int64) {
			e.reserveHead(asks(request.Mode, true), notAfter, 0, []byte{'-'}, reservation.TTL{}, 0)
			e.reserveLines(request.Lines)
		},
	}, false)
	if err != nil {
		return reservation.CheckAnswer{}, err
	}
	answer := reservation.CheckAnswer{Grantable: r.int() == 1, StoreTime: timeOf(r.now)}
	answer.Lines = readGranted(r, r.text(), request.Lines)
	readExtras(r, r.list(), answer.Lines)
	answer.Refusals = readRefusedLines(r, request.Lines)
	if r.err != nil {
		return reservation.CheckAnswer{}, internal(r.err)
	}
	return answer, nil
}
