package replay

import (
	"bytes"
	"testing"
)

// FuzzRead reads files that are no order history, or nearly one: an error, or entries that have
// lines, units and a name each, and as many rows as the file.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"InvoiceNo,StockCode,Quantity\n1,TEA,2\n1,MUG,-1\nC2,TEA,-1\n",
		"\ufeffInvoiceNo,StockCode,Quantity\n", "Quantity,StockCode,InvoiceNo\n\"1\",\"a\"\"b\",x\n",
		"InvoiceNo,StockCode,Quantity\n1,TEA\n", "\x1f\x8b", "", "a,b\n",
		"InvoiceNo,StockCode,Quantity\n1,TEA,-9223372036854775808\nC1,TEA,-9223372036854775808\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		history, err := Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		rows := history.SkippedRows
		for _, entry := range history.Entries {
			rows += len(entry.Lines)
			for _, line := range entry.Lines {
				if (line.Units < 0) != (entry.Kind == Correction) || line.Units == 0 {
					t.Errorf("a %s has %d units of %q", entry.Kind.Call(), line.Units, line.SKU)
				}
			}
			if !entry.isOfFile() || len(entry.Lines) == 0 {
				t.Errorf("the file has the entry %+v", entry)
			}
		}
		if rows != history.Rows {
			t.Errorf("%d rows became %d lines", history.Rows, rows)
		}
	})
}
