package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The marks between which a document has the results. The first names where they are kept.
const (
	pasteBegin = "<!-- results: "
	pasteEnd   = "<!-- end of results -->"
)

// Paste puts the results that are kept in a directory into a document, between its marks.
func Paste(document, dir string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return fmt.Errorf("paste results: %w", err)
	}
	pasted, err := Pasted(string(text), filepath.Dir(document), dir)
	if err != nil {
		return fmt.Errorf("paste results: %s: %w", document, err)
	}
	//nolint:gosec // a document is for everybody
	if err := os.WriteFile(document, []byte(pasted), 0o644); err != nil {
		return fmt.Errorf("paste results: %w", err)
	}
	return nil
}

// PastedFrom returns the directory whose results a document has; empty where it has none.
func PastedFrom(text string) string {
	_, rest, found := strings.Cut(text, pasteBegin)
	if !found {
		return ""
	}
	name, _, _ := strings.Cut(rest, " -->")
	if name == "none" {
		return ""
	}
	return name
}

// Pasted returns a document's text with the results of a directory between its marks. home is where
// the document lies.
func Pasted(text, home, dir string) (string, error) {
	head, rest, found := strings.Cut(text, pasteBegin)
	_, tail, ends := strings.Cut(rest, pasteEnd)
	if !found || !ends {
		return "", fmt.Errorf("it has no %q and %q", pasteBegin, pasteEnd)
	}
	r, err := Read(dir)
	if err != nil {
		return "", err
	}
	if r.Quick {
		return "", fmt.Errorf("%s was a quick try: its figures mean nothing", dir)
	}
	// Links are from the document, and the mark is too, so that it is the same wherever it is read.
	from, err := filepath.Rel(home, dir)
	if err != nil {
		return "", fmt.Errorf("results: %w", err)
	}
	from = filepath.ToSlash(from)
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s%s -->\n\n%s\n%s\n", head, pasteBegin, from, r.Origin(), r.Markdown())
	if len(r.Curves) > 0 {
		fmt.Fprintf(&b, "\n![Latency over throughput, each arm](%s/%s)\n", from, plotFile)
	}
	b.WriteString("\n" + pasteEnd + tail)
	return b.String(), nil
}
