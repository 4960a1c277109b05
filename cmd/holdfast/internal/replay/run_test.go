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

func (noProgress) Begin(int) {}
func (noProgress) Step()     {}
func (noProgress) End()      {}

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
	items, err := o.listStock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return items
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
	type figure struct{ OnHand, Reserved int64 }
	want, got := map[string]figure{}, map[string]figure{}
	lines := bufio.NewScanner(&answers)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line answerLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		for _, asked := range line.Lines {
			sku := want[asked.SKU]
			switch {
			case line.Code != "OK":
				continue
			case line.Call == "Reserve":
				sku.Reserved += asked.Quantity
			case line.Call == "Restock":
				sku.OnHand += asked.Quantity
			}
			want[asked.SKU] = sku
		}
	}
	for _, item := range stockOf(t, o) {
		got[item.GetSku()] = figure{item.GetOnHandQuantity(), item.GetReservedQuantity()}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
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
