package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/exportfile"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/progress"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// serverFlags are those of commands that send or receive a whole stock.
type serverFlags struct {
	Address string        `default:"127.0.0.1:50051" env:"HOLDFAST_ADDRESS" placeholder:"HOST:PORT" help:"Where the server listens; default ${default}."`
	Timeout time.Duration `default:"5s" help:"How long to try while the server is unavailable; default ${default}."`
}

type exportCommand struct {
	serverFlags

	Stock string `arg:"" optional:"" default:"default" help:"The stock; default \"${default}\"."`
}

// Help is shown by holdfast export --help.
func (c *exportCommand) Help() string {
	return `Writes all of a stock as of one moment to standard output, while it sells: holdfast export
shop-1 > shop-1.export. The file ends with a checksum; one that was cut off is refused by holdfast
restore. What happens after its moment is in the journal: holdfast watch --after, with the position
that is told at the end.`
}

// Run exports the stock.
func (c *exportCommand) Run(s *session) error {
	if file, isFile := s.stdout.(*os.File); isFile && term.IsTerminal(int(file.Fd())) {
		return usagef("export writes a file: send standard output to one, as in holdfast export > FILE")
	}
	server, err := client.New(c.Address)
	if err != nil {
		return usagef("--address %s: %v", c.Address, err)
	}
	defer func() { _ = server.Close() }() // nothing is under way any more
	file, err := exportfile.NewWriter(s.stdout, c.Stock)
	if err != nil {
		return err
	}
	e := exporting{file: file, shown: progress.New(s.stderr, s.terminal, "exporting")}
	request := &holdfastv1.ExportRequest{StockId: c.Stock}
	err = client.Stream(s.ctx, c.Timeout, server.Audit.Export, request, e.take)
	e.shown.End()
	if _, isStatus := status.FromError(err); err != nil && isStatus {
		return &callError{err: err, address: c.Address, hint: "The file is not complete: run it again."}
	}
	if err == nil && e.end == nil {
		err = errors.New("the server ended the export early")
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return fmt.Errorf("the file is not complete: %w", err)
	}
	fmt.Fprintf(s.stderr, "stock %s as of %s: %s, %s and %s\n", c.Stock,
		position(e.end.GetPosition()), output.Count(e.end.GetItems(), "SKU"),
		output.Count(e.end.GetReservations(), "reservation"),
		output.Count(e.end.GetRequests(), "request id"))
	return nil
}

// exporting is an export under way.
type exporting struct {
	file  *exportfile.Writer
	shown progress.Progress
	end   *holdfastv1.ExportEnd
}

func (e *exporting) take(answer *holdfastv1.ExportResponse) error {
	for _, part := range answer.GetParts() {
		if part.GetEnd() != nil {
			e.end = part.GetEnd()
		}
		if err := e.file.Write(part); err != nil {
			return err
		}
	}
	if p := answer.GetProgress(); p != nil {
		e.shown.Set(p.GetWalked(), p.GetTotal())
	}
	return nil
}

// rewindable returns an input that can be read more than once: the input itself where it is a file,
// else a copy in a file that done removes.
func rewindable(in io.Reader) (again io.ReadSeeker, done func(), err error) {
	if seeker, can := in.(io.ReadSeeker); can {
		if _, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			return seeker, func() {}, nil
		}
	}
	spool, err := os.CreateTemp("", "holdfast-restore-")
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = errors.Join(spool.Close(), os.Remove(spool.Name())) }
	if _, err := io.Copy(spool, in); err != nil {
		done()
		return nil, nil, fmt.Errorf("keep a copy of the export: %w", err)
	}
	return spool, done, nil
}
