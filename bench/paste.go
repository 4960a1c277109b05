package main

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/bench/internal/report"
)

type pasteCommand struct {
	Results  string `arg:"" help:"The directory where results are kept."`
	Document string `default:"docs/benchmarks.md" help:"The document; default ${default}."`
}

// Run puts kept results into the document.
func (c *pasteCommand) Run() error {
	if err := report.Paste(c.Document, c.Results); err != nil {
		return err
	}
	fmt.Printf("%s has the results of %s\n", c.Document, c.Results)
	return nil
}
