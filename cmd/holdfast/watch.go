package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/problem"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

type watchCommand struct {
	callFlags

	After     *positionArgument `placeholder:"EPOCH:SEQUENCE" xor:"from" help:"Begin after this position, as a watch says it at its end. Without it and --from-start: from now on."`
	FromStart bool              `xor:"from" help:"Begin with the stock's first event; only while its journal was never trimmed."`
	Type      []string          `placeholder:"TYPE" help:"Only events of these types, divided by commas, such as reserved,backorder_filled."`
	SKU       []string          `name:"sku" sep:"none" placeholder:"SKU" help:"Only events that name this SKU; several, each with a flag of its own."`
}

// Help is shown by holdfast watch --help.
func (c *watchCommand) Help() string {
	return `Each event is a line: time, sequence, type, reservation, and what happened. With
--output json each line is an answer of the server: events, and the position to go on from.

When the server goes away the watch waits for it and goes on where it was; --timeout says how long
to try at the beginning. Ctrl-C ends it with exit status 0 and says how to go on from there. It ends
with exit status 1 when the journal does not have, or never had, what came after the position.`
}

// positionArgument is EPOCH:SEQUENCE.
type positionArgument struct{ epoch, sequence int64 }

// UnmarshalText reads the argument.
func (p *positionArgument) UnmarshalText(text []byte) error {
	epoch, sequence, _ := strings.Cut(string(text), ":")
	var errEpoch, errSequence error
	p.epoch, errEpoch = strconv.ParseInt(epoch, 10, 64)
	p.sequence, errSequence = strconv.ParseInt(sequence, 10, 64)
	if errEpoch != nil || errSequence != nil {
		return fmt.Errorf("%q is not EPOCH:SEQUENCE, such as 1:42", text)
	}
	return nil
}

func (c *watchCommand) request() (*holdfastv1.WatchRequest, error) {
	request := &holdfastv1.WatchRequest{StockId: c.Stock, Skus: c.SKU}
	switch {
	case c.After != nil:
		request.After = &holdfastv1.Position{
			Epoch: c.After.epoch, Sequence: c.After.sequence,
		}
	case c.FromStart:
		request.After = &holdfastv1.Position{}
	}
	for _, name := range c.Type {
		constant := "EVENT_TYPE_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value := holdfastv1.EventType(holdfastv1.EventType_value[constant])
		if value == holdfastv1.EventType_EVENT_TYPE_UNSPECIFIED {
			return nil, usagef("--type %s: there is no such event", name)
		}
		request.Types = append(request.Types, value)
	}
	return request, nil
}

// Run watches until the session's context ends.
func (c *watchCommand) Run(s *session) error {
	request, err := c.request()
	if err != nil {
		return err
	}
	server, err := client.New(c.Address)
	if err != nil {
		return usagef("--address %s: %v", c.Address, err)
	}
	defer func() { _ = server.Close() }() // nothing is under way any more
	w := watching{session: s, command: c}
	err = server.Watch(s.ctx, request, client.WatchOptions{
		Patience: c.Timeout, Away: w.away, Back: w.back,
	}, w.take)
	if err == nil {
		w.sayEnd()
		return nil
	}
	return w.end(err)
}

// watching is a watch under way.
type watching struct {
	session *session
	command *watchCommand
	at      *holdfastv1.Position // nil: it has not begun
}

// take prints an answer. The first one has no events and says where the watch begins.
func (w *watching) take(answer *holdfastv1.WatchResponse) error {
	if w.at == nil {
		w.sayf("watching stock %s after %s", w.command.Stock, position(answer.GetPosition()))
	}
	w.at = answer.GetPosition()
	if w.command.isJSON() {
		line, err := output.CompactJSON(answer)
		if err != nil {
			return err
		}
		_, err = w.session.stdout.Write(append(line, '\n'))
		return err
	}
	for _, event := range answer.GetEvents() {
		if _, err := io.WriteString(w.session.stdout, output.Event(event)); err != nil {
			return err
		}
	}
	return nil
}

// sayf says something about the watch itself, apart from the events.
func (w *watching) sayf(format string, arguments ...any) {
	fmt.Fprintf(w.session.stderr, format+"\n", arguments...)
}

func (w *watching) away(err error) {
	w.sayf("the server at %s is away (%s); waiting for it", w.command.Address,
		problem.Of(err).Message)
}

func (w *watching) back() { w.sayf("the server is back, going on after %s", position(w.at)) }

func (w *watching) sayEnd() {
	if w.at == nil {
		w.sayf("ended before it began")
		return
	}
	w.sayf("ended; to go on from here: --after %s", position(w.at))
}

// end puts what ended the watch into words.
func (w *watching) end(err error) error {
	const anew = "read the stock anew (holdfast stock list) and watch from now on"
	p := problem.Of(err)
	switch {
	case w.command.isJSON():
	case p.Reason == reasonName(holdfastv1.ErrorReason_ERROR_REASON_EVENTS_TRIMMED):
		return fmt.Errorf("the journal has been trimmed and begins with event %s; what came before "+
			"it and after %s is gone: %s (%s)", p.Metadata["oldest_sequence"], w.place(), anew,
			p.Reason)
	case p.Reason == reasonName(holdfastv1.ErrorReason_ERROR_REASON_POSITION_UNKNOWN):
		return fmt.Errorf("this store was never at %s: it lost what it had acknowledged, or is "+
			"another one: %s (%s)", w.place(), anew, p.Reason)
	}
	if _, ok := status.FromError(err); !ok || errors.Is(err, context.Canceled) {
		return err
	}
	return &callError{err: err, address: w.command.Address, json: w.command.isJSON()}
}

// place returns where the watch is, or was to begin.
func (w *watching) place() string {
	switch {
	case w.at != nil:
		return position(w.at)
	case w.command.After != nil:
		return fmt.Sprintf("%d:%d", w.command.After.epoch, w.command.After.sequence)
	}
	return "the start"
}

func position(p *holdfastv1.Position) string {
	return fmt.Sprintf("%d:%d", p.GetEpoch(), p.GetSequence())
}

// reasonName returns a reason as it stands in ErrorInfo.
func reasonName(reason holdfastv1.ErrorReason) string {
	return strings.TrimPrefix(reason.String(), "ERROR_REASON_")
}
