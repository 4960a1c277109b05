package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// FuzzScripts sends ugly names and huge figures through the scripts, in memory, and through the
// model: the same answers, the same figures, and journal and records in agreement.
func FuzzScripts(f *testing.F) {
	for _, seed := range []struct {
		sku, other, id string
		units, more    int64
	}{
		{"TEA", "a b", "r-1", 3, 2},
		{"{x}:%d", "}{", "a:b.c-d_e", 1_000_000_000, 1},
		{"a\tb", "c\nd", "..", 1, 1},
		{" x", "x ", "x y", 0, -1},
		{"Zoë", "\u200b", ":", 2, 5},
		{"100%*,\"'\\", "%s%n", "-", 999_999_999, 1_000_000_000},
		{"\x1e", "\x1d", "\x1f", 1, 1},
		{"0", "-1", "1e9", 1_000_000_001, 9_223_372_036_854_775_807},
		{"=", "\u00a0", "0", 7, 7},
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
type fuzzed struct {
	subject

	cases int
}

func openForFuzz(f *testing.F) *fuzzed {
	f.Helper()
	store, err := OpenEmbedded(context.Background(), Options{
		clock: testClock, quiet: true, lineBudget: reservation.LineBudget,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close(context.Background()) })
	return &fuzzed{subject: subject{Store: store, Clock: storetest.NewClock()}}
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

	stock reservation.StockID
	skus  [2]reservation.SKU
	id    string
	lines reservation.Lines
	units int64
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
	// A stock that lost everything would be fenced, so each is another one.
	f.cases++
	w.stock, errs[0] = reservation.ParseStockID(fmt.Sprintf("fuzzed-%d", f.cases))
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
		var refused *reservation.Error
		if errors.As(wantErr, &refused) && step%12 >= 10 {
			refused.Stamp.Sequence = 0 // a read tells none
		}
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
