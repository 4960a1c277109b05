package history

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation/model"
)

// began is the store time at which the made-up histories begin, ms.
const began = 1_700_000_000_000

// script makes a history that is right: calls one after the other, answered by the model, each a
// millisecond of store time and of the caller's after the one before.
func script(t *testing.T, messages ...proto.Message) []*Operation {
	t.Helper()
	now := int64(began)
	m := model.New(model.Options{
		Retention: retention, Now: func() time.Time { return time.UnixMilli(now) },
	})
	var operations []*Operation
	for n, message := range messages {
		o := &Operation{Stock: "s", Call: int64(2 * n), Return: int64(2*n + 1)}
		if err := o.setMessage(message); err != nil {
			t.Fatal(err)
		}
		now++
		said := modelReply(o.run(context.Background(), m))
		o.Reply, o.StoreTime = &said, now
		operations = append(operations, o)
	}
	return operations
}

func reserveOne(id string) *holdfastv1.ReserveRequest {
	return &holdfastv1.ReserveRequest{
		StockId: "s", ReservationId: id, Lines: []*holdfastv1.LineQuantity{{Sku: "A", Quantity: 1}},
	}
}

func look(id string) *holdfastv1.GetReservationRequest {
	return &holdfastv1.GetReservationRequest{StockId: "s", ReservationId: id}
}

func arrive(id string, units int64) *holdfastv1.RestockRequest {
	return &holdfastv1.RestockRequest{
		StockId: "s", RequestId: id,
		Lines: []*holdfastv1.LineQuantity{{Sku: "A", Quantity: units}},
	}
}

func count() *holdfastv1.BatchGetStockRequest {
	return &holdfastv1.BatchGetStockRequest{StockId: "s", Skus: []string{"A"}}
}

// leaveOpen forgets an answer.
func leaveOpen(o *Operation, settlesAt int64) {
	o.Reply, o.StoreTime, o.SettlesAt, o.Error = nil, 0, settlesAt, "lost"
}

func TestJudge_TellsWhatNoOrderExplains(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(list []*Operation)
		want  Verdict
	}{
		"as the model answers": {func([]*Operation) {}, Linearizable},
		"an acknowledged reservation is gone": {func(list []*Operation) {
			list[3].Reply = &reply{Refused: "UNKNOWN_RESERVATION"}
		}, Illegal},
		"the last unit is sold twice": {func(list []*Operation) {
			second := *list[1].Reply
			second.Reservation = &reservation{ID: "r2", State: "COMMITTED"}
			list[2].Reply = &second
		}, Illegal},
		"a reader sees what was before": {func(list []*Operation) {
			list[4].Reply.Items[0].Reserved = 0
		}, Illegal},
		"a sequence is given twice": {func(list []*Operation) {
			list[5].Reply.Sequence--
		}, Illegal},
		"store time goes back": {func(list []*Operation) {
			list[4].StoreTime = began
		}, Illegal},
		"an open call took effect": {func(list []*Operation) {
			leaveOpen(list[1], 0)
		}, Linearizable},
		"an open call took effect before it settled": {func(list []*Operation) {
			leaveOpen(list[1], began+3)
		}, Linearizable},
		"an open call took effect after it settled": {func(list []*Operation) {
			leaveOpen(list[1], began+1)
		}, Illegal},
		"an open call took no effect": {func(list []*Operation) {
			leaveOpen(list[5], 0)
			list[5].Call = 0
			list[6].Reply = &reply{Refused: "UNKNOWN_RESERVATION"}
		}, Linearizable},
		"a call that did nothing stands in no order": {func(list []*Operation) {
			list[2].Reply, list[2].NothingDone = nil, "OVERLOADED"
		}, Linearizable},
	} {
		list := script(t, arrive("q1", 1), reserveOne("r1"), reserveOne("r2"), look("r1"), count(),
			arrive("q2", 1), look("r9"))
		test.spoil(list)
		dir := t.TempDir()
		got, err := Court{Patience: time.Minute, Dir: dir, Name: "x"}.Judge(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		if got.Verdict != test.want {
			t.Errorf("%s: verdict %d, want %d", name, got.Verdict, test.want)
		}
		kept, err := filepath.Glob(filepath.Join(dir, "x.*"))
		if err != nil {
			t.Fatal(err)
		}
		if (len(kept) == 2) != (test.want == Illegal) {
			t.Errorf("%s: kept %v", name, kept)
		}
	}
}

// Two callers take the last unit: whichever was first, one of them has it.
func TestJudge_CallsAtTheSameTimeHaveEitherOrder(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"r1", "r2"} {
		second := map[string]string{"r1": "r2", "r2": "r1"}[first]
		list := script(t, arrive("q1", 1), reserveOne(first), reserveOne(second))
		for _, o := range list[1:] {
			o.Call, o.Return = 2, 9
		}
		got, err := Court{Patience: time.Minute}.Judge(t.Context(), list)
		if err != nil || got.Verdict != Linearizable {
			t.Errorf("%s first: verdict %d, %v", first, got.Verdict, err)
		}
	}
}

// A hold that has run out counts for nothing when somebody counts, swept or not.
func TestJudge_SweepsMayHaveBeen(t *testing.T) {
	t.Parallel()
	hold := reserveOne("r1")
	hold.Ttl = durationpb.New(time.Second)
	for reserved, want := range map[int64]Verdict{
		// Figures are read after what has run out was reclaimed, swept or not.
		0: Linearizable, 1: Illegal, 2: Illegal,
	} {
		list := script(t, arrive("q1", 3), hold, count())
		list[2].StoreTime += 2_000
		list[2].Reply.Items[0].Reserved = reserved
		orderable := 3 - reserved
		list[2].Reply.Items[0].Orderable = &orderable
		got, err := Court{
			Sweeps: true, Patience: time.Minute, Dir: t.TempDir(), Name: "x",
		}.Judge(t.Context(), list)
		if err != nil || got.Verdict != want {
			t.Errorf("%d reserved: verdict %d, want %d, %v", reserved, got.Verdict, want, err)
		}
	}
}

func TestLoad_ReadsWhatSaveWrote(t *testing.T) {
	t.Parallel()
	list := script(t, arrive("q1", 1), reserveOne("r1"), reserveOne("r2"), count(), look("r1"))
	leaveOpen(list[1], began+9)
	path := filepath.Join(t.TempDir(), "history.jsonl")
	if err := Save(list, path); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for n, o := range loaded {
		want := list[n]
		if o.describe(nil) != want.describe(nil) || o.Call != want.Call ||
			o.Return != want.Return || o.StoreTime != want.StoreTime ||
			o.SettlesAt != want.SettlesAt || !proto.Equal(o.message, want.message) {
			t.Errorf("operation %d is %+v, want %+v", n, o, want)
		}
	}
	if len(loaded) != len(list) {
		t.Errorf("%d operations, want %d", len(loaded), len(list))
	}
}
