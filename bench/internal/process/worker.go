package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// A worker is this program started again for one task. It takes one JSON value a line on standard
// input and answers each with one on standard output; the end of its input ends it. So it also ends
// when whoever started it does.

// Worker is a running worker.
type Worker struct {
	process *Process
	input   io.WriteCloser
	output  io.Closer
	answers *json.Decoder
}

// StartWorker starts this program again with arguments. spec says cores and log.
func StartWorker(spec Spec) (*Worker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program: %w", err)
	}
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, inRead.Close(), inWrite.Close())
	}
	spec.Path, spec.Input, spec.Output, spec.End = self, inRead, outWrite, syscall.SIGTERM
	started, err := Start(spec)
	err = errors.Join(err, inRead.Close(), outWrite.Close())
	if err != nil {
		return nil, errors.Join(err, inWrite.Close(), outRead.Close())
	}
	return &Worker{
		process: started, input: inWrite, output: outRead,
		answers: json.NewDecoder(bufio.NewReader(outRead)),
	}, nil
}

// Say sends a value that has no answer of its own.
func (w *Worker) Say(value any) error {
	if err := json.NewEncoder(w.input).Encode(value); err != nil {
		return w.failure(err)
	}
	return nil
}

// Ask sends a value and waits for its answer. When ctx ends first, the worker is of no use any
// more.
func (w *Worker) Ask(ctx context.Context, value, answer any) error {
	if err := w.Say(value); err != nil {
		return err
	}
	return w.Hear(ctx, answer)
}

// Hear waits for an answer. When ctx ends first, the worker is of no use any more.
func (w *Worker) Hear(ctx context.Context, answer any) error {
	heard := make(chan error, 1)
	go func() {
		var reply struct {
			Error string
			Value json.RawMessage
		}
		if err := w.answers.Decode(&reply); err != nil {
			heard <- w.failure(err)
			return
		}
		if reply.Error != "" {
			heard <- errors.New(reply.Error)
			return
		}
		heard <- json.Unmarshal(reply.Value, answer)
	}()
	select {
	case err := <-heard:
		return err
	case <-ctx.Done():
		// Its pipe ends with it, and with the pipe the goroutine above.
		_ = w.process.command.Process.Signal(syscall.SIGKILL)
		return errors.Join(ctx.Err(), <-heard)
	}
}

func (w *Worker) failure(err error) error {
	return fmt.Errorf("worker: %w\n%s", err, w.process.LogTail())
}

// Stop ends the worker.
func (w *Worker) Stop() error {
	if w == nil {
		return nil
	}
	_ = w.input.Close() // its end asks the worker to end
	select {
	case <-w.process.Exited():
	case <-time.After(stopGrace):
	}
	err := w.process.Stop()
	_ = w.output.Close() // the worker is gone
	return err
}

// Answers is where a worker's answers go.
type Answers struct{ encoder *json.Encoder }

// NewAnswers makes answers that go to out.
func NewAnswers(out io.Writer) *Answers { return &Answers{json.NewEncoder(out)} }

// Say sends a value, or that there is none because of err.
func (a *Answers) Say(value any, err error) error {
	reply := struct {
		Error string
		Value any
	}{Value: value}
	if err != nil {
		reply.Error = err.Error()
	}
	if err := a.encoder.Encode(reply); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// Receive is a worker's side: it hands the values of type T that come from in to handle until the
// end of its input or handle's first error.
func Receive[T any](in io.Reader, handle func(T) error) error {
	decoder := json.NewDecoder(bufio.NewReader(in))
	for {
		var value T
		if err := decoder.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what to do: %w", err)
		}
		if err := handle(value); err != nil {
			return err
		}
	}
}
