// Package orders reads a real order history.
package orders

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Line is units of a SKU, by its number in [History.SKUs].
type Line struct {
	SKU   int
	Units int64
}

// History is the orders of a file in its order. Cancellations and corrections are not among them.
type History struct {
	SKUs   []string
	Orders [][]Line
	// Left is how many rows are no order line that a Reserve could say.
	Left int
}

// Demand returns the units that all orders together ask for, by SKU.
func (h *History) Demand() []int64 {
	demand := make([]int64, len(h.SKUs))
	for _, order := range h.Orders {
		for _, line := range order {
			demand[line.SKU] += line.Units
		}
	}
	return demand
}

// Open reads a file of CSV compressed by gzip.
func Open(path string) (*History, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("real orders: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("real orders: %s: %w", path, err)
	}
	history, err := Read(plain)
	if err != nil {
		return nil, fmt.Errorf("real orders: %s: %w", path, err)
	}
	return history, nil
}

// Read reads CSV with the columns InvoiceNo, StockCode and Quantity. The rows of one invoice are
// one order, which stands where its first row does.
func Read(r io.Reader) (*History, error) {
	rows := csv.NewReader(r)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("first row: %w", err)
	}
	b := builder{
		history: &History{}, places: map[string]int{}, skus: map[string]int{},
		invoice:  slices.Index(head, "InvoiceNo"),
		sku:      slices.Index(head, "StockCode"),
		quantity: slices.Index(head, "Quantity"),
	}
	if b.invoice < 0 || b.sku < 0 || b.quantity < 0 {
		return nil, errors.New("the first row names no InvoiceNo, StockCode or Quantity")
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if err := b.add(row); err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	if len(b.history.Orders) == 0 {
		return nil, errors.New("there is no order in it")
	}
	return b.history, nil
}

type builder struct {
	history                *History
	places                 map[string]int // of an invoice among the orders
	skus                   map[string]int
	invoice, sku, quantity int // columns
}

func (b *builder) add(row []string) error {
	units, err := strconv.ParseInt(row[b.quantity], 10, 64)
	if err != nil {
		return fmt.Errorf("quantity %q is no whole number", row[b.quantity])
	}
	if !isOrderLine(row[b.invoice], row[b.sku], units) {
		b.history.Left++
		return nil
	}
	place, known := b.places[row[b.invoice]]
	if !known {
		place = len(b.history.Orders)
		b.places[strings.Clone(row[b.invoice])] = place
		b.history.Orders = append(b.history.Orders, nil)
	}
	if len(b.history.Orders[place]) == reservation.MaxLines {
		b.history.Left++
		return nil
	}
	sku, known := b.skus[row[b.sku]]
	if !known {
		sku = len(b.history.SKUs)
		name := strings.Clone(row[b.sku])
		b.skus[name] = sku
		b.history.SKUs = append(b.history.SKUs, name)
	}
	b.history.Orders[place] = append(b.history.Orders[place], Line{SKU: sku, Units: units})
	return nil
}

// isOrderLine says whether a row is one that a Reserve can say; an invoice that begins with C
// cancels.
func isOrderLine(invoice, sku string, units int64) bool {
	if strings.HasPrefix(invoice, "C") {
		return false
	}
	_, quantityErr := reservation.NewQuantity(units)
	_, skuErr := reservation.ParseSKU(sku)
	return quantityErr == nil && skuErr == nil
}
