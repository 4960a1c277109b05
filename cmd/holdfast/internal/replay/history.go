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

// The kinds. The file has orders, cancellations and corrections; the others a run adds.
const (
	// Order is sent as a Reserve.
	Order Kind = iota
	// Cancellation is sent as a Restock of what came back.
	Cancellation
	// Correction is sent as an AdjustStock.
	Correction
	// Supply is a Restock before the orders.
	Supply
	// Refill is a Restock of what is backordered.
	Refill
	// Placing is the Commit of an order that is held.
	Placing
	// Abandoning is the Release of an order.
	Abandoning
)

// String returns the kind's name in reports.
func (k Kind) String() string {
	switch k {
	case Order:
		return "order"
	case Cancellation:
		return "cancellation"
	case Correction:
		return "correction"
	case Supply:
		return "supply"
	case Refill:
		return "refill"
	case Placing:
		return "placing"
	case Abandoning:
		return "abandoning"
	}
	return "unknown"
}

// Call returns the name of the call that an entry of the kind is sent as.
func (k Kind) Call() string {
	switch k {
	case Order:
		return "Reserve"
	case Cancellation, Supply, Refill:
		return "Restock"
	case Correction:
		return "AdjustStock"
	case Placing:
		return "Commit"
	case Abandoning:
		return "Release"
	}
	return "unknown"
}

// Line is units of a SKU: more than 0, in a Correction less.
type Line struct {
	SKU   string
	Units int64
}

// Entry is one call to make.
type Entry struct {
	Kind  Kind
	Name  string // the invoice number
	Lines []Line // none: the whole of the order
}

// id returns the id of the entry's call in a run. An order's calls are all about its reservation; a
// correction has the number of an order that may be in the same invoice.
func (e *Entry) id(run string) string {
	if e.Kind == Correction {
		return run + ":" + e.Name + ":correction"
	}
	return run + ":" + e.Name
}

// isOfFile says whether the entry stands in the file.
func (e *Entry) isOfFile() bool {
	return e.Kind == Order || e.Kind == Cancellation || e.Kind == Correction
}

// History is what a file holds, in the order of the file.
type History struct {
	Entries []Entry
	// Rows counts all rows, SkippedRows those that no call says: zero quantities, and those of a
	// cancellation that are not negative.
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
	g := grouping{places: map[place]int{}, skus: map[string]string{}}
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

// maxUnits is the largest quantity of a row: no stored figure may pass it.
const maxUnits = 1_000_000_000_000

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

// place names an entry: an invoice may have an order and a correction.
type place struct {
	kind    Kind
	invoice string
}

// grouping gathers rows into entries.
type grouping struct {
	history History
	places  map[place]int     // where an entry is
	skus    map[string]string // each SKU once in memory
}

func (g *grouping) add(row []string, c columns) error {
	quantity, err := strconv.ParseInt(row[c.quantity], 10, 64)
	if err != nil {
		return fmt.Errorf("%s is %q, not a whole number", quantityColumn, row[c.quantity])
	}
	if quantity < -maxUnits || quantity > maxUnits {
		return fmt.Errorf("%s is %d, must be at most %d in either direction", quantityColumn, quantity,
			int64(maxUnits))
	}
	if !utf8.ValidString(row[c.sku]) || !utf8.ValidString(row[c.invoice]) {
		return fmt.Errorf("%s and %s must be UTF-8", invoiceColumn, skuColumn)
	}
	g.history.Rows++
	kind := Order
	switch isCancelled := strings.HasPrefix(row[c.invoice], "C"); {
	case isCancelled && quantity >= 0, quantity == 0:
		g.history.SkippedRows++
		return nil
	case isCancelled:
		kind, quantity = Cancellation, -quantity
	case quantity < 0:
		kind = Correction
	}
	at, known := g.places[place{kind, row[c.invoice]}]
	if !known {
		at = len(g.history.Entries)
		entry := Entry{Kind: kind, Name: strings.Clone(row[c.invoice])}
		g.history.Entries = append(g.history.Entries, entry)
		g.places[place{kind, entry.Name}] = at
	}
	sku, known := g.skus[row[c.sku]]
	if !known {
		sku = strings.Clone(row[c.sku])
		g.skus[sku] = sku
	}
	entry := &g.history.Entries[at]
	entry.Lines = append(entry.Lines, Line{SKU: sku, Units: quantity})
	return nil
}

func (g *grouping) finish() History { return g.history }
