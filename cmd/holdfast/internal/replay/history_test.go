package replay

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead_GroupsRowsByInvoiceInFileOrder(t *testing.T) {
	const file = "\ufeffInvoiceNo,StockCode,Quantity,InvoiceDate\n" +
		"1,A,6,2010-12-01 08:26:00\n" +
		"2,A,1,\n" +
		"1,B,2,\n" + // back to an invoice after another one
		"C3,A,-4,\n" +
		"C3,A,9,\n" + // comes back, but with the wrong sign
		"4,A,-5,\n" + // a correction
		"2,A,-1,\n" + // one beside an order
		"5,A,0,\n" +
		"2,BANK CHARGES,1,\n" +
		"2,\"x,y\",7,\n"
	want := History{
		Rows: 10, SkippedRows: 2,
		Entries: []Entry{
			{Order, "1", []Line{{"A", 6}, {"B", 2}}},
			{Order, "2", []Line{{"A", 1}, {"BANK CHARGES", 1}, {"x,y", 7}}},
			{Cancellation, "C3", []Line{{"A", 4}}},
			{Correction, "4", []Line{{"A", -5}}},
			{Correction, "2", []Line{{"A", -1}}},
		},
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte(file)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"plain": file, "gzip": zipped.String()} {
		got, err := Read(strings.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want -, got +\n%s", name, diff)
		}
	}
}

func TestRead_RefusesWhatIsNoHistory(t *testing.T) {
	const head = "InvoiceNo,StockCode,Quantity\n"
	for name, test := range map[string]struct{ file, want string }{
		"empty":           {"", "is empty"},
		"other columns":   {"a,b\n", "must name the columns InvoiceNo, StockCode and Quantity"},
		"no whole number": {head + "1,A,1\n2,A,1.5\n", `line 3: Quantity is "1.5", not a whole`},
		"not UTF-8":       {head + "1,\xff,1\n", "line 2: InvoiceNo and StockCode must be UTF-8"},
		"a short row":     {head + "1,A\n", "wrong number of fields"},
		"broken gzip":     {"\x1f\x8bxx", "unexpected EOF"},
	} {
		_, err := Read(strings.NewReader(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func TestSupplies_EverySKUOnceByItsDemand(t *testing.T) {
	history := History{Entries: []Entry{
		{Order, "1", []Line{{"B", 10}, {"A", 1}, {" not allowed", 5}}},
		{Cancellation, "C2", []Line{{"Z", 5}}}, // not demand
		{Order, "3", []Line{{"B", 5}, {"HUGE", 2_000_000_000}, {"HUGE", 500_000_000}}},
	}}
	want := []Entry{{Supply, "supply-1", []Line{
		{"B", 12}, // 0.8 of 15
		{"A", 1},  // at least one
		{"HUGE", 1_000_000_000}, {"HUGE", 1_000_000_000},
	}}}
	if diff := cmp.Diff(want, supplies(history, 0.8)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestSupplies_AtMostAThousandLinesARequest(t *testing.T) {
	entries := inRequests(Supply, "supply", make([]Line, 2001))
	var sizes []int
	for _, entry := range entries {
		sizes = append(sizes, len(entry.Lines))
	}
	if diff := cmp.Diff([]int{1000, 1000, 1}, sizes); diff != "" || entries[2].Name != "supply-3" {
		t.Errorf("sizes: want -, got +\n%s; last name %s", diff, entries[2].Name)
	}
}
