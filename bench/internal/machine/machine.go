// Package machine says what a measurement was made on.
package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Facts are what a measurement was made on.
type Facts struct {
	Processor, System, Go string
	Cores                 int
	MemoryBytes           int64
	// Load is the system's load average of a minute before the run: others that work here too.
	Load     string
	Redis    string
	Postgres string `json:",omitempty"`
	// Fdatasync is how long a write of 4 KiB and an fdatasync take where the stores' data lies.
	Fdatasync Durations
	// PgTestFsync is what pg_test_fsync says of fdatasync there, one 8 KiB write each.
	PgTestFsync time.Duration `json:",omitempty"`
}

// Durations are the median and the 99th percentile of several.
type Durations struct{ Median, P99 time.Duration }

// Look returns what the system tells of itself.
func Look(ctx context.Context) Facts {
	facts := Facts{
		Processor: runtime.GOARCH, System: runtime.GOOS, Go: runtime.Version(),
		Cores: runtime.NumCPU(),
	}
	if name := lineOf("/proc/cpuinfo", "model name"); name != "" {
		facts.Processor = name
	}
	var kilobytes int64
	if _, err := fmt.Sscanf(lineOf("/proc/meminfo", "MemTotal"), "%d kB", &kilobytes); err == nil {
		facts.MemoryBytes = kilobytes << 10
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		facts.Load, _, _ = strings.Cut(string(text), " ")
	}
	if text, err := exec.CommandContext(ctx, "uname", "-sr").Output(); err == nil {
		facts.System = strings.TrimSpace(string(text))
	}
	return facts
}

// lineOf returns what stands behind "name:" in a file; empty where nothing does.
func lineOf(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if before, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(before) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Commit returns the commit that the working tree is at; "+" behind it says that there are changes
// that no commit has.
func Commit(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=10", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	commit := strings.TrimSpace(string(text))
	changes, err := exec.CommandContext(ctx, "git", "status", "--porcelain",
		"--untracked-files=no").Output()
	if err != nil || len(changes) > 0 {
		commit += "+"
	}
	return commit
}
