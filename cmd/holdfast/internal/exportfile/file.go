// Package exportfile is the file that an export is kept in: a line that names the format and the
// stock, then the parts, each with its length before it, then a zero and the SHA-256 of all that
// came before the sum. What was cut off, added or changed is noticed.
package exportfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

const (
	// magic begins the first line; what follows is the version of the format and the stock.
	magic   = "holdfast-export "
	version = "1"
	// maxLine is the longest first line, maxPart the largest part, in bytes: a reservation of 1,000
	// lines with all that is kept of them is below 1 MiB.
	maxLine = 128
	maxPart = 4 << 20
)

// ErrDamaged is a file that is not what was written.
var ErrDamaged = errors.New("the export is damaged")

func damaged(format string, arguments ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, arguments...)...)
}

// Writer writes an export. Close ends it; without it the file is not complete.
type Writer struct {
	w   *bufio.Writer
	sum hash.Hash
}

// NewWriter begins an export of a stock.
func NewWriter(w io.Writer, stock string) (*Writer, error) {
	out := &Writer{w: bufio.NewWriter(w), sum: sha256.New()}
	return out, out.write([]byte(magic + version + " " + stock + "\n"))
}

func (w *Writer) write(p []byte) error {
	w.sum.Write(p) // it never fails
	_, err := w.w.Write(p)
	return err
}

// Write adds a part.
func (w *Writer) Write(part *holdfastv1.ExportPart) error {
	encoded, err := proto.Marshal(part)
	if err != nil {
		return err
	}
	if len(encoded) == 0 || len(encoded) > maxPart {
		return fmt.Errorf("a part has %d bytes, must have 1 to %d", len(encoded), maxPart)
	}
	if err := w.write(binary.AppendUvarint(nil, uint64(len(encoded)))); err != nil {
		return err
	}
	return w.write(encoded)
}

// Close completes the export; what it was written to stays open.
func (w *Writer) Close() error {
	if err := w.write([]byte{0}); err != nil {
		return err
	}
	if _, err := w.w.Write(w.sum.Sum(nil)); err != nil {
		return err
	}
	return w.w.Flush()
}

// Summary is what a whole export says of itself.
type Summary struct {
	Stock string
	Sum   string // SHA-256, hexadecimal: names the export
	Parts int64
}

// Read hands every part to take and returns what the export is, once it has seen that nothing is
// missing, added or changed: what take was handed before means nothing if there is an error. It
// ends early with take's error.
func Read(r io.Reader, take func(*holdfastv1.ExportPart) error) (Summary, error) {
	in := &reader{r: bufio.NewReader(r), sum: sha256.New()}
	stock, err := in.head()
	if err != nil {
		return Summary{}, err
	}
	summary := Summary{Stock: stock}
	for {
		part, err := in.part()
		if err != nil {
			return Summary{}, err
		}
		if part == nil {
			summary.Sum, err = in.end()
			return summary, err
		}
		summary.Parts++
		if err := take(part); err != nil {
			return Summary{}, err
		}
	}
}

type reader struct {
	r   *bufio.Reader
	sum hash.Hash
}

// ReadByte reads a byte that belongs to the sum.
func (r *reader) ReadByte() (byte, error) {
	b, err := r.r.ReadByte()
	if err == nil {
		r.sum.Write([]byte{b})
	}
	return b, err
}

// head reads the first line and returns the stock.
func (r *reader) head() (string, error) {
	var line []byte
	for len(line) < maxLine {
		b, err := r.ReadByte()
		if err != nil {
			return "", cut(err)
		}
		if b == '\n' {
			break
		}
		line = append(line, b)
	}
	rest, isExport := strings.CutPrefix(string(line), magic)
	if !isExport {
		return "", damaged("it does not begin with %q: it is no export", magic)
	}
	of, stock, _ := strings.Cut(rest, " ")
	if of != version {
		return "", fmt.Errorf("the export has format %q, this holdfast reads %q", of, version)
	}
	return stock, nil
}

// part reads the next part; nil behind the last one.
func (r *reader) part() (*holdfastv1.ExportPart, error) {
	size, err := binary.ReadUvarint(r)
	switch {
	case err != nil:
		return nil, cut(err)
	case size == 0:
		return nil, nil //nolint:nilnil // the end is no error
	case size > maxPart:
		return nil, damaged("a part of %d bytes, at most %d are allowed", size, maxPart)
	}
	encoded := make([]byte, size)
	if _, err := io.ReadFull(r.r, encoded); err != nil {
		return nil, cut(err)
	}
	r.sum.Write(encoded)
	part := &holdfastv1.ExportPart{}
	if err := proto.Unmarshal(encoded, part); err != nil {
		return nil, damaged("a part cannot be read: %v", err)
	}
	return part, nil
}

// end reads the sum, behind which there must be nothing.
func (r *reader) end() (string, error) {
	want := r.sum.Sum(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r.r, got); err != nil {
		return "", cut(err)
	}
	if !bytes.Equal(want, got) {
		return "", damaged("its checksum is not that of what it holds")
	}
	if _, err := r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return "", damaged("something follows on its end")
	}
	return hex.EncodeToString(want), nil
}

// cut says of the end of the input that it came too early.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("it ends early")
	}
	if errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("read the export: %w", err)
}
