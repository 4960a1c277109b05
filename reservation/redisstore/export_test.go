package redisstore

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// exportOf exports a stock and returns the parts in the order in which a restore wants them.
func exportOf(
	t *testing.T, s *Store, stock reservation.StockID,
) (parts []reservation.ExportPart, end *reservation.ExportEnd) {
	t.Helper()
	var rest []reservation.ExportPart
	err := s.Export(t.Context(), reservation.ExportRequest{Stock: stock},
		func(part reservation.ExportPart) error {
			switch {
			case part.ItemAmendment != nil || part.ReservationAmendment != nil:
				parts = append(parts, part)
			case part.Progress == nil:
				rest = append(rest, part)
			}
			end = part.End
			return nil
		})
	if err != nil || end == nil {
		t.Fatalf("export: %v, its end is %+v", err, end)
	}
	return append(parts, rest...), end
}

// handOut returns a list's parts one by one, and then err.
func handOut(parts []reservation.ExportPart, err error) func() (reservation.ExportPart, error) {
	return func() (reservation.ExportPart, error) {
		if len(parts) == 0 {
			return reservation.ExportPart{}, err
		}
		part := parts[0]
		parts = parts[1:]
		return part, nil
	}
}

func restoreOf(stock reservation.StockID) reservation.RestoreRequest {
	return reservation.RestoreRequest{Stock: stock, Export: mustRequest("export-1")}
}

func mustRestore(
	t *testing.T, s *Store, stock reservation.StockID, parts []reservation.ExportPart,
) reservation.RestoreAnswer {
	t.Helper()
	answer, err := s.Restore(t.Context(), restoreOf(stock), handOut(parts, io.EOF))
	if err != nil {
		t.Fatalf("restore: %v (%v)", err, errors.Unwrap(err))
	}
	return answer
}

// keptOf returns what a stock's keys hold, but for what a restore leaves behind: the journal, and
// where the store was.
func keptOf(t *testing.T, s *Store, stock reservation.StockID) map[string]string {
	t.Helper()
	keys := s.keys.of(stock)
	held := make(map[string]string)
	for name, value := range keysOf(t, s.client, keys.base[:len(keys.base)-1]) {
		held[name[len(keys.base):]] = value
	}
	delete(held, "journal")
	delete(held, "meta")
	return held
}

func TestRestore_BuildsTheSameStock(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	parts, end := exportOf(t, d.Store, mustStock(""))
	copied := mustStock("copied")
	answer := mustRestore(t, d.Store, copied, parts)
	if want := (reservation.RestoreAnswer{
		Position: end.Position, Items: 3, Reservations: 8, Requests: 3,
	}); answer != want {
		t.Errorf("it built %+v, want %+v", answer, want)
	}
	want, got := plainOf(t, d.Store, mustStock("")), plainOf(t, d.Store, copied)
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("-exported +restored:\n%s", difference)
	}
	if found, _ := auditOf(t, d.Store, copied); len(found) > 0 {
		t.Errorf("the restored stock: %q", told(found))
	}
}

// plainOf returns what a stock's keys hold in a form that does not depend on how a hash is laid out
// in memory, without what says nothing.
func plainOf(t *testing.T, s *Store, stock reservation.StockID) map[string]any {
	t.Helper()
	plain := make(map[string]any)
	for name := range keptOf(t, s, stock) {
		key := s.keys.of(stock).base + name
		if kind := s.client.Type(t.Context(), key).Val(); kind != "hash" {
			plain[name] = s.client.ZRangeWithScores(t.Context(), key, 0, -1).Val()
			continue
		}
		fields := s.client.HGetAll(t.Context(), key).Val()
		for i := range len(fields) {
			dropUnmoved(fields, strconv.Itoa(i+1))
		}
		plain[name] = fields
	}
	return plain
}

// dropUnmoved takes out what a line is now where that is as it was granted.
func dropUnmoved(fields map[string]string, line string) {
	words := strings.Fields(fields["l"+line])
	open := strings.Fields(fields["o"+line])
	if isFinished := fields["s"] >= "3"; isFinished && len(open) == 3 && open[2] == "0" {
		delete(fields, "o"+line) // of what is finished only fulfilled units count
	}
	if len(words) < 3 || len(open) != 3 || open[2] != "0" || open[1] != words[2] {
		return
	}
	granted, _ := strconv.Atoi(words[1]) // a stock that an audit finds sound has numbers there
	backordered, _ := strconv.Atoi(words[2])
	if open[0] == strconv.Itoa(granted-backordered) {
		delete(fields, "o"+line)
	}
}

func TestRestore_OfARandomHistoryIsTheSameStock(t *testing.T) {
	t.Parallel()
	var s *subject
	seed := rand.Uint64()
	storetest.RunRandom(t, func(t *testing.T) storetest.Subject {
		s = newSubject(t, openReal).(*subject)
		return s
	}, seed, sized(300, 20_000))
	for _, name := range []string{"default", "north-1.a"} {
		stock, copied := mustStock(name), mustStock(name+"-copy")
		for forgotten := 1; forgotten > 0; {
			var err error
			if forgotten, err = s.Purge(t.Context(), stock); err != nil {
				t.Fatal(err)
			}
		}
		parts, _ := exportOf(t, s.Store, stock)
		mustRestore(t, s.Store, copied, parts)
		want, got := plainOf(t, s.Store, stock), plainOf(t, s.Store, copied)
		if difference := cmp.Diff(want, got); difference != "" {
			t.Errorf("seed %d, stock %s: -exported +restored:\n%s", seed, name, difference)
		}
		if found, _ := auditOf(t, s.Store, copied); len(found) > 0 {
			t.Errorf("seed %d, the restored %s: %q", seed, name, told(found))
		}
	}
}

func TestRestore_GoesOnAsTheStockItWas(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	parts, end := exportOf(t, d.Store, mustStock(""))
	copied := mustStock("copied")
	mustRestore(t, d.Store, copied, parts)

	replayed, err := d.Reserve(d.ctx, reservation.ReserveRequest{
		Stock: copied, ID: mustID("wait2"), Lines: linesOf("mug", 7),
	})
	if err != nil || !replayed.Replayed {
		t.Errorf("a repeat of what was granted before: %+v, %v", replayed, err)
	}
	again, err := d.Restock(d.ctx, reservation.RestockRequest{
		Stock: copied, Request: mustRequest("r1"), Lines: linesOf("mug", 10),
	})
	if err != nil || !again.Replayed {
		t.Errorf("a repeat of a restock: %+v, %v", again, err)
	}
	filled, err := d.Restock(d.ctx, reservation.RestockRequest{
		Stock: copied, Request: mustRequest("r9"), Lines: linesOf("mug", 4),
	})
	if err != nil || filled.Sequence <= end.Position.Sequence || len(filled.Fills) != 2 ||
		filled.Fills[0].ID != mustID("wait2") {
		t.Errorf("the queue is served %+v, %v", filled, err)
	}
	found, summary := auditOf(t, d.Store, copied)
	if len(found) > 0 || summary.Position.Epoch != end.Position.Epoch+1 {
		t.Errorf("afterwards %+v, %q", summary, told(found))
	}
}

func TestRestore_OfABusyStockIsOneMomentOfIt(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{defaultWalkLimit, 300} {
		s, stock := newBusy(t, limit)
		// Nothing sweeps it: what is compared is the moment of the export.
		quiet := openReal(t, Options{quiet: true})
		stop := busy(s, stock)
		awaitSequence(t, s, stock, 1_000)
		for n := range sized(3, 30) {
			parts, end := exportOf(t, s, stock)
			copied := mustStock("copied-" + string(rune('a'+n)))
			mustRestore(t, quiet, copied, parts)
			requireMoment(t, s, stock, quiet, copied, end)
			if found, _ := auditOf(t, quiet, copied); len(found) > 0 {
				t.Errorf("the restored stock: %q", told(found))
			}
		}
		stop()
	}
}

// requireMoment holds a restored stock against the fold of the exported one's journal up to the
// export's moment.
func requireMoment(
	t *testing.T, s *Store, stock reservation.StockID, quiet *Store, copied reservation.StockID,
	end *reservation.ExportEnd,
) {
	t.Helper()
	ctx := t.Context()
	snapshot, err := snapshotOf(ctx, quiet.client, quiet.keys.of(copied), stock, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	journal, err := s.client.XRange(ctx, s.keys.of(stock).journal(), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range journal {
		events, err := readEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		if events[0].Sequence <= end.Position.Sequence {
			snapshot.Events = append(snapshot.Events, events...)
		}
	}
	problems := storetest.Problems(snapshot)
	for _, problem := range problems[:min(len(problems), 10)] {
		t.Errorf("the restored stock is not the moment at %d: %s", end.Position.Sequence, problem)
	}
	t.Logf("%d amendments, %+v", end.Amendments, *end)
}

func TestRestore_WantsAnEmptyStockAndAWholeExport(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	parts, end := exportOf(t, d.Store, mustStock(""))
	before := keysOf(t, d.client, d.options.Prefix)
	_, err := d.Restore(d.ctx, restoreOf(mustStock("")), handOut(parts, io.EOF))
	if reservation.ReasonOf(err) != reservation.ReasonStockNotEmpty {
		t.Errorf("into itself: %v", err)
	}
	if difference := cmp.Diff(before, keysOf(t, d.client, d.options.Prefix)); difference != "" {
		t.Errorf("and wrote:\n%s", difference)
	}
	last := len(parts) - 1
	short := *end
	short.Reservations++
	orphan := reservation.ReservationAmendment{
		ID: mustID("fed"), Lines: []reservation.LineAmendment{{Index: 3}},
	}
	for name, wrong := range map[string][]reservation.ExportPart{
		"no end":         parts[:last],
		"less than said": append(slices.Clone(parts[:last]), reservation.ExportPart{End: &short}),
		"behind the end": append(slices.Clone(parts), parts[0]),
		"amended too late": append(slices.Clone(parts[:last]), reservation.ExportPart{
			ReservationAmendment: &orphan,
		}),
		"an amendment of no line": append([]reservation.ExportPart{
			{ReservationAmendment: &orphan},
		}, parts...),
	} {
		request := restoreOf(mustStock("wrong-" + string(rune('a'+len(name)))))
		_, err := d.Restore(d.ctx, request, handOut(wrong, io.EOF))
		if reservation.ReasonOf(err) != reservation.ReasonInvalidRequest {
			t.Errorf("%s: %v", name, err)
		}
		_, err = d.Restock(d.ctx, reservation.RestockRequest{
			Stock: request.Stock, Request: mustRequest("r1"), Lines: linesOf("mug", 1),
		})
		if reservation.ReasonOf(err) != reservation.ReasonStockRestoring {
			t.Errorf("%s: what is half built can be written to: %v", name, err)
		}
	}
}

func TestRestore_GoesOnWhereItWasLeftOff(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	parts, _ := exportOf(t, d.Store, mustStock(""))
	lost := errors.New("the connection is lost")
	copied := mustStock("copied")
	for cut := range len(parts) {
		_, err := d.Restore(d.ctx, restoreOf(copied), handOut(parts[:cut], lost))
		if !errors.Is(err, lost) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		other := reservation.RestoreRequest{Stock: copied, Export: mustRequest("export-2")}
		_, err = d.Restore(d.ctx, other, handOut(parts, io.EOF))
		if reservation.ReasonOf(err) != reservation.ReasonStockNotEmpty {
			t.Fatalf("another export in between: %v", err)
		}
	}
	mustRestore(t, d.Store, copied, parts)
	want, got := plainOf(t, d.Store, mustStock("")), plainOf(t, d.Store, copied)
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("-exported +restored:\n%s", difference)
	}
	_, err := d.Restore(d.ctx, restoreOf(copied), handOut(parts, io.EOF))
	if reservation.ReasonOf(err) != reservation.ReasonStockNotEmpty {
		t.Errorf("once more when it is done: %v", err)
	}
}

func TestExport_StopsAtWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, do := range []func(d *damaged){
		word("res:fed", "h", 0, "noon"), item("tea", "48 many"),
		command("HDEL", "req:r1", "g"),
	} {
		d := newDamaged(t)
		do(d)
		err := d.Export(context.Background(), reservation.ExportRequest{Stock: mustStock("")},
			func(reservation.ExportPart) error { return nil })
		if reservation.ReasonOf(err) != reservation.ReasonRecordUnreadable {
			t.Errorf("got %v", err)
		}
	}
}

func TestRestore_NothingElseWritesToTheStockMeanwhile(t *testing.T) {
	t.Parallel()
	d := newDamaged(t)
	parts, _ := exportOf(t, d.Store, mustStock(""))
	lost := errors.New("the connection is lost")
	copied := mustStock("copied")
	_, err := d.Restore(d.ctx, restoreOf(copied), handOut(parts[:len(parts)-1], lost))
	if !errors.Is(err, lost) {
		t.Fatal(err)
	}
	// All that was written so far is flushed, and its holds are due.
	_, err = d.Restore(d.ctx, restoreOf(copied), handOut(parts[:len(parts)-1], io.EOF))
	if reservation.ReasonOf(err) != reservation.ReasonInvalidRequest {
		t.Fatal(err)
	}
	d.Advance(2 * time.Hour)
	before := keysOf(t, d.client, d.options.Prefix)
	for _, name := range batchOrder() {
		if name == scriptPurge || name == scriptRestore {
			continue // purge takes away only what is past its retention
		}
		// Whatever is asked for, it is not even read.
		_, err := d.change(d.ctx, copied, &operation{
			script: name, lines: 1, encode: func(*encoder, int64) {},
		}, false)
		if reservation.ReasonOf(err) != reservation.ReasonStockRestoring {
			t.Errorf("%s: %v", name, err)
		}
	}
	if difference := cmp.Diff(before, keysOf(t, d.client, d.options.Prefix)); difference != "" {
		t.Errorf("something was written:\n%s", difference)
	}
}
