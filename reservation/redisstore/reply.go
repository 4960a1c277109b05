package redisstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// replyCode is what a script answers to one request; the table stands in lua/include/codes.lua.
type replyCode int64

// The codes, as in lua/include/codes.lua; a test holds the two together.
const (
	codeOK                     replyCode = 0
	codeReplayed               replyCode = 1
	codeAgain                  replyCode = 2
	codeTooLate                replyCode = 3
	codeReservationIDReused    replyCode = 10
	codeRequestIDReused        replyCode = 11
	codeUnknownSKU             replyCode = 20
	codeUnknownReservation     replyCode = 21
	codeReleasedBeforeReserved replyCode = 30
	codeWrongState             replyCode = 31
	codeMoreThanOpen           replyCode = 32
	codeStockItemInUse         replyCode = 33
	codeMoreThanCovered        replyCode = 34
	codeBackorderedUnits       replyCode = 35
	codeNotOnHand              replyCode = 36
	codeOnHandBelowZero        replyCode = 37
	codeOnHandDiffers          replyCode = 38
	codeLinesRefused           replyCode = 40
	codeFigureOutOfRange       replyCode = 50
	codeRepairConflict         replyCode = 60
	codeStockRestoring         replyCode = 61
	codeStockNotEmpty          replyCode = 62
	codeStockFenced            replyCode = 63
	codeFenceDiffers           replyCode = 64
)

// reason returns the reason that a code stands for; ok is false for those that are no refusal.
func (c replyCode) reason() (reason reservation.Reason, ok bool) {
	switch c {
	case codeOK, codeReplayed, codeAgain:
		return 0, false
	case codeTooLate:
		return reservation.ReasonTooLate, true
	case codeReservationIDReused:
		return reservation.ReasonReservationIDReused, true
	case codeRequestIDReused:
		return reservation.ReasonRequestIDReused, true
	case codeUnknownSKU:
		return reservation.ReasonUnknownSKU, true
	case codeUnknownReservation:
		return reservation.ReasonUnknownReservation, true
	case codeReleasedBeforeReserved:
		return reservation.ReasonReleasedBeforeReserved, true
	case codeWrongState:
		return reservation.ReasonWrongState, true
	case codeMoreThanOpen:
		return reservation.ReasonMoreThanOpen, true
	case codeStockItemInUse:
		return reservation.ReasonStockItemInUse, true
	case codeMoreThanCovered:
		return reservation.ReasonMoreThanCovered, true
	case codeBackorderedUnits:
		return reservation.ReasonBackorderedUnits, true
	case codeNotOnHand:
		return reservation.ReasonNotOnHand, true
	case codeOnHandBelowZero:
		return reservation.ReasonOnHandBelowZero, true
	case codeOnHandDiffers:
		return reservation.ReasonOnHandDiffers, true
	case codeLinesRefused:
		return reservation.ReasonLinesRefused, true
	case codeFigureOutOfRange:
		return reservation.ReasonFigureOutOfRange, true
	case codeRepairConflict:
		return reservation.ReasonRepairConflict, true
	case codeStockRestoring:
		return reservation.ReasonStockRestoring, true
	case codeStockNotEmpty:
		return reservation.ReasonStockNotEmpty, true
	case codeStockFenced:
		return reservation.ReasonStockFenced, true
	case codeFenceDiffers:
		return reservation.ReasonFenceDiffers, true
	}
	return 0, false
}

// reply reads one request's answer from left to right. The first value that is missing or of
// another kind makes it fail; every later read then returns zero.
type reply struct {
	now      int64 // ms of store time
	code     replyCode
	sequence int64
	holdsDue bool // of a read: holds are due that were not reclaimed
	values   []any
	at       int
	err      error
}

var errReplyEnds = errors.New("reply ends early")

// open opens an answer; now is the time of its script.
func (r *reply) open(now int64, raw any) error {
	values, ok := raw.([]any)
	if !ok || len(values) == 0 {
		return fmt.Errorf("reply is %T, not a list", raw)
	}
	*r = reply{now: now, values: values}
	r.code = replyCode(r.int())
	if len(values) > 1 && r.code != codeAgain {
		if _, isNumber := values[1].(int64); isNumber {
			r.sequence = r.int()
		}
	}
	return r.err
}

func (r *reply) next() any {
	if r.at >= len(r.values) {
		if r.err == nil {
			r.err = errReplyEnds
		}
		return nil
	}
	value := r.values[r.at]
	r.at++
	return value
}

func (r *reply) more() bool { return r.err == nil && r.at < len(r.values) }

func (r *reply) int() int64 {
	value, ok := r.next().(int64)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("reply has no number at %d", r.at)
	}
	return value
}

func (r *reply) text() string {
	value, ok := r.next().(string)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("reply has no text at %d", r.at)
	}
	return value
}

func (r *reply) list() []any {
	value, ok := r.next().([]any)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("reply has no list at %d", r.at)
	}
	return value
}

func (r *reply) sku() reservation.SKU { return r.parseSKU(r.text()) }

// parseSKU reads a SKU that the store returned; it was checked when it came in.
func (r *reply) parseSKU(name string) reservation.SKU {
	sku, err := reservation.ParseSKU(name)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("reply has the SKU %q: %w", name, err)
	}
	return sku
}

func (r *reply) skus() []reservation.SKU {
	var skus []reservation.SKU
	for r.more() {
		skus = append(skus, r.sku())
	}
	return skus
}

func (r *reply) state() reservation.State { return r.checkState(r.int()) }

func (r *reply) checkState(state int64) reservation.State {
	if (state < int64(reservation.StateHeld) || state > int64(reservation.StateExpired)) &&
		r.err == nil {
		r.err = fmt.Errorf("reply has the state %d", state)
	}
	return reservation.State(state)
}

// words reads a text from left to right, word by word, without a copy.
type words struct {
	text   string
	failed bool // a number was none
}

// next takes the next word, up to a separator or the end.
func (w *words) next(separator byte) string {
	word, rest, _ := strings.Cut(w.text, string(separator))
	w.text = rest
	return word
}

// int takes the next word as a whole number.
func (w *words) int(separator byte) int64 {
	n, err := strconv.ParseInt(w.next(separator), 10, 64)
	w.failed = w.failed || err != nil
	return n
}

// betweenSKUs parts the SKUs of a list, as it is stored. No SKU holds a control character.
const betweenSKUs = "\x1e"

// substitutes reads a list of SKUs.
func (r *reply) substitutes(text string) []reservation.SKU {
	if text == "" {
		return nil
	}
	var skus []reservation.SKU
	for name := range strings.SplitSeq(text, betweenSKUs) {
		skus = append(skus, r.parseSKU(name))
	}
	return skus
}

// extras reads what a backordered line tells besides its figures: restock time, then substitutes.
func (r *reply) extras(text string) (reservation.Optional[time.Time], []reservation.SKU) {
	restock, names, _ := strings.Cut(text, "\n")
	if restock == "" {
		return reservation.Optional[time.Time]{}, r.substitutes(names)
	}
	return reservation.Some(timeOf(r.parseInt(restock))), r.substitutes(names)
}

func (r *reply) parseInt(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("reply: %w", err)
	}
	return n
}

// stamp returns where and when the store decided.
func (r *reply) stamp() reservation.Stamp {
	return reservation.Stamp{Sequence: r.sequence, StoreTime: timeOf(r.now)}
}

// refusal returns the error that the answer stands for, nil where it is none.
func (r *reply) refusal() error {
	reason, refused := r.code.reason()
	if !refused {
		return nil
	}
	e := &reservation.Error{Reason: reason, Stamp: r.stamp()}
	switch r.code {
	case codeUnknownSKU, codeMoreThanOpen, codeStockItemInUse, codeFigureOutOfRange,
		codeMoreThanCovered, codeBackorderedUnits, codeNotOnHand, codeOnHandBelowZero,
		codeOnHandDiffers:
		e.SKUs = r.skus()
	case codeWrongState:
		e.State = r.state()
	case codeOK, codeReplayed, codeAgain, codeTooLate, codeReservationIDReused,
		codeRequestIDReused, codeUnknownReservation, codeReleasedBeforeReserved,
		codeLinesRefused, codeRepairConflict, codeStockRestoring, codeStockNotEmpty,
		codeStockFenced, codeFenceDiffers:
	}
	return e
}
