package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Spec is a program to start.
type Spec struct {
	Path string
	Args []string
	Dir  string // working directory; empty: the present one
	Env  []string
	Log  string // file that takes what the program prints; empty: see Output
	// Output takes the program's standard output where it is not the log's.
	Output io.Writer
	Input  io.Reader
	Cores  []int       // the cores that it may use; none: all
	User   *Credential // nil: the present user
	// End is the signal that asks the program to end; nil: none does.
	End os.Signal
}

// Process is a running program.
type Process struct {
	command *exec.Cmd
	end     os.Signal
	log     string
	exited  chan struct{}
	err     error // after exited
}

// Start starts a program. The caller ends it with Stop; should this process die, the system does.
func Start(spec Spec) (*Process, error) {
	p := &Process{
		command: exec.Command(spec.Path, spec.Args...), //nolint:noctx // Stop ends it
		end:     spec.End, log: spec.Log, exited: make(chan struct{}),
	}
	p.command.Dir, p.command.Env, p.command.Stdin = spec.Dir, spec.Env, spec.Input
	p.command.Stdout = spec.Output
	p.command.SysProcAttr = attributes(spec.User)
	if spec.Log != "" {
		file, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // the program has its own handle
		p.command.Stderr = file
		if p.command.Stdout == nil {
			p.command.Stdout = file
		}
	}
	if err := onCores(spec.Cores, p.command.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// onCores runs start so that a program started by it inherits the cores. The thread that starts it
// gets its own cores back.
func onCores(cores []int, start func() error) error {
	// Also without cores: the system ends a child when the thread that started it does, and Go ends
	// no thread that is unlocked again.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if len(cores) == 0 {
		return start()
	}
	restore, err := pinThread(cores)
	if err != nil {
		return err
	}
	return errors.Join(start(), restore())
}

// PID returns the process id.
func (p *Process) PID() int { return p.command.Process.Pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// LogTail returns the end of the program's log, to say why it failed.
func (p *Process) LogTail() string {
	const most = 2_000 // bytes
	text, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return string(text[max(0, len(text)-most):])
}

// stopGrace is how long a program may take to end by itself.
const stopGrace = 20 * time.Second

// Stop asks the program to end, waits, and kills it when it takes too long.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	if p.end != nil {
		_ = p.command.Process.Signal(p.end) // gone already is as good
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopGrace):
	}
	_ = p.command.Process.Signal(syscall.SIGKILL)
	<-p.exited
	return fmt.Errorf("%s did not end within %v and was killed",
		filepath.Base(p.command.Path), stopGrace)
}
