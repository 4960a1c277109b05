package machine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ProbeDisk measures, for so long, how long a write of 4 KiB and an fdatasync take in a directory.
func ProbeDisk(dir string, most time.Duration) (d Durations, err error) {
	file, err := os.CreateTemp(dir, "fdatasync-")
	if err != nil {
		return d, fmt.Errorf("probe the disk: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	block := make([]byte, 4<<10)
	var took []time.Duration
	for begun := time.Now(); time.Since(begun) < most; {
		before := time.Now()
		if _, err := file.Write(block); err != nil {
			return d, fmt.Errorf("probe the disk: %w", err)
		}
		if err := sync(file); err != nil {
			return d, fmt.Errorf("probe the disk: %w", err)
		}
		took = append(took, time.Since(before))
	}
	slices.Sort(took)
	return Durations{Median: took[len(took)/2], P99: took[len(took)*99/100]}, nil
}

// PgTestFsync asks PostgreSQL's own program, among the programs in a directory, how long an
// fdatasync takes in another; 0 where the program is not there, which some systems package apart.
// It is ended as soon as it has said so.
func PgTestFsync(ctx context.Context, programs, dir string) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	program := filepath.Join(programs, "pg_test_fsync")
	if _, err := os.Stat(program); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	command := exec.CommandContext(ctx, program, "-s", "1",
		"-f", filepath.Join(dir, "pg_test_fsync.out"))
	output, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("pg_test_fsync: %w", err)
	}
	defer func() {
		cancel()
		_ = command.Wait() // it was ended
		_ = os.Remove(filepath.Join(dir, "pg_test_fsync.out"))
	}()
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) == 5 && fields[0] == "fdatasync" {
			var micros float64
			if _, err := fmt.Sscan(fields[3], &micros); err != nil {
				return 0, fmt.Errorf("pg_test_fsync said %q", lines.Text())
			}
			return time.Duration(micros * float64(time.Microsecond)), nil
		}
	}
	return 0, errors.New("pg_test_fsync said nothing of fdatasync")
}
