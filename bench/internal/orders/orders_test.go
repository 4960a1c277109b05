package orders_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/bench/internal/orders"
)

const file = `InvoiceNo,StockCode,Quantity,InvoiceDate
1,A,2,x
1,B,1,x
2,A,5,x
C3,A,-2,x
4,B,-1,x
1,A,3,x
5,B,0,x
6, b,1,x
7,B,7,x
`

func TestRead_GathersTheRowsOfAnInvoiceWhereItsFirstStands(t *testing.T) {
	got, err := orders.Read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"A", "B"}; !slices.Equal(got.SKUs, want) {
		t.Errorf("SKUs are %v, want %v", got.SKUs, want)
	}
	want := [][]orders.Line{
		{{SKU: 0, Units: 2}, {SKU: 1, Units: 1}, {SKU: 0, Units: 3}},
		{{SKU: 0, Units: 5}},
		{{SKU: 1, Units: 7}},
	}
	if len(got.Orders) != len(want) {
		t.Fatalf("orders are %v, want %v", got.Orders, want)
	}
	for i := range want {
		if !slices.Equal(got.Orders[i], want[i]) {
			t.Errorf("order %d is %v, want %v", i, got.Orders[i], want[i])
		}
	}
	if got.Left != 4 {
		t.Errorf("%d rows were left, want 4", got.Left)
	}
	if demand := got.Demand(); !slices.Equal(demand, []int64{10, 8}) {
		t.Errorf("demand is %v, want [10 8]", demand)
	}
}

func TestRead_SaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "first row",
		"a,b\n":                                 "names no",
		"InvoiceNo,StockCode,Quantity\n":        "no order",
		"InvoiceNo,StockCode,Quantity\n1,A,x\n": "line 2",
	} {
		_, err := orders.Read(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want one with %q", text, err, want)
		}
	}
}
