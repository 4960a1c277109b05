package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// callFlags are those of every command that asks a server.
type callFlags struct {
	Address string        `default:"127.0.0.1:50051" env:"HOLDFAST_ADDRESS" placeholder:"HOST:PORT" help:"Where the server listens; default ${default}."`
	Stock   string        `default:"default" placeholder:"ID" help:"The stock; default \"${default}\"."`
	Timeout time.Duration `default:"5s" help:"How long to try while the server is unavailable; default ${default}."`
	Output  string        `short:"o" enum:"table,json" default:"table" help:"table for people, json for scripts (the answer as protobuf's JSON); default ${default}."`
}

// callError is an error of a call and how it is to be told.
type callError struct {
	err     error
	address string
	json    bool
	hint    string // what to do while the server is unavailable
}

func (e *callError) Error() string { return e.err.Error() }

func (e *callError) Unwrap() error { return e.err }

// write tells the error and returns the exit status that it stands for.
func (e *callError) write(w io.Writer) int {
	p := problem.Of(e.err)
	if e.json {
		// Details of a newer server may be unknown here; then a person's form does.
		if err := output.JSON(w, status.Convert(e.err).Proto()); err != nil {
			p.Write(w, e.address)
		}
	} else {
		p.Write(w, e.address)
		if p.IsUnavailable() && e.hint != "" {
			fmt.Fprintln(w, e.hint)
		}
	}
	switch {
	case p.IsUnavailable():
		return exitUnavailable
	case p.Code == codes.InvalidArgument:
		return exitUsage
	}
	return exitRefused
}

// ask runs do with a client, within the timeout.
func (f callFlags) ask(
	s *session, hint string, do func(ctx context.Context, c *client.Client) error,
) error {
	c, err := client.New(f.Address)
	if err != nil {
		return usagef("--address %s: %v", f.Address, err)
	}
	defer func() { _ = c.Close() }() // nothing is under way any more
	ctx, cancel := context.WithTimeout(s.ctx, f.Timeout)
	defer cancel()
	if err := do(ctx, c); err != nil {
		if _, ok := status.FromError(err); !ok {
			return err
		}
		return &callError{err: err, address: f.Address, json: f.isJSON(), hint: hint}
	}
	return nil
}

func (f callFlags) isJSON() bool { return f.Output == "json" }

// show writes an answer as JSON, or as table does.
func (f callFlags) show(s *session, answer proto.Message, table func(io.Writer)) error {
	if f.isJSON() {
		return output.JSON(s.stdout, answer)
	}
	table(s.stdout)
	return nil
}

// lineArgument is SKU=QUANTITY. A SKU may hold =, a quantity may not: the last = divides them.
type lineArgument struct {
	sku      string
	quantity int64
}

// UnmarshalText reads the argument. Whether the SKU and the quantity are allowed says the server.
func (l *lineArgument) UnmarshalText(text []byte) error {
	place := strings.LastIndexByte(string(text), '=')
	if place < 0 {
		return fmt.Errorf("%q is not SKU=QUANTITY", text)
	}
	quantity, err := strconv.ParseInt(string(text[place+1:]), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not SKU=QUANTITY: %q is not a whole number", text, text[place+1:])
	}
	l.sku, l.quantity = string(text[:place]), quantity
	return nil
}

func quantities(lines []lineArgument) []*holdfastv1.LineQuantity {
	list := make([]*holdfastv1.LineQuantity, len(lines))
	for i, line := range lines {
		list[i] = &holdfastv1.LineQuantity{Sku: line.sku, Quantity: line.quantity}
	}
	return list
}

// idOr returns id, or a new one of 130 random bits where it is empty.
func idOr(id string) string {
	if id != "" {
		return id
	}
	return rand.Text()
}

// againAsItIs says that an unavailable call is made again without more ado.
const againAsItIs = "Run it again: whatever became of this try, it is done only once."

// againWith says how an unavailable call is made again.
func againWith(flag, id string) string {
	return fmt.Sprintf(
		"Run it again with %s %s: whatever became of this try, it is done only once.", flag, id)
}

// nameRequest says under which id a request was carried out, so that it can be made again with it.
func nameRequest(w io.Writer, call, id, note string) {
	switch {
	case id == "":
	case note == "":
		fmt.Fprintln(w, call, id)
	default:
		fmt.Fprintf(w, "%s %s (%s)\n", call, id, note)
	}
}
