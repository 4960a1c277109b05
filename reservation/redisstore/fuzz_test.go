package redisstore

import (
	"encoding/binary"
	"flag"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// isFuzzing says whether the process is there for a fuzz target alone, which needs no real Redis.
func isFuzzing() bool {
	flag.Parse() //nolint:revive // the flags of go test are wanted before it parses them itself
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
	reserved := "1700 0 2\n2 2 0 3 1 TEA\n2 2 1 -1 3 a b"
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
	lines := simLinesOf(2, "TEA", "a b")
	stock := simMust(reservation.ParseStockID(""))
	id := simMust(reservation.ParseReservationID("r-1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		values, _ := valuesOf(data, 0)
		if replies, _, err := openAnswer(values, 1); err == nil && len(replies) != 1 {
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
			_ = readReacquireRefusals(&reply{values: values})
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

// simLinesOf makes lines of as many units each.
func simLinesOf(units int64, names ...string) reservation.Lines {
	var list []reservation.Line
	for _, name := range names {
		list = append(list, reservation.Line{
			SKU:      simMust(reservation.ParseSKU(name)),
			Quantity: simMust(reservation.NewQuantity(units)),
		})
	}
	return simMust(reservation.NewLines(list))
}
