// Package output writes what the commands show: tables for people, JSON for scripts. It uses no
// colour, so there is nothing to switch off where the output is no terminal or NO_COLOR is set.
package output

import (
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Table is a table with a head; columns whose cells are numbers stand to the right.
type Table struct {
	writer  table.Writer
	columns []Column
}

// Column is a column's name and where its cells stand.
type Column struct {
	Name  string
	Right bool
}

// Left returns columns whose cells stand to the left.
func Left(names ...string) []Column { return columnsOf(false, names) }

// Right returns columns whose cells stand to the right, as numbers should.
func Right(names ...string) []Column { return columnsOf(true, names) }

func columnsOf(right bool, names []string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Name: name, Right: right}
	}
	return columns
}

// NewTable returns an empty table with these columns, side by side.
func NewTable(groups ...[]Column) *Table {
	var columns []Column
	for _, group := range groups {
		columns = append(columns, group...)
	}
	writer := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	writer.SetStyle(style)
	head := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, column := range columns {
		head[i] = strings.ToUpper(column.Name)
		configs[i] = table.ColumnConfig{Number: i + 1}
		if column.Right {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	writer.AppendHeader(head)
	writer.SetColumnConfigs(configs)
	return &Table{writer: writer, columns: columns}
}

// Row adds a row; one cell for each column.
func (t *Table) Row(cells ...any) { t.writer.AppendRow(cells) }

// Write writes the table; no line of it ends in a space.
func (t *Table) Write(w io.Writer) {
	for line := range strings.Lines(t.writer.Render()) {
		_, _ = io.WriteString(w, strings.TrimRight(line, " \n")+"\n")
	}
}
