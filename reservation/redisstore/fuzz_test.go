package redisstore

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// isFuzzing says whether the process is there for a fuzz target alone, which needs no real Redis.
func isFuzzing() bool {
	flag.Parse()
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if set := flag.Lookup(name); set != nil && set.Value.String() != "" &&
			set.Value.String() != "false" {
			return true
		}
	}
	return false
}

// FuzzReadEntry reads journal entries that nobody wrote: an error, or events in one gap-free run.
func FuzzReadEntry(f *testing.F) {
	for _, events := range []string{
		"RESERVED\tr-1\t1\t1700\t2 2 0 3 1 TEA\t3 1 1 -1 3:6:1 a b",
		"RELEASED\tr-1\tq\t4\t1\tTEA\t1\t0\nEXPIRED\tr-2\t1\tTEA\t1\t0",
		"COMMITTED\tr-1\t2\t1\tTEA\t1\t0\nEXTENDED\tr-1\t17", "FULFILLED\tr-1\t\t3\t1\tTEA\t2",
		"RESTOCKED\tq\tTEA\t3\nADJUSTED\tq\tTEA\t-3\tbroken\nOVERSOLD\tTEA\t2",
		"BACKORDERED\tr-1\t1\tTEA\t2\nBACKORDER_FILLED\tr-1\t1\tTEA\t2",
		"LOW_STOCK\tTEA\t1\nOUT_OF_STOCK\tTEA\t0\nBACK_IN_STOCK\tTEA\t2",
		"POLICY_CHANGED\tTEA\t0\tbm\t2\tsu\ta\x1eb\tse\t1", "REPAIRED\tTEA\t1\t2\t3\t4\t5\t6",
		"STORE_CHANGED\t2\tabc",
	} {
		f.Add("7-0", "1700000000000", events)
	}
	f.Fuzz(func(t *testing.T, id, told, text string) {
		events, err := readEntry(redis.XMessage{
			ID: id, Values: map[string]any{journalTime: told, journalEvents: text},
		})
		if err != nil {
			return
		}
		if len(events) != strings.Count(text, "\n")+1 {
			t.Fatalf("%d events of %q", len(events), text)
		}
		for i, event := range events {
			if event.Type.String() == "UNKNOWN" {
				t.Errorf("event %d has the type %d", i, event.Type)
			}
			if i > 0 && event.Sequence != events[i-1].Sequence+1 {
				t.Errorf("event %d has the sequence %d after %d", i, event.Sequence,
					events[i-1].Sequence)
			}
			for _, line := range event.Lines {
				if _, err := reservation.ParseSKU(line.SKU.String()); err != nil {
					t.Errorf("event %d has the SKU %q: %v", i, line.SKU, err)
				}
			}
		}
	})
}

// valuesOf makes of bytes what a script might answer: numbers, texts and lists.
func valuesOf(data []byte, depth int) (values []any, rest []byte) {
	for len(data) > 0 && len(values) < 64 {
		kind := data[0]
		data = data[1:]
		switch {
		case kind < 100:
			values = append(values, int64(kind)-2)
		case kind < 120:
			n, size := binary.Varint(data)
			if size <= 0 {
				return values, nil
			}
			values, data = append(values, n), data[size:]
		case kind < 220:
			size := min(int(kind-120), len(data))
			values, data = append(values, string(data[:size])), data[size:]
		case kind < 240 && depth < 3:
			var list []any
			list, data = valuesOf(data, depth+1)
			values = append(values, list)
		case kind < 250:
			return values, data
		default:
			values = append(values, nil)
		}
	}
	return values, data
}

// bytesOfValues is the other way round, for seeds.
func bytesOfValues(values ...any) (data []byte) {
	for _, value := range values {
		switch v := value.(type) {
		case int:
			data = binary.AppendVarint(append(data, 100), int64(v))
		case string:
			data = append(append(data, byte(120+len(v))), v...)
		case []any:
			data = append(append(append(data, 220), bytesOfValues(v...)...), 240)
		}
	}
	return data
}

// FuzzReplies hands every reader of replies what no script would answer: it returns an answer that
// keeps the domain's rules, or an error.
func FuzzReplies(f *testing.F) {
	reserved := "1700 0 2\n2 2 0 3 1 TEA\n1 1 1 -1 3 a b"
	split := []any{2, 1700, 0, 1, 1, "TEA", 2, 1, 1, 0, 0, "3", "1700\na"}
	for _, seed := range [][]byte{
		bytesOfValues(0, 7, reserved, []any{2, "1700\nx\x1ey"}), bytesOfValues(1, 7, reserved),
		bytesOfValues(append([]any{0, 7, 1700}, split...)...), bytesOfValues(31, 7, 2),
		bytesOfValues(0, 7, 1700, "2 5 5 0 0 0\n1 2 2 1 0 0", "r-1 2 TEA"),
		bytesOfValues(40, 7, 1, 3, 6, "x", "TEA", 5), bytesOfValues(20, 7, "TEA", "a b"),
		bytesOfValues(1, "", "1.5", "2", 2, "fp", 1700, 0, 0, 7, 1, 0, 0, 0, "TEA", 1, 1, 0, 0, "1",
			"", 1, 0, 0, -1, "", "1024", 1),
		bytesOfValues([]any{"bm", "2"}, []any{"TEA", "3 1\nbm 2\nsu x"}, 0),
	} {
		f.Add(seed)
	}
	lines := simLinesOf("TEA", 2, "a b", 1)
	stock := simMust(reservation.ParseStockID(""))
	id := simMust(reservation.ParseReservationID("r-1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, _ := valuesOf(data, 0)
		if replies, _, _, err := openAnswer(values, 1); err == nil && len(replies) != 1 {
			t.Error("an answer of another length was taken")
		}
		open := func() (*reply, error) {
			r := new(reply)
			if err := r.open(1700, values); err != nil {
				return nil, err
			}
			return r, r.refusal()
		}
		if r, err := open(); err != nil {
			_ = readRefusals(r, err, lines)
			_ = simRefusedBy(t, r)
		} else {
			wantSound(t, func() (reservation.Reservation, error) {
				answer, err := readReserved(r, reservation.ReserveRequest{
					Stock: stock, ID: id, Lines: lines,
				})
				return answer.Reservation, err
			})
		}
		wantSound(t, func() (reservation.Reservation, error) {
			r, err := open()
			answer, err := readChange(r, err, stock, id)
			return answer.Reservation, err
		})
		r, err := open()
		_, _ = readOnHand(r, err, 2, func(int, *reservation.OnHandLine) {})
		if r, err := open(); err == nil {
			_ = readRestockLines(r, lines)
			_ = readFills(r)
		}
		_ = readRecord("r-1", &reply{values: values})
		_ = readItem("TEA", &reply{values: values})
		_ = readRequest("q-1", &reply{values: values})
		_, _ = openItems(&reply{values: values}, nil)
		_ = new(reply).policy(values)
	})
}

// simRefusedBy reads what a Commit with reacquire is refused with.
func simRefusedBy(t *testing.T, r *reply) error {
	t.Helper()
	if r == nil || r.code != codeLinesRefused {
		return nil
	}
	return readReacquireRefusals(r)
}

// wantSound wants of a reservation that was read that it keeps the rules of its types.
func wantSound(t *testing.T, read func() (reservation.Reservation, error)) {
	t.Helper()
	got, err := read()
	if err != nil {
		return
	}
	if got.State.String() == "UNKNOWN" {
		t.Errorf("it has the state %d", got.State)
	}
	for _, line := range got.Lines {
		if _, err := reservation.ParseSKU(line.SKU.String()); err != nil {
			t.Errorf("it has the SKU %q: %v", line.SKU, err)
		}
	}
}

// simLinesOf makes lines of SKUs and units.
func simLinesOf(pairs ...any) reservation.Lines {
	var list []reservation.Line
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		units, _ := pairs[i+1].(int)
		list = append(list, reservation.Line{
			SKU:      simMust(reservation.ParseSKU(name)),
			Quantity: simMust(reservation.NewQuantity(int64(units))),
		})
	}
	return simMust(reservation.NewLines(list))
}

// FuzzScripts sends ugly names and huge figures through the scripts, in memory, and through the
// model: the same answers, the same figures, and journal and records in agreement.
func FuzzScripts(f *testing.F) {
	for _, seed := range []struct {
		sku, other, id string
		units, more    int64
	}{
		{"TEA", "a b", "r-1", 3, 2}, {"{x}:%d", "}{", "a:b.c-d_e", 1_000_000_000, 1},
		{"a\tb", "c\nd", "..", 1, 1}, {" x", "x ", "x y", 0, -1}, {"Zoë", "\u200b", ":", 2, 5},
		{"100%*,\"'\\", "%s%n", "-", 999_999_999, 1_000_000_000}, {"\x1e", "\x1d", "\x1f", 1, 1},
		{"0", "-1", "1e9", 1_000_000_001, 9_223_372_036_854_775_807}, {"=", "\u00a0", "0", 7, 7},
		{strings.Repeat("ä", 32), strings.Repeat("x", 65), strings.Repeat("i", 64), 1, 1},
	} {
		f.Add(seed.sku, seed.other, seed.id, seed.units, seed.more,
			[]byte{0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 2, 10, 3})
	}
	store := openForFuzz(f)
	f.Fuzz(func(t *testing.T, sku, other, id string, units, more int64, steps []byte) {
		store.empty(t)
		twins, ok := newTwins(t, store, sku, other, id, units, more)
		if !ok {
			return // the parser refuses it, which is all that may happen to it
		}
		for i, step := range steps[:min(len(steps), 24)] {
			twins.step(i, step)
		}
		twins.compare()
	})
}

// fuzzed is one embedded store for all that a process is asked.
type fuzzed struct{ subject }

func openForFuzz(f *testing.F) *fuzzed {
	f.Helper()
	store, err := OpenEmbedded(context.Background(), Options{
		clock: testClock, quiet: true, lineBudget: reservation.LineBudget,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close(context.Background()) })
	return &fuzzed{subject{Store: store, Clock: storetest.NewClock()}}
}

// empty takes everything out of the store.
func (f *fuzzed) empty(t *testing.T) {
	t.Helper()
	if err := f.client.FlushDB(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
	f.t = t
	f.setClock()
}

// twins are the scripts and the model, asked the same.
type twins struct {
	t     *testing.T
	real  *subject
	model *model.Model

	stock         reservation.StockID
	skus          [2]reservation.SKU
	id            string
	lines         reservation.Lines
	units         int64
	requests, ids int
}

func newTwins(
	t *testing.T, f *fuzzed, sku, other, id string, units, more int64,
) (*twins, bool) {
	t.Helper()
	w := &twins{t: t, real: &f.subject, id: id, units: units}
	w.model = model.New(model.Options{
		Retention: reservation.DefaultRetention, Now: f.Now,
	})
	var errs [5]error
	w.stock, errs[0] = reservation.ParseStockID("fuzzed")
	w.skus[0], errs[1] = reservation.ParseSKU(sku)
	w.skus[1], errs[2] = reservation.ParseSKU(other)
	first, err := reservation.NewQuantity(units)
	errs[3] = err
	second, err := reservation.NewQuantity(more)
	errs[4] = err
	for _, err := range errs {
		if err != nil {
			return nil, false
		}
	}
	w.lines = simMust(reservation.NewLines([]reservation.Line{
		{SKU: w.skus[0], Quantity: first}, {SKU: w.skus[1], Quantity: second},
	}))
	return w, len(id) <= 40 && isFuzzID(id)
}

func isFuzzID(id string) bool {
	_, err := reservation.ParseReservationID(id)
	return err == nil
}

// step makes one call that a byte stands for, of both.
func (w *twins) step(i int, step byte) {
	w.t.Helper()
	ctx := context.Background()
	both := func(call func(s reservation.Store) (any, error)) {
		got, gotErr := call(w.real)
		want, wantErr := call(w.model)
		if g, w2 := simAnswer(got, gotErr), simAnswer(want, wantErr); g != w2 {
			w.t.Fatalf("step %d (%d): the scripts answer\n%s\nand the model\n%s", i, step, g, w2)
		}
	}
	id := simMust(reservation.ParseReservationID(fmt.Sprintf("%s%d", w.id, step/16%3)))
	request := simMust(reservation.ParseRequestID(fmt.Sprintf("%s:%d", w.id, int(step/16)+i)))
	hold := simMust(reservation.NewTTL(time.Minute))
	switch step % 12 {
	case 0, 1:
		both(func(s reservation.Store) (any, error) {
			return s.Restock(ctx, reservation.RestockRequest{
				Stock: w.stock, Request: request, Lines: w.lines,
			})
		})
	case 2, 3:
		ask := reservation.ReserveRequest{
			Stock: w.stock, ID: id, Lines: w.lines, Mode: reservation.Mode(step / 16 % 2),
		}
		if step >= 128 {
			ask.TTL = hold
		}
		both(func(s reservation.Store) (any, error) { return s.Reserve(ctx, ask) })
	case 4:
		ask := reservation.CommitRequest{Stock: w.stock, ID: id, Reacquire: step >= 128}
		both(func(s reservation.Store) (any, error) { return s.Commit(ctx, ask) })
	case 5:
		ask := reservation.ReleaseRequest{
			Stock: w.stock, ID: id, Request: request,
			Lines: simMust(reservation.NewLines(w.lines.All()[:1])),
		}
		both(func(s reservation.Store) (any, error) { return s.Release(ctx, ask) })
	case 6:
		ask := reservation.FulfillRequest{Stock: w.stock, ID: id}
		both(func(s reservation.Store) (any, error) { return s.Fulfill(ctx, ask) })
	case 7:
		both(w.adjust(ctx, request))
	case 8:
		both(w.setPolicy(ctx, step))
	case 9:
		ask := reservation.ReleaseRequest{Stock: w.stock, ID: id, AllowMissing: step >= 128}
		both(func(s reservation.Store) (any, error) { return s.Release(ctx, ask) })
	case 10:
		both(func(s reservation.Store) (any, error) { return s.Items(ctx, w.stock, w.skus[:]) })
	case 11:
		both(func(s reservation.Store) (any, error) {
			return s.List(ctx, reservation.ListRequest{Stock: w.stock, After: w.skus[0], Limit: 2})
		})
	}
}

func (w *twins) adjust(
	ctx context.Context, request reservation.RequestID,
) func(s reservation.Store) (any, error) {
	reason, err := reservation.ParseAdjustReason(w.skus[1].String())
	if err != nil {
		reason = reservation.AdjustReason{}
	}
	ask := reservation.AdjustRequest{Stock: w.stock, Request: request, Lines: []reservation.AdjustLine{
		{SKU: w.skus[0], Delta: simMust(reservation.NewDelta(-w.units)), Reason: reason},
	}}
	return func(s reservation.Store) (any, error) { return s.Adjust(ctx, ask) }
}

func (w *twins) setPolicy(ctx context.Context, step byte) func(s reservation.Store) (any, error) {
	change := reservation.PolicyChange{
		Policy: reservation.Policy{
			BackorderMode:     reservation.Some(reservation.BackorderAllow),
			BackorderLimit:    reservation.Some(w.units),
			LowStockThreshold: reservation.Some(-w.units),
			Substitutes:       reservation.Some([]reservation.SKU{w.skus[1]}),
			RestockTime:       reservation.Some(time.UnixMilli(w.units).UTC()),
		},
		Fields: reservation.AllPolicyFields(),
	}
	return func(s reservation.Store) (any, error) {
		return s.SetPolicy(ctx, w.stock, w.skus[int(step)/128], change)
	}
}

// compare holds the whole state of both against each other and against the journal.
func (w *twins) compare() {
	w.t.Helper()
	got, err := snapshotOf(context.Background(), w.real.client, w.real.keys.of(w.stock), w.stock,
		w.real.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	want, err := w.model.Snapshot(context.Background(), w.stock)
	if err != nil {
		w.t.Fatal(err)
	}
	if g, w2 := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w2 {
		w.t.Errorf("the store holds\n%s\nand the model\n%s", g, w2)
	}
	for _, problem := range storetest.Problems(got) {
		w.t.Error(problem)
	}
}
