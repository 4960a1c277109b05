package replay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
)

// orders is a made-up year: a few hundred invoices over a few SKUs, some cancelled, some corrected,
// with twin lines and one line that no call may carry.
func orders(t *testing.T) string {
	t.Helper()
	const seed = 20101201
	random := rand.New(rand.NewPCG(seed, seed))
	var file strings.Builder
	file.WriteString("InvoiceNo,StockCode,Quantity,InvoiceDate\n")
	for invoice := range 400 {
		for range 1 + random.IntN(6) {
			sku, units := fmt.Sprintf("SKU %d", random.IntN(12)), 1+random.IntN(20)
			switch random.IntN(20) {
			case 0:
				fmt.Fprintf(&file, "C%d,%s,%d,\n", invoice, sku, -units)
			case 1:
				fmt.Fprintf(&file, "%d,%s,%d,\n", invoice, sku, -units)
			default:
				fmt.Fprintf(&file, "%d,%s,%d,\n", invoice, sku, units)
			}
		}
	}
	file.WriteString("900,trailing space ,1,\n")
	return file.String()
}

// noProgress is told and says nothing.
type noProgress struct{}

func (noProgress) Begin(int)   {}
func (noProgress) Step()       {}
func (noProgress) End()        {}
func (noProgress) Note(string) {}

func optionsFor(t *testing.T, address string) Options {
	t.Helper()
	c, err := client.New(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	limit := int64(10)
	return Options{
		Client: c, Stock: "replay", Run: "test", Concurrency: 8, Timeout: 10 * time.Second,
		Supply: 0.8, Mode: holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW, Limit: &limit,
		Verify: true, Progress: noProgress{},
	}
}

func replayed(t *testing.T, o Options) *Report {
	t.Helper()
	history, err := Read(strings.NewReader(orders(t)))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), o, history)
	if err != nil {
		t.Fatal(err)
	}
	if !report.IsClean() {
		var text bytes.Buffer
		report.Write(&text)
		t.Fatalf("the run is not clean:\n%s", &text)
	}
	return report
}

func stockOf(t *testing.T, o Options) []*holdfastv1.StockItem {
	t.Helper()
	stock, err := o.listStock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return stock.GetItems()
}

func sequenceOf(t *testing.T, o Options) int64 {
	t.Helper()
	answer, err := o.Client.Stock.SetDefaultPolicy(t.Context(), &holdfastv1.SetDefaultPolicyRequest{
		StockId: o.Stock, Policy: &holdfastv1.Policy{BackorderMode: &o.Mode},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetSequence()
}

// The fold here reads nothing but the file of answers, as one in another language would.
func TestRun_AnswersFoldToTheStock(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	var answers bytes.Buffer
	o.Answers = &answers
	report := replayed(t, o)
	if report.Reserve.Refused == 0 || report.Backordered.Units == 0 || report.Reserve.Invalid != 1 {
		t.Fatalf("the run shows too little: %+v", report)
	}
	compareWithAnswers(t, o, &answers)
}

// compareWithAnswers folds nothing but the file of answers, as one in another language would.
func compareWithAnswers(t *testing.T, o Options, answers *bytes.Buffer) {
	t.Helper()
	type figure struct{ OnHand, Reserved int64 }
	want, got := map[string]figure{}, map[string]figure{}
	orders, firm := map[string][]answerRequest{}, map[string]bool{}
	lines := bufio.NewScanner(answers)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line answerLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		switch {
		case line.Code != "OK":
			continue
		case line.Call == "Reserve":
			orders[line.ID], firm[line.ID] = line.Lines, o.TTL == 0
		case line.Call == "Commit":
			firm[line.ID] = true
		case line.Call == "Release":
			firm[line.ID] = false
		case line.Call == "Restock", line.Call == "AdjustStock":
			for _, asked := range line.Lines {
				sku := want[asked.SKU]
				sku.OnHand += asked.Quantity
				want[asked.SKU] = sku
			}
		default:
			t.Errorf("an answer to %s", line.Call)
		}
	}
	for id, order := range orders {
		for _, asked := range order {
			if sku := want[asked.SKU]; firm[id] {
				sku.Reserved += asked.Quantity
				want[asked.SKU] = sku
			}
		}
	}
	for _, item := range stockOf(t, o) {
		got[item.GetSku()] = figure{item.GetOnHandQuantity(), item.GetReservedQuantity()}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

// sweeping returns a model whose holds are reclaimed as a server reclaims them; the model has no
// background of its own.
func sweeping(t *testing.T, stocks ...string) *model.Model {
	t.Helper()
	m := testserver.NewModel()
	var ids []reservation.StockID
	for _, name := range stocks {
		id, err := reservation.ParseStockID(name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	ended := make(chan struct{})
	ticker := time.NewTicker(20 * time.Millisecond)
	go func() {
		defer close(ended)
		for range ticker.C {
			for _, id := range ids {
				if _, err := m.Sweep(t.Context(), id); err != nil {
					return // the test is over
				}
			}
			if t.Context().Err() != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { // its context ended just before
		<-ended
		ticker.Stop()
	})
	return m
}

// The fate of an order follows from its number, so the second run ends where the first one did.
func TestRun_HoldsAreCommittedCancelledOrRunOut(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, sweeping(t, "replay", "other")))
	o.TTL, o.CommitRate, o.CancelRate, o.RestockEvery = 2*time.Second, 0.6, 0.2, 50
	o.Ample = true
	o.Stream = true // the second run, by calls, ends there too
	var answers bytes.Buffer
	o.Answers = &answers
	first := replayed(t, o)
	o.Answers = nil
	if first.Committed.Orders == 0 || first.Cancelled.Orders == 0 || first.Expired.Orders == 0 ||
		first.AdjustStock.Sent == 0 {
		t.Fatalf("the run shows too little: %+v", first)
	}
	ends := first.Committed.Orders + first.Cancelled.Orders + first.Expired.Orders
	if first.Held.Orders != ends || first.StillHeld.Orders != 0 {
		t.Errorf("%d orders were held, %d ended", first.Held.Orders, ends)
	}
	journal := first.Verification.Journal
	if journal.Skipped != "" || journal.Expired != first.Expired.Orders {
		t.Errorf("the journal: %+v, %d orders expired", journal, first.Expired.Orders)
	}
	compareWithAnswers(t, o, &answers)
	o.Stream = false
	second := replayed(t, o)
	type ends4 struct{ Held, Committed, Cancelled, Expired Volume }
	if diff := cmp.Diff(ends4{first.Held, first.Committed, first.Cancelled, first.Expired},
		ends4{second.Held, second.Committed, second.Cancelled, second.Expired}); diff != "" {
		t.Errorf("first run -, second run +\n%s", diff)
	}
	if second.Reserve.Accepted+second.Commit.Accepted+second.Release.Accepted != 0 {
		t.Errorf("the second run changed something: %+v", second)
	}
}

// Whatever is backordered arrives after every few orders, so far more of them are granted.
func TestRun_RefillsServeWhoWaits(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	o.Supply, o.RestockEvery = 0.1, 10
	refilled := replayed(t, o)
	o.Stock, o.RestockEvery = "other", 0
	without := replayed(t, o)
	if refilled.Restock.Sent <= without.Restock.Sent ||
		refilled.Refused.Orders >= without.Refused.Orders {
		t.Errorf("%d orders were refused with refills, %d without",
			refilled.Refused.Orders, without.Refused.Orders)
	}
}

func TestRun_SecondRunReplaysWhatWasAccepted(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	first, second := replayed(t, o), replayed(t, o)
	if second.Reserve.Replayed != first.Reserve.Accepted {
		t.Errorf("replayed %d of %d", second.Reserve.Replayed, first.Reserve.Accepted)
	}
	if second.Restock.Replayed != first.Restock.Accepted || second.Restock.Accepted != 0 {
		t.Errorf("restocks: first %+v, second %+v", first.Restock, second.Restock)
	}
	if again := second.Reserve.Accepted + second.Reserve.Refused; again != first.Reserve.Refused {
		t.Errorf("%d refused orders were tried again, want %d", again, first.Reserve.Refused)
	}
}

// One caller sends everything in the order of the file, so a run over a stream must be answered as
// one by calls was.
func TestRun_OverAStreamIsTheSame(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	o.Concurrency = 1
	calls := replayed(t, o)
	o.Stream, o.Stock = true, "other"
	stream := replayed(t, o)
	if diff := cmp.Diff(calls.Refusals, stream.Refusals); diff != "" || len(calls.Refusals) < 2 {
		t.Errorf("refusals by calls -, over a stream +\n%s", diff)
	}
	if calls.Reserve != stream.Reserve || calls.Backordered != stream.Backordered {
		t.Errorf("by calls %+v, over a stream %+v", calls, stream)
	}
	o.Stock = "replay"
	if again := replayed(t, o); again.Reserve.Replayed != calls.Reserve.Accepted {
		t.Errorf("replayed %d of %d", again.Reserve.Replayed, calls.Reserve.Accepted)
	}
}

func TestRun_SecondAmpleRunChangesNothing(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	o.Ample = true
	first := replayed(t, o)
	if first.Reserve.Refused != 0 || first.Backordered.Orders != 0 {
		t.Errorf("ample stock refused or backordered: %+v", first)
	}
	before, sequence := stockOf(t, o), sequenceOf(t, o)
	second := replayed(t, o)
	if second.Reserve.Accepted != 0 || second.Restock.Accepted != 0 {
		t.Errorf("the second run was granted something: %+v", second)
	}
	if after := sequenceOf(t, o); after != sequence {
		t.Errorf("the second run wrote %d events", after-sequence)
	}
	if diff := cmp.Diff(fmt.Sprint(before), fmt.Sprint(stockOf(t, o))); diff != "" {
		t.Errorf("the second run changed figures: before -, after +\n%s", diff)
	}
}

func TestRun_OtherSuppliesForTheSameRunAreRefused(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	replayed(t, o)
	o.Ample = true
	_, err := Run(t.Context(), o, History{Entries: []Entry{{Order, "1", []Line{{"SKU 1", 1}}}}})
	if err == nil || !strings.Contains(err.Error(), "choose another --stock") {
		t.Errorf("got %v", err)
	}
}

func TestRun_InterruptedReportsWhatThereIs(t *testing.T) {
	o := optionsFor(t, testserver.Start(t, testserver.NewModel()))
	ctx, interrupt := context.WithCancel(t.Context())
	o.Progress = &interruption{after: 20, interrupt: interrupt}
	history, err := Read(strings.NewReader(orders(t)))
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(ctx, o, history)
	if err != nil {
		t.Fatal(err)
	}
	sent := report.Reserve.Sent + report.Restock.Sent
	if !report.Interrupted || report.IsClean() || report.Verification != nil {
		t.Errorf("the report does not say that it was interrupted: %+v", report)
	}
	if sent < 20 || sent > int64(20+1+2*o.Concurrency+1) {
		t.Errorf("%d calls were made, interrupted after 20", sent)
	}
	if report.Reserve.Failed+report.Restock.Failed != 0 {
		t.Errorf("calls under way were not waited for: %v", report.Errors)
	}
}

type interruption struct {
	noProgress
	after     int
	interrupt func()
}

func (i *interruption) Step() {
	i.after--
	if i.after == 0 {
		i.interrupt()
	}
}
