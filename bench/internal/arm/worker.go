package arm

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/process"
	"github.com/holdfast-dev/holdfast/server"
)

// Ask is what a server's process is asked: to open an arm, or how it does.
type Ask struct {
	Open *Config
	// Collect asks for the heap after a collection.
	Collect bool
}

// Told is what it answers.
type Told struct {
	Address string
	CPU     time.Duration // processor time that the process has used
	Heap    uint64        // bytes that Go's heap holds after a collection, where it was asked for
}

// Work is a server's process: it opens the arm that it is told to and answers on out until in ends.
func Work(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	server.CollectSeldom()
	answers := process.NewAnswers(out)
	var served *Served
	defer func() {
		if served != nil {
			err = errors.Join(err, served.Close(ctx))
		}
	}()
	return process.Receive(in, func(ask Ask) error {
		var failed error
		if ask.Open != nil && served == nil {
			served, failed = Serve(ctx, *ask.Open)
		}
		if served == nil {
			return answers.Say(nil, errors.Join(failed, errors.New("no arm is open")))
		}
		cpu, err := process.CPU()
		told := Told{Address: served.Address, CPU: cpu}
		if ask.Collect {
			var stats runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&stats)
			told.Heap = stats.HeapAlloc
		}
		return answers.Say(told, err)
	})
}
