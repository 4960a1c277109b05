package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/fault"
)

// TestGuarantees_ThePageAndTheTestsFit holds docs/guarantees.md and the code together: the tests
// that it names exist, and it names every fault, every kind of histories and every mutant.
func TestGuarantees_ThePageAndTheTestsFit(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "guarantees.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	known := testsOf(t, root)
	wanted := map[string]bool{}
	for _, scenario := range fault.Scenarios() {
		wanted["TestFaults/"+scenario.Name] = true
	}
	for _, kind := range kinds() {
		wanted["TestHistories/"+kind.String()] = true
	}
	named := map[string]bool{}
	for _, match := range regexp.MustCompile("`(Test[^`]+)`").FindAllStringSubmatch(page, -1) {
		name := match[1]
		named[name] = true
		function, part, isPart := strings.Cut(name, "/")
		if !known[function] || isPart && !wanted[name] {
			t.Errorf("the page names %s, which does not exist (%s)", name, part)
		}
	}
	for name := range wanted {
		if !named[name] {
			t.Errorf("the page does not name %s", name)
		}
	}
	for _, m := range mutants() {
		if row := "| " + m.name + " | " + m.finder + " |"; !strings.Contains(page, row) {
			t.Errorf("the page does not have the row %q", row)
		}
	}
	rows := strings.Count(page[strings.Index(page, "| taken out |"):], "\n|") - 1
	if rows != len(mutants()) {
		t.Errorf("the page has %d mutants, the code %d", rows, len(mutants()))
	}
}

// testsOf returns the names of all tests of the repository.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(path, ".") && path != ".":
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		for _, match := range declared.FindAllSubmatch(source, -1) {
			known[string(match[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}
