package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// snapshotOf reads a whole stock from its keys, without the scripts: a second reading of the layout
// that docs/keys.md documents. Nothing may change the stock meanwhile.
func snapshotOf(
	ctx context.Context, client redis.UniversalClient, keys stockKeys, stock reservation.StockID,
	now time.Time,
) (reservation.Snapshot, error) {
	s := snapshotReader{ctx: ctx, client: client, keys: keys, stock: stock, now: now.UnixMilli()}
	s.readRecords()
	s.items = s.hash(keys.items())
	var snapshot reservation.Snapshot
	snapshot.Sequence = s.number(s.hash(keys.meta())["sequence"])
	snapshot.Default = s.policyOf(s.hash(keys.policy()))
	for _, name := range s.rangeOf(keys.skus()) {
		snapshot.Items = append(snapshot.Items, s.item(name))
	}
	if len(s.items) != len(snapshot.Items) {
		s.note(fmt.Errorf("%d SKUs are kept, %d listed", len(s.items), len(snapshot.Items)))
	}
	for _, name := range s.idsOf("res:", keys.held(), keys.committed(), keys.finished()) {
		if r, ok := s.reservation(name); ok {
			snapshot.Reservations = append(snapshot.Reservations, r)
		}
	}
	for _, name := range s.idsOf("req:", keys.requests()) {
		if s.number(s.hash(keys.base + "req:" + name)["p"]) > s.now {
			id, err := reservation.ParseRequestID(name)
			s.note(err)
			snapshot.Requests = append(snapshot.Requests, id)
		}
	}
	entries, err := client.XRange(ctx, keys.journal(), "-", "+").Result()
	s.note(err)
	for _, entry := range entries {
		events, err := readEntry(entry)
		s.note(err)
		snapshot.Events = append(snapshot.Events, events...)
	}
	return snapshot, s.err
}

type snapshotReader struct {
	ctx    context.Context //nolint:containedctx // lives for one reading
	client redis.UniversalClient
	keys   stockKeys
	stock  reservation.StockID
	now    int64
	items  map[string]string
	// records are the hashes of all reservations by id, as reading them one by one takes long.
	records map[string]map[string]string
	parsed  map[string]reservation.Reservation
	err     error
}

func (s *snapshotReader) readRecords() {
	pipe := s.client.Pipeline()
	reads := make(map[string]*redis.MapStringStringCmd)
	for _, key := range []string{s.keys.held(), s.keys.committed(), s.keys.finished()} {
		for _, name := range s.rangeOf(key) {
			reads[name] = pipe.HGetAll(s.ctx, s.keys.base+"res:"+name)
		}
	}
	_, err := pipe.Exec(s.ctx)
	s.note(err)
	s.records = make(map[string]map[string]string, len(reads))
	s.parsed = make(map[string]reservation.Reservation, len(reads))
	for name, read := range reads {
		s.records[name] = read.Val()
	}
}

func (s *snapshotReader) note(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *snapshotReader) number(text string) int64 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	s.note(err)
	return n
}

func (s *snapshotReader) hash(key string) map[string]string {
	fields, err := s.client.HGetAll(s.ctx, key).Result()
	s.note(err)
	return fields
}

func (s *snapshotReader) rangeOf(key string) []string {
	names, err := s.client.ZRange(s.ctx, key, 0, -1).Result()
	s.note(err)
	return names
}

// idsOf returns the ids that the keys of a kind name, sorted, and notes a fault unless exactly
// those are listed, each once, in the sorted sets.
func (s *snapshotReader) idsOf(kind string, indexes ...string) []string {
	var listed []string
	for _, index := range indexes {
		listed = append(listed, s.rangeOf(index)...)
	}
	slices.Sort(listed)
	var found []string
	scan := s.client.Scan(s.ctx, 0, s.keys.base+kind+"*", 1000).Iterator()
	for scan.Next(s.ctx) {
		found = append(found, strings.TrimPrefix(scan.Val(), s.keys.base+kind))
	}
	s.note(scan.Err())
	slices.Sort(found)
	if !slices.Equal(slices.Compact(found), listed) {
		s.note(fmt.Errorf("%s keys %v are not what the indexes list: %v", kind, found, listed))
	}
	return listed
}

func (s *snapshotReader) policyOf(fields map[string]string) reservation.Policy {
	var p reservation.Policy
	var r reply
	for name, value := range fields {
		r.policyField(&p, name, value)
	}
	s.note(r.err)
	return p
}

func (s *snapshotReader) item(name string) reservation.ItemSnapshot {
	sku, err := reservation.ParseSKU(name)
	s.note(err)
	figures, policy, _ := strings.Cut(s.items[name], "\n")
	words := append(strings.Fields(figures), "0", "0", "0", "0")
	fields := make(map[string]string)
	for field := range strings.SplitSeq(policy, "\n") {
		key, value, _ := strings.Cut(field, " ")
		fields[key] = value
	}
	item := reservation.ItemSnapshot{
		SKU: sku, OnHand: s.number(words[0]), Reserved: s.number(words[1]),
		Queued: s.number(words[2]), Filling: s.number(words[3]), Own: s.policyOf(fields),
	}
	for _, member := range s.rangeOf(s.keys.queue(sku)) {
		idText, line, _ := strings.Cut(member, "/")
		id, err := reservation.ParseReservationID(idText)
		s.note(err)
		index := int(s.number(line)) - 1
		r, _ := s.reservation(idText)
		if index < 0 || index >= len(r.Lines) {
			s.note(fmt.Errorf("queue of %s names %s", name, member))
			continue
		}
		item.Queue = append(item.Queue, reservation.QueueEntry{
			ID: id, Index: index, Units: r.Lines[index].Backordered,
		})
	}
	s.wantListed(s.keys.filling(), name, item.Filling > 0)
	s.wantListed(s.keys.waiting(), name, item.Queued > 0)
	return item
}

// wantListed notes a fault unless a SKU is in an index, or is not.
func (s *snapshotReader) wantListed(index, name string, want bool) {
	_, err := s.client.ZScore(s.ctx, index, name).Result()
	if (err == nil) != want {
		s.note(fmt.Errorf("is %s listed in %s? want %v, got %w", name, index, want, err))
	}
}

// reservation reads a record; ok is false for one whose retention is over.
func (s *snapshotReader) reservation(name string) (reservation.Reservation, bool) {
	if read, ok := s.parsed[name]; ok {
		return read, true
	}
	fields := s.records[name]
	head := append(strings.SplitN(fields["h"], " ", 5), "", "", "")
	state := append(strings.Fields(fields["s"]), "", "", "", "")
	if end := s.number(state[3]); end != 0 && end <= s.now {
		return reservation.Reservation{}, false
	}
	id, err := reservation.ParseReservationID(name)
	s.note(err)
	read := reservation.Reservation{
		Stock: s.stock, ID: id, State: reservation.State(s.number(state[0])),
		CreateTime: timeOf(s.number(head[0])), ExpireTime: timeOf(s.number(state[2])),
		Term: s.number(state[1]),
	}
	for i := range s.number(head[2]) {
		line := s.line(fields, strconv.FormatInt(i+1, 10), read.State.IsFinished())
		read.Lines = append(read.Lines, line)
	}
	s.parsed[name] = read
	return read, true
}

func (s *snapshotReader) line(
	fields map[string]string, number string, finished bool,
) reservation.ReservationLine {
	words := strings.SplitN(fields["l"+number], " ", 6)
	if len(words) != 6 {
		s.note(fmt.Errorf("line %q", fields["l"+number]))
		return reservation.ReservationLine{}
	}
	var r reply
	line := reservation.ReservationLine{SKU: r.parseSKU(words[5]), Requested: s.number(words[0])}
	granted, backordered := s.number(words[1]), s.number(words[2])
	line.Covered, line.Backordered = granted-backordered, backordered
	if open, ok := fields["o"+number]; ok {
		parts := strings.Fields(open)
		line.Covered, line.Backordered = s.number(parts[0]), s.number(parts[1])
		line.Fulfilled = s.number(parts[2])
		if len(parts) > 3 {
			words[4] = parts[3] + words[4][1:]
			fields["x"+number] = fields["y"+number]
		}
	}
	if finished {
		line.Covered, line.Backordered = 0, 0
	}
	line.Released = granted - line.Covered - line.Backordered - line.Fulfilled
	r.flags(&line, words[4])
	line.RestockTime, line.Substitutes = r.extras(fields["x"+number])
	s.note(r.err)
	return line
}
