package rig

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
)

// announced finds the address in the first line that a server prints.
var announced = regexp.MustCompile(`serves gRPC on (127\.0\.0\.1:\d+)`)

// Server is a Holdfast server in a process of its own.
type Server struct {
	// Address is where it serves; it stays the same over restarts.
	Address string

	program    string
	redisURL   string
	durability string
	log        *os.File
	process    *exec.Cmd
	exited     chan struct{}
}

// StartServer starts a program that Build made. Its log goes to a file in dir.
func StartServer(
	ctx context.Context, program, dir, name, redisURL, durability string,
) (*Server, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	s := &Server{
		Address: "127.0.0.1:0", program: program, redisURL: redisURL, durability: durability,
		log: log,
	}
	return s, s.Start(ctx)
}

// Use has the next Start start another program.
func (s *Server) Use(program string) { s.program = program }

// Start starts the server, again at the same address after Stop or Kill, and waits until it serves.
func (s *Server) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	process := exec.Command(s.program, "serve", //nolint:noctx // it outlives the context
		"--listen", s.Address, "--operations-listen=", "--redis", s.redisURL,
		"--durability", s.durability, "--slow-call", "0s")
	process.Env = withoutSettings(os.Environ())
	process.Stderr = s.log
	printed, err := process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start a server: %w", err)
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("start a server: %w", err)
	}
	lines := make(chan string, 1)
	s.process, s.exited = process, make(chan struct{})
	go follow(s.process, printed, lines, s.exited)
	select {
	case line := <-lines:
		found := announced.FindStringSubmatch(line)
		if found == nil {
			s.Kill()
			return fmt.Errorf("the server did not start: %q\n%s", line, s.Log())
		}
		s.Address = found[1]
		return nil
	case <-ctx.Done():
		s.Kill()
		return fmt.Errorf("the server did not start within %v\n%s", startTimeout, s.Log())
	}
}

// follow hands on the first line that a process prints, or nothing, and closes exited when it is
// gone.
func follow(process *exec.Cmd, printed io.Reader, lines chan<- string, exited chan<- struct{}) {
	reader := bufio.NewReader(printed)
	line, _ := reader.ReadString('\n')
	lines <- line
	_, _ = io.Copy(io.Discard, reader) // it says nothing more that matters here
	_ = process.Wait()                 // Kill and Stop know why it ended
	close(exited)
}

// withoutSettings leaves out what would configure the server.
func withoutSettings(environment []string) []string {
	var kept []string
	for _, entry := range environment {
		if !strings.HasPrefix(entry, "HOLDFAST_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // gone already is as good
	<-s.exited
}

// Stop ends the server as a deploy does: calls under way are answered.
func (s *Server) Stop() error {
	_ = s.process.Process.Signal(os.Interrupt) // gone already is as good
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopTimeout):
		s.Kill()
		return fmt.Errorf("a server did not stop within %v", stopTimeout)
	}
}

// Log returns what the server wrote to its log.
func (s *Server) Log() []byte {
	text, _ := os.ReadFile(s.log.Name()) // no log is an empty one
	return text
}

// Alarms returns the lines of the log that no fault outside of the server explains.
func (s *Server) Alarms() []string {
	var found []string
	for line := range bytes.Lines(s.Log()) {
		text := strings.TrimSpace(string(line))
		for _, alarm := range []string{
			"DATA RACE", "panic", "a script failed", "script answer cannot be read",
		} {
			if strings.Contains(text, alarm) {
				found = append(found, text)
				break
			}
		}
	}
	return found
}

// Losses returns the lines of the log that tell of a stock that lost what was acknowledged.
func (s *Server) Losses() []string {
	var found []string
	for line := range bytes.Lines(s.Log()) {
		if text := strings.TrimSpace(string(line)); strings.Contains(text, "writes of a stock are lost") {
			found = append(found, text)
		}
	}
	return found
}

// Close stops the server if it runs.
func (s *Server) Close() error {
	return errors.Join(s.Stop(), s.log.Close())
}
