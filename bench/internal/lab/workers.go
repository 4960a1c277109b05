package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
	"github.com/holdfast-dev/holdfast/bench/internal/process"
)

// The arguments by which this program becomes a worker.
const (
	ServeWorker = "serve"
	LoadWorker  = "load"
)

// Server is a running server of an arm.
type Server struct {
	Address string
	Conn    *grpc.ClientConn // for what is not measured
	worker  *process.Worker
}

// Serve starts the server of an arm, held to cores; none: all.
func (l *Lab) Serve(ctx context.Context, config arm.Config, cores []int) (*Server, error) {
	worker, err := l.work(ServeWorker, cores)
	if err != nil {
		return nil, err
	}
	s := &Server{worker: worker}
	told, err := s.ask(ctx, arm.Ask{Open: &config})
	if err != nil {
		return nil, err
	}
	s.Address = told.Address
	s.Conn, err = grpc.NewClient(s.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("connect to arm %s: %w", config.Arm, err)
	}
	l.onClose(s.Conn.Close)
	return s, nil
}

func (l *Lab) work(kind string, cores []int) (*process.Worker, error) {
	worker, err := process.StartWorker(process.Spec{
		Args: []string{kind}, Cores: cores, Log: filepath.Join(l.dir, l.name(kind)+".log"),
	})
	if err != nil {
		return nil, err
	}
	l.onClose(worker.Stop)
	return worker, nil
}

func (s *Server) ask(ctx context.Context, ask arm.Ask) (arm.Told, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var told arm.Told
	err := s.worker.Ask(ctx, ask, &told)
	return told, err
}

// CPU returns the processor time that the server has used.
func (s *Server) CPU(ctx context.Context) (time.Duration, error) {
	told, err := s.ask(ctx, arm.Ask{})
	return told.CPU, err
}

// Heap returns the bytes that the server's heap holds after a collection.
func (s *Server) Heap(ctx context.Context) (uint64, error) {
	told, err := s.ask(ctx, arm.Ask{Collect: true})
	return told.Heap, err
}

// Loader is a running load generator.
type Loader struct{ worker *process.Worker }

// Loader starts a load generator, held to cores; none: all.
func (l *Lab) Loader(cores []int) (*Loader, error) {
	worker, err := l.work(LoadWorker, cores)
	if err != nil {
		return nil, err
	}
	return &Loader{worker}, nil
}

// jobGrace is how much longer than its calls are begun a job may take.
const jobGrace = 90 * time.Second

// Start begins a job.
func (l *Loader) Start(job load.Job) error { return l.worker.Say(job) }

// Stop ends the job under way early; its result is still to be had.
func (l *Loader) Stop() error { return l.worker.Say(load.Job{Stop: true}) }

// Finish waits for the result of the job under way, most for so long.
func (l *Loader) Finish(ctx context.Context, most time.Duration) (*load.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, most+jobGrace)
	defer cancel()
	var result load.Result
	if err := l.worker.Hear(ctx, &result); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if result.Failed > 0 {
		return nil, fmt.Errorf("load: %d calls failed, the first with: %s", result.Failed,
			result.Failure)
	}
	if result.Answered() == 0 {
		return nil, errors.New("load: no call was answered")
	}
	return &result, nil
}

// Run runs a job.
func (l *Loader) Run(ctx context.Context, job load.Job) (*load.Result, error) {
	if err := l.Start(job); err != nil {
		return nil, err
	}
	return l.Finish(ctx, job.For)
}
