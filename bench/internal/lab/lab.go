package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Lab starts things and stops them in the end. A bar works in a lab of its own, see Scope.
type Lab struct {
	dir     string
	closing []func() error
	shared  *shared
}

// shared is what all scopes of a lab have in common.
type shared struct {
	count    int  // of things that were started, for names
	keep     bool // directories are not removed
	postgres *Postgres
}

// Open makes a lab whose data lies in a new directory under parent; with keep it stays there.
func Open(parent string, keep bool) (*Lab, error) {
	dir, err := os.MkdirTemp(parent, "holdfast-bench-")
	if err != nil {
		return nil, fmt.Errorf("directory for the data: %w", err)
	}
	l := &Lab{dir: dir, shared: &shared{keep: keep}}
	l.onClose(func() error { return l.remove(dir) })
	// PostgreSQL runs as another user, who must be able to pass.
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // pass, not read
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Dir is where the data lies.
func (l *Lab) Dir() string { return l.dir }

// Scope returns a lab whose Close stops only what it started itself.
func (l *Lab) Scope() *Lab { return &Lab{dir: l.dir, shared: l.shared} }

// Close stops everything, last started first.
func (l *Lab) Close() error {
	var errs []error
	for _, closing := range slices.Backward(l.closing) {
		errs = append(errs, closing())
	}
	l.closing = nil
	return errors.Join(errs...)
}

func (l *Lab) onClose(closing func() error) { l.closing = append(l.closing, closing) }

// name returns a new name.
func (l *Lab) name(kind string) string {
	l.shared.count++
	return kind + "-" + strconv.Itoa(l.shared.count)
}

// place makes a directory for a thing of a kind, which is removed in the end.
func (l *Lab) place(kind string) (string, error) {
	dir := filepath.Join(l.dir, l.name(kind))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("directory for the data: %w", err)
	}
	l.onClose(func() error { return l.remove(dir) })
	return dir, nil
}

func (l *Lab) remove(dir string) error {
	if l.shared.keep {
		return nil
	}
	return os.RemoveAll(dir)
}

// Versions returns the names and versions of the Redis and the PostgreSQL that are used here.
func (l *Lab) Versions(ctx context.Context) (redis, postgres string, err error) {
	scope := l.Scope()
	defer func() { err = errors.Join(err, scope.Close()) }()
	started, err := scope.Redis(ctx, RedisOptions{})
	if err != nil {
		return "", "", err
	}
	if redis, err = started.Version(ctx); err != nil {
		return "", "", err
	}
	database, err := scope.Postgres(ctx)
	if err != nil {
		return "", "", err
	}
	postgres, err = database.Version(ctx)
	return redis, postgres, err
}
