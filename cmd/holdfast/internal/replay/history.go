package replay

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is what an entry of a history is sent as.
type Kind uint8

// The kinds.
const (
	// Order is sent as a Reserve.
	Order Kind = iota
	// Cancellation is sent as a Restock.
	Cancellation
	// Supply is a Restock before the orders; it does not stand in the file.
	Supply
)

// String returns the kind's name in reports.
func (k Kind) String() string {
	switch k {
	case Order:
		return "order"
	case Cancellation:
		return "cancellation"
	case Supply:
		return "supply"
	}
	return "unknown"
}

// Line is units of a SKU; always more than 0.
type Line struct {
	SKU   string
	Units int64
}

// Entry is one call to make.
type Entry struct {
	Kind  Kind
	Name  string // the invoice number
	Lines []Line
}

// History is what a file holds, in the order of the file.
type History struct {
	Entries []Entry
	// Rows counts all rows, SkippedRows those that no call of this version can say: negative or
	// zero quantities outside of a cancellation, positive ones inside.
	Rows, SkippedRows int
}

// Open reads a file; - is standard input.
func Open(path string, stdin io.Reader) (History, error) {
	if path == "-" {
		return Read(stdin)
	}
	file, err := os.Open(path)
	if err != nil {
		return History{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	history, err := Read(file)
	if err != nil {
		return History{}, fmt.Errorf("%s: %w", path, err)
	}
	return history, nil
}

// The columns that are read, by their names in the file's first row; others may stand beside them.
const (
	invoiceColumn  = "InvoiceNo"
	skuColumn      = "StockCode"
	quantityColumn = "Quantity"
)

// Read reads CSV, compressed by gzip or not. Rows of one invoice are one entry, which stands where
// its first row does: a feed of real orders has an invoice whose rows are not side by side.
func Read(r io.Reader) (History, error) {
	plain, err := decompress(r)
	if err != nil {
		return History{}, err
	}
	rows := csv.NewReader(plain)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return History{}, errors.New("is empty")
	} else if err != nil {
		return History{}, err
	}
	columns, err := columnsOf(head)
	if err != nil {
		return History{}, err
	}
	g := grouping{places: map[string]int{}, skus: map[string]string{}}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return g.finish(), nil
		} else if err != nil {
			return History{}, err
		}
		if err := g.add(row, columns); err != nil {
			line, _ := rows.FieldPos(0)
			return History{}, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func decompress(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	// RFC 1952: a gzip file begins with 1f 8b. An error of Peek comes again at the first Read.
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}

type columns struct{ invoice, sku, quantity int }

func columnsOf(head []string) (columns, error) {
	place := func(name string) int {
		return slices.IndexFunc(head, func(cell string) bool {
			return strings.TrimPrefix(cell, "\ufeff") == name // spreadsheets put a byte order mark
		})
	}
	c := columns{place(invoiceColumn), place(skuColumn), place(quantityColumn)}
	if c.invoice < 0 || c.sku < 0 || c.quantity < 0 {
		return columns{}, fmt.Errorf("its first row must name the columns %s, %s and %s, but is %s",
			invoiceColumn, skuColumn, quantityColumn, strings.Join(head, ","))
	}
	return c, nil
}

// grouping gathers rows into entries.
type grouping struct {
	history History
	places  map[string]int    // where an invoice's entry is
	skus    map[string]string // each SKU once in memory
}

func (g *grouping) add(row []string, c columns) error {
	quantity, err := strconv.ParseInt(row[c.quantity], 10, 64)
	if err != nil {
		return fmt.Errorf("%s is %q, not a whole number", quantityColumn, row[c.quantity])
	}
	if !utf8.ValidString(row[c.sku]) || !utf8.ValidString(row[c.invoice]) {
		return fmt.Errorf("%s and %s must be UTF-8", invoiceColumn, skuColumn)
	}
	g.history.Rows++
	kind := Order
	if strings.HasPrefix(row[c.invoice], "C") {
		kind, quantity = Cancellation, -quantity
	}
	if quantity <= 0 {
		g.history.SkippedRows++
		return nil
	}
	place, known := g.places[row[c.invoice]]
	if !known {
		place = len(g.history.Entries)
		entry := Entry{Kind: kind, Name: strings.Clone(row[c.invoice])}
		g.history.Entries = append(g.history.Entries, entry)
		g.places[entry.Name] = place
	}
	sku, known := g.skus[row[c.sku]]
	if !known {
		sku = strings.Clone(row[c.sku])
		g.skus[sku] = sku
	}
	entry := &g.history.Entries[place]
	entry.Lines = append(entry.Lines, Line{SKU: sku, Units: quantity})
	return nil
}

func (g *grouping) finish() History { return g.history }
