package redisstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// The fields of a journal entry: the store's time, ms, and the events, one a line.
const (
	journalTime   = "t"
	journalEvents = "e"
)

// readEntry reads one entry of a journal. Its ID is the sequence of its last event.
func readEntry(entry redis.XMessage) ([]reservation.Event, error) {
	text, _ := entry.Values[journalEvents].(string)
	lines := strings.Split(text, "\n")
	number, _, _ := strings.Cut(entry.ID, "-")
	last, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("journal entry %s: %w", entry.ID, err)
	}
	told, _ := entry.Values[journalTime].(string)
	ms, err := strconv.ParseInt(told, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("journal entry %s: time: %w", entry.ID, err)
	}
	events := make([]reservation.Event, len(lines))
	for i, line := range lines {
		r := &eventReader{words: strings.Split(line, "\t")}
		events[i] = r.event()
		if r.err != nil {
			return nil, fmt.Errorf("journal entry %s: event %d: %w", entry.ID, i, r.err)
		}
		events[i].Sequence = last - int64(len(lines)-1-i)
		events[i].Time = timeOf(ms)
	}
	return events, nil
}

// eventReader reads the words of one event from left to right; the first bad one makes it fail.
type eventReader struct {
	reply // for its parsers and its error

	words []string
}

func (r *eventReader) word() string {
	if len(r.words) == 0 {
		if r.err == nil {
			r.err = errReplyEnds
		}
		return ""
	}
	word := r.words[0]
	r.words = r.words[1:]
	return word
}

func (r *eventReader) number() int64 { return r.parseInt(r.word()) }

func (r *eventReader) wordsLeft() bool { return r.err == nil && len(r.words) > 0 }

// event reads an event's name and, by it, its values; see where the scripts emit it.
func (r *eventReader) event() reservation.Event {
	var e reservation.Event
	switch name := r.word(); name {
	case reservation.EventReserved.String():
		e = r.reserved()
	case reservation.EventReleased.String():
		e.Type, e.Reservation = reservation.EventReleased, r.reservation()
		e.Request, e.State = r.request(), r.stateWord()
		e.Lines = r.givenBack()
	case reservation.EventExpired.String():
		e.Type, e.Reservation = reservation.EventExpired, r.reservation()
		e.State, e.Lines = reservation.StateExpired, r.givenBack()
	case reservation.EventCommitted.String():
		e.Type, e.Reservation = reservation.EventCommitted, r.reservation()
		e.State, e.Term = reservation.StateCommitted, r.number()
		e.Lines = r.givenBack()
	case reservation.EventExtended.String():
		e.Type, e.Reservation = reservation.EventExtended, r.reservation()
		e.State, e.ExpireTime = reservation.StateHeld, timeOf(r.number())
	case reservation.EventFulfilled.String():
		e.Type, e.Reservation = reservation.EventFulfilled, r.reservation()
		e.Request, e.State = r.request(), r.stateWord()
		for r.wordsLeft() {
			e.Lines = append(e.Lines, reservation.EventLine{
				Index: r.index(), SKU: r.skuWord(), Quantity: r.number(),
			})
		}
	case reservation.EventAdjusted.String():
		e.Type, e.Request, e.Lines = reservation.EventAdjusted, r.request(), r.adjusted()
	case reservation.EventOversold.String():
		e.Type, e.Lines = reservation.EventOversold, r.oversold()
	case reservation.EventRestocked.String():
		e.Type, e.Request, e.Lines = reservation.EventRestocked, r.request(), r.restocked()
	case reservation.EventBackordered.String():
		e.Type, e.Reservation = reservation.EventBackordered, r.reservation()
		for r.wordsLeft() {
			e.Lines = append(e.Lines, reservation.EventLine{
				Index: r.index(), SKU: r.skuWord(), Backordered: r.number(),
			})
		}
	case reservation.EventBackorderFilled.String():
		e.Type, e.Reservation = reservation.EventBackorderFilled, r.reservation()
		e.Lines = []reservation.EventLine{{Index: r.index(), SKU: r.skuWord(), Covered: r.number()}}
	case reservation.EventLowStock.String():
		e = r.threshold(reservation.EventLowStock)
	case reservation.EventOutOfStock.String():
		e = r.threshold(reservation.EventOutOfStock)
	case reservation.EventBackInStock.String():
		e = r.threshold(reservation.EventBackInStock)
	case reservation.EventPolicyChanged.String():
		e = r.policyChanged()
	case reservation.EventRepaired.String():
		e = r.repairedItem()
	case reservation.EventStoreChanged.String():
		e.Type, e.Epoch = reservation.EventStoreChanged, r.number()
	default:
		r.err = fmt.Errorf("unknown event %q", name)
	}
	return e
}

func (r *eventReader) reserved() reservation.Event {
	e := reservation.Event{Type: reservation.EventReserved, Reservation: r.reservation()}
	e.State, e.ExpireTime = r.stateWord(), timeOf(r.number())
	for r.wordsLeft() {
		e.Lines = append(e.Lines, r.reservedLine(len(e.Lines)))
	}
	return e
}

// reservedLine reads a line as its reservation keeps it, see lua/include/records.lua.
func (r *eventReader) reservedLine(index int) reservation.EventLine {
	w := words{text: r.word()}
	line := reservation.EventLine{Index: index, Requested: w.int(' ')}
	granted := w.int(' ')
	line.Backordered = w.int(' ')
	line.Covered = granted - line.Backordered
	w.next(' ') // available after the line, which the threshold events tell
	var told reservation.ReservationLine
	flags := w.next(' ')
	r.flags(&told, flags)
	line.Refusal, line.Orderable = told.Reason, told.Orderable
	line.Counted = isCounted(flags)
	line.SKU = r.parseSKU(w.text)
	if w.failed && r.err == nil {
		r.err = fmt.Errorf("line %d of a reservation cannot be read", index)
	}
	return line
}

// givenBack reads index, SKU, covered and backordered units of each line.
func (r *eventReader) givenBack() []reservation.EventLine {
	var lines []reservation.EventLine
	for r.wordsLeft() {
		lines = append(lines, reservation.EventLine{
			Index: r.index(), SKU: r.skuWord(), Covered: r.number(), Backordered: r.number(),
		})
	}
	return lines
}

func (r *eventReader) oversold() []reservation.EventLine {
	return []reservation.EventLine{{SKU: r.skuWord(), Shortfall: r.number()}}
}

func (r *eventReader) restocked() []reservation.EventLine {
	var lines []reservation.EventLine
	for r.wordsLeft() {
		lines = append(lines, reservation.EventLine{
			Index: len(lines), SKU: r.skuWord(), Quantity: r.number(),
		})
	}
	return lines
}

func (r *eventReader) adjusted() []reservation.EventLine {
	var lines []reservation.EventLine
	for r.wordsLeft() {
		line := reservation.EventLine{
			Index: len(lines), SKU: r.skuWord(), Quantity: r.number(),
		}
		reason, err := reservation.ParseAdjustReason(r.word())
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("reason: %w", err)
		}
		line.Reason = reason
		lines = append(lines, line)
	}
	return lines
}

func (r *eventReader) threshold(kind reservation.EventType) reservation.Event {
	return reservation.Event{
		Type: kind, Lines: []reservation.EventLine{{SKU: r.skuWord(), Available: r.number()}},
	}
}

func (r *eventReader) policyChanged() reservation.Event {
	e := reservation.Event{Type: reservation.EventPolicyChanged}
	if sku := r.word(); sku != "" {
		e.Lines = []reservation.EventLine{{SKU: r.parseSKU(sku)}}
	}
	e.Deleted = r.word() == "1"
	for r.wordsLeft() {
		name := r.word()
		r.policyField(&e.Policy, name, r.word())
	}
	return e
}

func (r *eventReader) repairedItem() reservation.Event {
	return reservation.Event{
		Type:  reservation.EventRepaired,
		Lines: []reservation.EventLine{{SKU: r.skuWord()}},
		Repaired: reservation.Repaired{
			Before: r.repairedFigures(), After: r.repairedFigures(),
		},
	}
}

func (r *eventReader) repairedFigures() reservation.RepairedFigures {
	return reservation.RepairedFigures{
		Reserved: r.number(), Queued: r.number(), Filling: r.number(),
	}
}

// index reads a line's number, which the store counts from 1.
func (r *eventReader) index() int { return int(r.number()) - 1 }

func (r *eventReader) skuWord() reservation.SKU { return r.parseSKU(r.word()) }

func (r *eventReader) stateWord() reservation.State {
	state := reply{values: []any{r.number()}}
	read := state.state()
	if r.err == nil {
		r.err = state.err
	}
	return read
}

func (r *eventReader) reservation() reservation.ReservationID {
	id, err := reservation.ParseReservationID(r.word())
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("reservation: %w", err)
	}
	return id
}

// request reads a request id; there may be none.
func (r *eventReader) request() reservation.RequestID {
	word := r.word()
	if word == "" {
		return reservation.RequestID{}
	}
	id, err := reservation.ParseRequestID(word)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("request: %w", err)
	}
	return id
}
