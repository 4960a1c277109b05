package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// module is what the servers are built from.
const module = "github.com/holdfast-dev/holdfast"

// Change is another text for a part of a file of the module. It is laid over the source by the go
// command, so the tree stays as it is.
type Change struct {
	// File is the path in the module.
	File string
	// Pattern is a regular expression of what is changed; it must match. The first match is.
	Pattern string
	// New takes its place; $1 and so on are parts of the match.
	New string
}

// OtherScripts is a change in the scripts' text that means nothing: a server with it has other
// scripts by name (their SHA-1) that do the same, as after a deploy.
func OtherScripts() Change {
	return Change{
		File: "reservation/redisstore/lua/include/clock.lua", Pattern: `\z`,
		New: "-- The text of another release, which does the same.\n",
	}
}

// apply makes the change in a file's text.
func (c Change) apply(text string) (string, error) {
	pattern, err := regexp.Compile(c.Pattern)
	if err != nil {
		return "", fmt.Errorf("what to change in %s: %w", c.File, err)
	}
	match := pattern.FindStringSubmatchIndex(text)
	if match == nil {
		return "", fmt.Errorf("%s has nothing like %s any more: change what changes it", c.File,
			c.Pattern)
	}
	changed := pattern.ExpandString(nil, c.New, text, match)
	return text[:match[0]] + string(changed) + text[match[1]:], nil
}

// Builder builds servers into a directory.
type Builder struct {
	root string
	dir  string
}

// NewBuilder returns a builder of the module whose root is named; empty: the one that this program
// belongs to, by the go command in the working directory.
func NewBuilder(ctx context.Context, root, dir string) (*Builder, error) {
	if root == "" {
		list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module)
		found, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("find the module %s: %w", module, told(err))
		}
		root = strings.TrimSpace(string(found))
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find the module %s: %w", module, err)
	}
	return &Builder{root: root, dir: dir}, nil
}

// Build builds the server under a name, with changes, and returns the program's path.
func (b *Builder) Build(ctx context.Context, name string, changes ...Change) (string, error) {
	program := filepath.Join(b.dir, name)
	// Nobody debugs these programs, and without the tables for it they are linked in half the time.
	arguments := []string{"build", "-ldflags=-s -w", "-o", program}
	if raceBuild {
		arguments = append(arguments, "-race")
	}
	if len(changes) > 0 {
		overlay, err := b.overlay(name, changes)
		if err != nil {
			return "", err
		}
		arguments = append(arguments, "-overlay", overlay)
	}
	build := exec.CommandContext(ctx, "go", append(arguments, "./cmd/holdfast")...)
	build.Dir = b.root
	if printed, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, bytes.TrimSpace(printed))
	}
	return program, nil
}

// overlay writes the changed files and the list of them that the go command reads.
func (b *Builder) overlay(name string, changes []Change) (string, error) {
	folder := filepath.Join(b.dir, name+".overlay")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", fmt.Errorf("lay a change over the source: %w", err)
	}
	texts, err := b.changed(changes)
	if err != nil {
		return "", err
	}
	list := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range texts {
		instead := filepath.Join(folder, filepath.Base(path))
		if err := os.WriteFile(instead, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("lay a change over the source: %w", err)
		}
		list.Replace[path] = instead
	}
	encoded, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("lay a change over the source: %w", err)
	}
	listed := filepath.Join(folder, "overlay.json")
	return listed, os.WriteFile(listed, encoded, 0o600)
}

// changed returns the texts of the files that changes are for, by path.
func (b *Builder) changed(changes []Change) (map[string]string, error) {
	texts := map[string]string{}
	for _, change := range changes {
		path := filepath.Join(b.root, filepath.FromSlash(change.File))
		text, read := texts[path]
		if !read {
			source, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("lay a change over the source: %w", err)
			}
			text = string(source)
		}
		var err error
		if texts[path], err = change.apply(text); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// Check says whether changes can be made to the source as it is.
func (b *Builder) Check(changes ...Change) error {
	_, err := b.changed(changes)
	return err
}

// told adds to a failed command's error what it printed.
func told(err error) error {
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(failed.Stderr))
	}
	return err
}
