package main

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/exportfile"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/progress"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

const (
	// restoreParts and restoreBytes bound one request.
	restoreParts = 200
	restoreBytes = 512 << 10
)

type restoreCommand struct {
	serverFlags

	Stock string `arg:"" optional:"" help:"The stock to build, which must be empty; default: the one that was exported."`
}

// Help is shown by holdfast restore --help.
func (c *restoreCommand) Help() string {
	return `Builds a stock from what holdfast export wrote, read from standard input: holdfast
restore < shop-1.export. The file is read to its end first; one that is damaged is refused before
anything is written. Until the stock is built nobody can write to it. When it fails on the way, run
it again with the same file: it goes on. Afterwards holdfast audit says whether the stock is sound.`
}

// Run restores the stock.
func (c *restoreCommand) Run(s *session) error {
	file, done, err := rewindable(s.stdin)
	if err != nil {
		return err
	}
	defer done()
	summary, err := readFrom(file, func(*holdfastv1.ExportPart) error { return nil })
	if err != nil {
		return fmt.Errorf("%w; nothing was written", err)
	}
	server, err := client.New(c.Address)
	if err != nil {
		return usagef("--address %s: %v", c.Address, err)
	}
	defer func() { _ = server.Close() }() // nothing is under way any more
	if c.Stock == "" {
		c.Stock = summary.Stock
	}
	r := restoring{file: file, summary: summary, stock: c.Stock}
	r.shown = progress.New(s.stderr, s.terminal, "restoring")
	answer, err := client.Again(s.ctx, c.Timeout, func() (*holdfastv1.RestoreResponse, error) {
		stream, err := server.Audit.Restore(s.ctx)
		if err != nil {
			return nil, err
		}
		return r.send(stream)
	})
	r.shown.End()
	if err != nil {
		if _, isStatus := status.FromError(err); isStatus {
			return &callError{
				err: err, address: c.Address,
				hint: "Run it again with the same file: it goes on where it was.",
			}
		}
		return err
	}
	fmt.Fprintf(s.stdout, "stock %s is built as of %s: %s, %s and %s\n", c.Stock,
		position(answer.GetPosition()), output.Count(answer.GetItems(), "SKU"),
		output.Count(answer.GetReservations(), "reservation"),
		output.Count(answer.GetRequests(), "request id"))
	return nil
}

// readFrom reads an export from its beginning.
func readFrom(
	file io.ReadSeeker, take func(*holdfastv1.ExportPart) error,
) (exportfile.Summary, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return exportfile.Summary{}, err
	}
	return exportfile.Read(file, take)
}

type restoreStream = grpc.ClientStreamingClient[
	holdfastv1.RestoreRequest, holdfastv1.RestoreResponse,
]

// restoring is a restore under way.
type restoring struct {
	file    io.ReadSeeker
	summary exportfile.Summary
	stock   string
	shown   progress.Progress

	stream restoreStream
	parts  []*holdfastv1.ExportPart
	size   int
	sent   int64
	end    *holdfastv1.ExportPart
}

// errFileChanged ends a restore whose file is another than it was when it was checked.
var errFileChanged = errors.New("the file changed while it was read")

// send sends the whole export, the amendments first, and the end once it was seen again that
// nothing of the file changed.
func (r *restoring) send(stream restoreStream) (*holdfastv1.RestoreResponse, error) {
	r.stream, r.parts, r.size, r.sent, r.end = stream, nil, 0, 0, nil
	first := &holdfastv1.RestoreRequest{StockId: r.stock, ExportId: r.summary.Sum}
	if err := stream.Send(first); err != nil {
		return r.closed(err)
	}
	for _, amendments := range []bool{true, false} {
		summary, err := readFrom(r.file, func(part *holdfastv1.ExportPart) error {
			if isAmendment(part) != amendments {
				return nil
			}
			return r.add(part)
		})
		if err != nil {
			return r.closed(err)
		}
		if summary.Sum != r.summary.Sum {
			return nil, errFileChanged
		}
	}
	if r.end != nil {
		r.parts = append(r.parts, r.end)
	}
	if err := r.flush(); err != nil {
		return r.closed(err)
	}
	return stream.CloseAndRecv()
}

func isAmendment(part *holdfastv1.ExportPart) bool {
	return part.GetItemAmendment() != nil || part.GetReservationAmendment() != nil
}

// closed returns why the server closed the stream, where it did: sending tells only that.
func (r *restoring) closed(err error) (*holdfastv1.RestoreResponse, error) {
	if errors.Is(err, io.EOF) {
		return r.stream.CloseAndRecv()
	}
	return nil, err
}

func (r *restoring) add(part *holdfastv1.ExportPart) error {
	if part.GetEnd() != nil {
		r.end = part
		return nil
	}
	size := proto.Size(part)
	if len(r.parts) > 0 && (len(r.parts) >= restoreParts || r.size+size > restoreBytes) {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.parts = append(r.parts, part)
	r.size += size
	return nil
}

func (r *restoring) flush() error {
	r.sent += int64(len(r.parts))
	r.shown.Set(r.sent, r.summary.Parts)
	request := &holdfastv1.RestoreRequest{Parts: r.parts}
	r.parts, r.size = nil, 0
	return r.stream.Send(request)
}
