package load

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/holdfast-dev/holdfast/bench/internal/process"
	"github.com/holdfast-dev/holdfast/server"
)

// Serve is a load generator's process: it reads jobs from in and answers results on out. A job that
// says Stop ends the one under way and has no answer of its own.
func Serve(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	server.CollectSeldom() // the load's own collections are not what is measured
	generator := NewGenerator()
	defer func() { err = errors.Join(err, generator.Close()) }()
	jobs := make(chan Job)
	running := &stopper{}
	reading := make(chan error, 1)
	go func() {
		defer close(jobs)
		reading <- process.Receive(in, func(job Job) error {
			if job.Stop {
				running.stop()
			} else {
				jobs <- job
			}
			return nil
		})
	}()
	answers := process.NewAnswers(out)
	for job := range jobs {
		jobCtx := running.start(ctx)
		result, err := generator.Run(jobCtx, job)
		running.stop()
		if err := answers.Say(result, err); err != nil {
			return err
		}
	}
	return <-reading
}

// stopper ends the job under way, if there is one.
type stopper struct {
	mu     sync.Mutex
	cancel context.CancelFunc
}

func (s *stopper) start(ctx context.Context) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, s.cancel = context.WithCancel(ctx)
	return ctx
}

func (s *stopper) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
}
