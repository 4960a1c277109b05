// Package redistest starts a real Redis or Valkey for a test or a measurement, on a free port of
// the loopback, and stops it.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Binary is the environment variable that names the server to start.
const Binary = "HOLDFAST_TEST_REDIS_SERVER"

const startTimeout = 20 * time.Second

// Server is a running server. Its data lies in a directory of its own.
type Server struct {
	Address string
	dir     string
	args    []string
	process *exec.Cmd
	exited  chan struct{}
}

// Find returns the server program: what [Binary] names, or redis-server or valkey-server.
func Find() (string, error) {
	if named := os.Getenv(Binary); named != "" {
		return named, nil
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no redis-server or valkey-server is installed: run make deps")
}

// Start starts a server that keeps every acknowledged change (appendfsync always), with its data in
// dir. Further arguments are options of redis-server; they win over the defaults.
func Start(ctx context.Context, dir string, args ...string) (*Server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	return startAt(ctx, dir, port, args...)
}

// startAt starts a server on a certain port.
func startAt(ctx context.Context, dir string, port int, args ...string) (*Server, error) {
	s := &Server{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir}
	s.args = append([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--logfile", filepath.Join(dir, "log"),
	}, args...)
	return s, s.Restart(ctx)
}

// URL returns where the server is.
func (s *Server) URL() string { return "redis://" + s.Address }

// Restart starts the server again on the same port with the same data, after Stop or Kill.
func (s *Server) Restart(ctx context.Context) error {
	program, err := Find()
	if err != nil {
		return err
	}
	s.process = exec.Command(program, s.args...) //nolint:noctx // it outlives the context
	if err := s.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	exited := make(chan struct{})
	s.exited = exited
	go func(process *exec.Cmd) {
		_ = process.Wait() // it is told apart by Stop and Kill, not by its status
		close(exited)
	}(s.process)
	return s.awaitReady(ctx)
}

// awaitReady waits until the server answers and has loaded its data.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := s.Client()
	defer func() { _ = client.Close() }()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		var refused redis.Error
		if err := client.Ping(ctx).Err(); err == nil ||
			errors.As(err, &refused) && !strings.HasPrefix(err.Error(), "LOADING") {
			return nil // one that wants a password answers too
		}
		select {
		case <-ticker.C:
		case <-s.exited:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the server ended at once:\n%s", log)
		case <-ctx.Done():
			s.Kill()
			return fmt.Errorf("the server did not come up within %v", startTimeout)
		}
	}
}

// PID returns the process id.
func (s *Server) PID() int { return s.process.Process.Pid }

// hasExited says whether the server's process has ended.
func (s *Server) hasExited() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

// Client returns a plain client of the server, for looking and for faults.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Address, MaxRetries: -1, DisableIdentity: true})
}

// patient returns a client that waits as long as a busy machine may need.
func (s *Server) patient() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: s.Address, MaxRetries: -1, DisableIdentity: true, DialTimeout: startTimeout,
		ReadTimeout: startTimeout, WriteTimeout: startTimeout,
	})
}

// Stop ends the server in an orderly way. One that writes its first append-only file, as a replica
// does that has just come in step, does not end then, and is asked again.
func (s *Server) Stop() {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	patience := time.NewTimer(startTimeout)
	defer patience.Stop()
	for {
		_ = s.process.Process.Signal(os.Interrupt) // gone already is as good
		select {
		case <-s.exited:
			return
		case <-patience.C:
			s.Kill()
			return
		case <-again.C:
		}
	}
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // gone already is as good
	<-s.exited
}

// Hang stops the server's process without ending it: connections stand, nothing answers. It must
// Continue before Stop.
func (s *Server) Hang() error { return s.process.Process.Signal(syscall.SIGSTOP) }

// Continue ends Hang.
func (s *Server) Continue() error { return s.process.Process.Signal(syscall.SIGCONT) }

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = listener.Close() }()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("listener has the address %v", listener.Addr())
	}
	return address.Port, nil
}
