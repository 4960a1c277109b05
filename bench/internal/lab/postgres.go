package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-dev/holdfast/bench/internal/process"
)

// PostgresPrograms is the environment variable that names the directory of initdb and postgres.
const PostgresPrograms = "HOLDFAST_BENCH_POSTGRES"

// FindPostgres returns the directory of PostgreSQL's programs: what [PostgresPrograms] names, that
// of the initdb in PATH, or the newest where Debian puts them.
func FindPostgres() (string, error) {
	if named := os.Getenv(PostgresPrograms); named != "" {
		return named, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		// A link to it says nothing of the programs beside it.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", fmt.Errorf("find PostgreSQL: %w", err)
		}
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("no PostgreSQL is installed: run .ci/deps bench")
	}
	version := func(path string) int {
		number, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0: last
		return number
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	return filepath.Dir(found[0]), nil
}

// Postgres is a running PostgreSQL of a lab.
type Postgres struct {
	port    int
	process *process.Process
}

// settings of a PostgreSQL that keeps what it acknowledges, with room to work: no checkpoint falls
// into a run, as no rewrite of its file does in Redis, and nothing is written for replicas, of
// which there are none.
func settings() []string {
	return []string{
		"fsync=on", "synchronous_commit=on", "full_page_writes=on",
		"shared_buffers=1GB", "max_wal_size=16GB", "min_wal_size=2GB", "wal_buffers=64MB",
		"checkpoint_timeout=30min", "wal_level=minimal", "max_wal_senders=0",
		"max_connections=100", "jit=off", "listen_addresses=127.0.0.1", "unix_socket_directories=",
	}
}

// Postgres returns the lab's PostgreSQL and starts it if need be. It is stopped with the scope that
// asked for it first.
func (l *Lab) Postgres(ctx context.Context) (*Postgres, error) {
	if l.shared.postgres != nil {
		return l.shared.postgres, nil
	}
	programs, err := FindPostgres()
	if err != nil {
		return nil, err
	}
	// PostgreSQL refuses to run as root.
	var user *process.Credential
	if os.Geteuid() == 0 {
		if user, err = process.Unprivileged("postgres", "nobody"); err != nil {
			return nil, err
		}
	}
	dir, err := l.place("postgres")
	if err != nil {
		return nil, err
	}
	if user != nil {
		if err := os.Chown(dir, int(user.UID), int(user.GID)); err != nil {
			return nil, fmt.Errorf("give PostgreSQL its directory: %w", err)
		}
	}
	data, log := filepath.Join(dir, "data"), filepath.Join(l.dir, filepath.Base(dir)+".log")
	if err := initialise(ctx, programs, data, log, user); err != nil {
		return nil, err
	}
	p := &Postgres{}
	if p.port, err = process.FreePort(ctx); err != nil {
		return nil, err
	}
	args := []string{"-D", data, "-p", strconv.Itoa(p.port)}
	for _, setting := range settings() {
		args = append(args, "-c", setting)
	}
	p.process, err = process.Start(process.Spec{
		Path: filepath.Join(programs, "postgres"), Args: args, Dir: dir, Log: log, User: user,
		End: syscall.SIGINT, // a fast shutdown
	})
	if err != nil {
		return nil, err
	}
	l.shared.postgres = p
	l.onClose(func() error {
		l.shared.postgres = nil
		return p.process.Stop()
	})
	return p, await(ctx, p.process, p.ping)
}

// initialise makes an empty cluster.
func initialise(
	ctx context.Context, programs, data, log string, user *process.Credential,
) error {
	started, err := process.Start(process.Spec{
		Path: filepath.Join(programs, "initdb"), Log: log, User: user, End: syscall.SIGTERM,
		Dir: filepath.Dir(data),
		Args: []string{
			"-D", data, "-U", "bench", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C",
		},
	})
	if err != nil {
		return err
	}
	select {
	case <-started.Exited():
	case <-ctx.Done():
		return errors.Join(ctx.Err(), started.Stop())
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err != nil && os.IsNotExist(err) {
		return fmt.Errorf("initdb made no cluster:\n%s", started.LogTail())
	}
	return nil
}

func (p *Postgres) url(database string) string {
	return fmt.Sprintf("postgres://bench@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *Postgres) ping(ctx context.Context) error { return p.run(ctx, "SELECT 1") }

// run runs a statement in the maintenance database.
func (p *Postgres) run(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, p.url("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is under way
	_, err = conn.Exec(ctx, statement)
	return err
}

// Database makes an empty database and returns its URL.
func (p *Postgres) Database(ctx context.Context, name string) (string, error) {
	quoted := pgx.Identifier{name}.Sanitize()
	if err := p.run(ctx, "CREATE DATABASE "+quoted); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return p.url(name), nil
}

// Version returns the server's name and version.
func (p *Postgres) Version(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, p.url("postgres"))
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is under way
	var version string
	if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return "", err
	}
	return "PostgreSQL " + version, nil
}
