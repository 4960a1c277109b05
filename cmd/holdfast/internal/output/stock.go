package output

import (
	"fmt"
	"io"
	"strings"
	"time"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Items writes a table of SKUs with their figures; filling and shortfall only where there are any.
func Items(w io.Writer, items []*holdfastv1.StockItem) {
	var filling, shortfall bool
	for _, item := range items {
		filling = filling || item.GetFillingQuantity() > 0
		shortfall = shortfall || item.GetShortfallQuantity() > 0
	}
	columns := Right("on hand", "reserved", "available", "orderable", "backordered")
	if filling {
		columns = append(columns, Right("filling")...)
	}
	if shortfall {
		columns = append(columns, Right("shortfall")...)
	}
	t := NewTable(Left("sku"), columns, Left("backorders"))
	for _, item := range items {
		cells := []any{
			item.GetSku(), item.GetOnHandQuantity(), item.GetReservedQuantity(),
			item.GetAvailableQuantity(), Optional(item.OrderableQuantity, "unlimited"),
			item.GetBackorderedQuantity(),
		}
		if filling {
			cells = append(cells, item.GetFillingQuantity())
		}
		if shortfall {
			cells = append(cells, item.GetShortfallQuantity())
		}
		t.Row(append(cells, Mode(item.GetPolicy().GetBackorderMode()))...)
	}
	t.Write(w)
}

// Restock writes what arrived, a row for each line, and who was waiting for it.
func Restock(w io.Writer, response *holdfastv1.RestockResponse) {
	t := NewTable(Left("sku"),
		Right("quantity", "on hand", "available", "to backorders", "still backordered"))
	for _, line := range response.GetLines() {
		t.Row(line.GetSku(), line.GetQuantity(), line.GetOnHandQuantity(),
			line.GetAvailableQuantity(), line.GetFilledQuantity(), line.GetBackorderedQuantity())
	}
	t.Write(w)
	fills(w, response.GetFills())
}

// OnHand writes by how much on hand moved, a row for each line, and who was waiting for it.
func OnHand(w io.Writer, lines []*holdfastv1.OnHandLine, filled []*holdfastv1.ReservationFill) {
	shortfall := false
	for _, line := range lines {
		shortfall = shortfall || line.GetShortfallQuantity() > 0
	}
	columns := Right("change", "on hand", "available", "to backorders", "still backordered")
	if shortfall {
		columns = append(columns, Right("shortfall")...)
	}
	t := NewTable(Left("sku"), columns)
	for _, line := range lines {
		cells := []any{
			line.GetSku(), fmt.Sprintf("%+d", line.GetDelta()), line.GetOnHandQuantity(),
			line.GetAvailableQuantity(), line.GetFilledQuantity(), line.GetBackorderedQuantity(),
		}
		if shortfall {
			cells = append(cells, line.GetShortfallQuantity())
		}
		t.Row(cells...)
	}
	t.Write(w)
	fills(w, filled)
}

// fills writes which reservations were given units, where any were.
func fills(w io.Writer, list []*holdfastv1.ReservationFill) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := NewTable(Left("filled reservation", "sku"), Right("units"))
	for _, fill := range list {
		t.Row(fill.GetReservationId(), fill.GetSku(), fill.GetFilledQuantity())
	}
	t.Write(w)
}

// Policy writes each field of a policy as it is set (under the head own) and as it is in force.
func Policy(w io.Writer, own string, set, effective *holdfastv1.Policy) {
	t := NewTable(Left("field", own, "in force"))
	inForce := policyCells(effective)
	for i, cell := range policyCells(set) {
		t.Row(cell[0], cell[1], inForce[i][1])
	}
	t.Write(w)
}

func policyCells(p *holdfastv1.Policy) [][2]string {
	mode, restock, substitutes := "-", "-", "-"
	if p != nil && p.BackorderMode != nil {
		mode = Mode(p.GetBackorderMode())
	}
	if p.GetRestockTime() != nil {
		restock = p.GetRestockTime().AsTime().Format(time.RFC3339)
	}
	if len(p.GetSubstitutes()) > 0 {
		substitutes = strings.Join(p.GetSubstitutes(), ", ")
	}
	if p == nil {
		p = &holdfastv1.Policy{}
	}
	return [][2]string{
		{"backorder_mode", mode},
		{"backorder_limit", Optional(p.BackorderLimit, "-")},
		{"safety_stock", Optional(p.SafetyStock, "-")},
		{"low_stock_threshold", Optional(p.LowStockThreshold, "-")},
		{"restock_time", restock},
		{"min_quantity", Optional(p.MinQuantity, "-")},
		{"max_quantity", Optional(p.MaxQuantity, "-")},
		{"quantity_increment", Optional(p.QuantityIncrement, "-")},
		{"sellable", Optional(p.Sellable, "-")},
		{"tracked", Optional(p.Tracked, "-")},
		{"substitutes", substitutes},
	}
}

// Mode returns a backorder mode's name as the contract has it.
func Mode(mode holdfastv1.BackorderMode) string {
	return strings.TrimPrefix(mode.String(), "BACKORDER_MODE_")
}
