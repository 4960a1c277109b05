package redisstore

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// recordsAtOnce is how many reservations, SKUs or request ids one step of a walk reads.
const recordsAtOnce = 64

// queueStep is what a place in a queue gives to each sequence: score = sequence × queueStep + line;
// see lua/include/queue.lua.
const queueStep = 1024

// moment is where a stock's journal stood when a step read.
type moment struct {
	sequence, epoch int64
}

// place is where something stands in a sorted set; unset: it does not.
type place = reservation.Optional[float64]

// storedRecord is a reservation as it was read, with its places in the indexes.
type storedRecord struct {
	reservation.KeptReservation

	name                      string
	exists                    bool   // and its retention is not over
	fault                     string // why it cannot be read; empty: it was
	held, committed, finished place
	scores                    []place // of the lines, in their SKUs' queues
	known                     []bool  // of the lines: the stock has the SKU, or no unit of it is open
}

// storedItem is a SKU as it was read, with its places in the indexes.
type storedItem struct {
	reservation.KeptItem

	exists                   bool
	fault                    string
	listed, filling, waiting bool
	queueLength              int64
}

// storedRequest is a request id as it was read, with its place in the index.
type storedRequest struct {
	reservation.KeptRequest

	name   string
	exists bool
	fault  string
	listed place
}

// readMoment runs a reading script and returns the moment at which it did.
func (s *Store) readMoment(
	ctx context.Context, name scriptName, stock reservation.StockID, keys []string, args ...any,
) (*reply, moment, error) {
	r, err := s.read(ctx, name, stock, keys, args...)
	if err != nil {
		return nil, moment{}, err
	}
	return r, moment{sequence: r.sequence, epoch: r.int()}, nil
}

// readRecords reads the first reservations of ids, as many as fit into a step; see
// lua/read_records.lua.
func (s *Store) readRecords(
	ctx context.Context, stock reservation.StockID, ids []string,
) ([]storedRecord, moment, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.keys.of(stock).base + "res:" + id
	}
	r, at, err := s.readMoment(ctx, scriptReadRecords, stock, keys)
	if err != nil {
		return nil, moment{}, err
	}
	values := r.list()
	if r.err != nil || len(values) > len(ids) || len(values) == 0 {
		return nil, moment{}, internal(errReplyEnds)
	}
	records := make([]storedRecord, len(values))
	for i, id := range ids[:len(values)] {
		fields, isList := values[i].([]any)
		if !isList {
			return nil, moment{}, internal(errReplyEnds)
		}
		records[i] = readRecord(id, &reply{values: fields})
	}
	return records, at, nil
}

// The kinds of a record's answer; see lua/read_records.lua.
const (
	recordThere  = 1
	recordBroken = 2
)

// readRecord reads one reservation; what cannot be understood becomes its fault.
func readRecord(name string, r *reply) storedRecord {
	kind := r.int()
	record := storedRecord{name: name}
	record.held, record.committed, record.finished = r.place(), r.place(), r.place()
	id, err := reservation.ParseReservationID(name)
	switch {
	case kind == recordBroken:
		record.exists, record.fault = true, r.text()
	case kind == recordThere && err != nil:
		record.exists, record.fault = true, "its id "+err.Error()
	case kind == recordThere:
		record.exists = true
		record.ID = id
		record.readFields(r)
	}
	if r.err != nil {
		record.fault = r.err.Error()
	}
	return record
}

func (record *storedRecord) readFields(r *reply) {
	record.State = reservation.State(r.int())
	record.Fingerprint = r.text()
	record.CreateTime = timeOf(r.int())
	record.TTL = time.Duration(r.int()) * time.Millisecond
	record.ExpireTime = timeOf(r.int())
	record.Sequence = r.int()
	record.Term = r.int()
	record.TermTime = timeOf(r.int())
	record.ForgetTime = timeOf(r.int())
	record.ByRelease = r.int() == 1
	for r.more() {
		line := reservation.KeptLine{
			SKU: r.sku(), Requested: r.int(), Granted: r.int(), FirstBackordered: r.int(),
			FirstAvailable: r.int(),
		}
		flags := r.text()
		var told reservation.ReservationLine
		r.flags(&told, flags)
		line.Counted = isCounted(flags)
		line.Reason, line.Orderable = told.Reason, told.Orderable
		line.First = r.hints(told.Notify, r.text())
		line.Covered, line.Backordered, line.Fulfilled = r.int(), r.int(), r.int()
		if again, extras := r.int(), r.text(); again >= 0 {
			line.Again = reservation.Some(r.hints(again&flagNotify != 0, extras))
		}
		score := r.place()
		if score.Set {
			line.Joined = int64(score.Value) / queueStep
		}
		record.scores = append(record.scores, score)
		record.known = append(record.known, r.int() == 1)
		record.Lines = append(record.Lines, line)
	}
}

// hints reads what a grant told of a line besides its units.
func (r *reply) hints(notify bool, extras string) reservation.GrantHints {
	hints := reservation.GrantHints{Notify: notify}
	hints.RestockTime, hints.Substitutes = r.extras(extras)
	return hints
}

// place reads a score; empty: there is none.
func (r *reply) place() place {
	text := r.text()
	if text == "" {
		return place{}
	}
	score, err := strconv.ParseFloat(text, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("reply has the score %q: %w", text, err)
	}
	return reservation.Some(score)
}

// readFigures reads up to [recordsAtOnce] SKUs; see lua/read_figures.lua.
func (s *Store) readFigures(
	ctx context.Context, stock reservation.StockID, names []string,
) (items []storedItem, stockDefault reservation.Policy, at moment, err error) {
	args := make([]any, len(names))
	for i, name := range names {
		args[i] = name
	}
	r, at, err := s.readMoment(ctx, scriptReadFigures, stock, nil, args...)
	if err != nil {
		return nil, stockDefault, at, err
	}
	stockDefault = r.policy(r.list())
	values := r.list()
	if r.err != nil || len(values) != len(names) {
		return nil, stockDefault, at, internal(errReplyEnds)
	}
	items = make([]storedItem, len(names))
	for i, name := range names {
		fields, _ := values[i].([]any)
		items[i] = readItem(name, &reply{values: fields})
	}
	return items, stockDefault, at, nil
}

// readItem reads one SKU; what cannot be understood becomes its fault.
func readItem(name string, r *reply) storedItem {
	var item storedItem
	item.listed, item.filling, item.waiting = r.place().Set, r.place().Set, r.place().Set
	item.queueLength = r.int()
	item.exists = r.int() == 1
	value := r.text()
	item.SKU = r.parseSKU(name)
	if item.exists && r.err == nil {
		read, own := r.item(item.SKU, value, reservation.Policy{})
		item.OnHand, item.Reserved = read.OnHand, read.Reserved
		item.Queued, item.Filling, item.Own = read.Queued, read.Filling, own
	}
	if r.err != nil {
		item.fault = r.err.Error()
	}
	return item
}

// readRequests reads up to [recordsAtOnce] request ids; see lua/read_requests.lua.
func (s *Store) readRequests(
	ctx context.Context, stock reservation.StockID, names []string,
) ([]storedRequest, moment, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = s.keys.of(stock).base + "req:" + name
	}
	r, at, err := s.readMoment(ctx, scriptReadRequests, stock, keys)
	if err != nil {
		return nil, moment{}, err
	}
	values := r.list()
	if r.err != nil || len(values) != len(names) {
		return nil, moment{}, internal(errReplyEnds)
	}
	requests := make([]storedRequest, len(names))
	for i, name := range names {
		fields, _ := values[i].([]any)
		requests[i] = readRequest(name, &reply{values: fields})
	}
	return requests, at, nil
}

func readRequest(name string, r *reply) storedRequest {
	request := storedRequest{name: name}
	kind := r.int()
	request.listed = r.place()
	request.exists = kind != 0
	if kind == recordThere {
		id, err := reservation.ParseRequestID(name)
		if err != nil {
			r.err = fmt.Errorf("its id %w", err)
		}
		request.ID, request.Fingerprint = id, r.text()
		request.Sequence, request.CreateTime = r.int(), timeOf(r.int())
		if request.Sequence < 0 || request.CreateTime.Before(time.UnixMilli(0)) {
			request.fault = "a field of it is missing or malformed"
		}
		request.ForgetTime = timeOf(r.int())
		request.Answer = [2]string{r.text(), r.text()}
	}
	if kind == recordBroken {
		request.fault = "its fields cannot be read"
	}
	if r.err != nil {
		request.fault = r.err.Error()
	}
	return request
}

// isAt says whether something stands at a score, in whole milliseconds.
func isAt(p place, want time.Time) bool {
	return p.Set && p.Value == math.Trunc(p.Value) && int64(p.Value) == want.UnixMilli()
}
