package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The files of a report.
const (
	dataFile  = "results.json"
	tableFile = "table.md"
	plotFile  = "latency.svg"
)

// Write keeps a report in a directory: all values, the table and the plot.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // results are for everybody
		return fmt.Errorf("keep the results: %w", err)
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("keep the results: %w", err)
	}
	files := map[string][]byte{
		dataFile:  append(data, '\n'),
		tableFile: []byte(r.Origin() + "\n" + r.Markdown() + "\n"),
	}
	if len(r.Curves) > 0 {
		plot, err := r.Plot()
		if err != nil {
			return err
		}
		files[plotFile] = plot
	}
	for name, text := range files {
		//nolint:gosec // results are for everybody
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return fmt.Errorf("keep the results: %w", err)
		}
	}
	return nil
}

// Read reads a report that was kept in a directory.
func Read(dir string) (*Report, error) {
	data, err := os.ReadFile(filepath.Join(dir, dataFile))
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read results: %s: %w", dir, err)
	}
	return &r, nil
}
