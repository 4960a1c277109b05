package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/progress"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Exit statuses of the commands that look after a stock's soundness.
const (
	exitSound     = 0
	exitFindings  = 1
	exitCouldNot  = 2
	statusesWords = "Exit statuses: 0 sound; 1 there are findings; 2 it could not look at everything."
)

type auditCommand struct {
	callFlags
}

// Help is shown by holdfast audit --help.
func (c *auditCommand) Help() string {
	return `Walks a live stock in short steps and prints every breach of what always holds; it changes
nothing. docs/operations.md says what each finding means and what to do. With --output json each
line is a finding, and the last one the summary.

` + statusesWords
}

// Run audits the stock.
func (c *auditCommand) Run(s *session) error {
	summary, err := c.audit(s)
	switch {
	case err != nil:
		return couldNot(s, err)
	case summary.GetFindings() > 0:
		return statusError(exitFindings)
	}
	return nil
}

// couldNot tells an error and ends the command with its own exit status.
func couldNot(s *session, err error) error {
	s.report(err)
	return statusError(exitCouldNot)
}

func (c *auditCommand) audit(s *session) (*holdfastv1.AuditSummary, error) {
	server, err := client.New(c.Address)
	if err != nil {
		return nil, usagef("--address %s: %v", c.Address, err)
	}
	defer func() { _ = server.Close() }() // nothing is under way any more
	shown := progress.New(s.stderr, s.terminal, "auditing")
	defer shown.End()
	var summary *holdfastv1.AuditSummary
	request := &holdfastv1.AuditRequest{StockId: c.Stock}
	err = client.Stream(s.ctx, c.Timeout, server.Audit.Audit, request, func(
		answer *holdfastv1.AuditResponse,
	) error {
		if answer.GetSummary() != nil {
			summary = answer.GetSummary()
			shown.End()
		}
		if p := answer.GetProgress(); p != nil {
			shown.Set(p.GetWalked(), p.GetTotal())
			return nil
		}
		return c.print(s, answer)
	})
	switch _, isStatus := status.FromError(err); {
	case err == nil && summary == nil:
		return nil, errors.New("the server ended the audit without a summary")
	case err != nil && isStatus:
		return nil, &callError{err: err, address: c.Address, json: c.isJSON()}
	}
	return summary, err
}

// print writes a finding or the summary.
func (c *auditCommand) print(s *session, answer *holdfastv1.AuditResponse) error {
	if c.isJSON() {
		line, err := output.CompactJSON(answer)
		if err != nil {
			return err
		}
		_, err = s.stdout.Write(append(line, '\n'))
		return err
	}
	text := output.Finding(answer.GetFinding())
	if summary := answer.GetSummary(); summary != nil {
		text = output.AuditSummary(c.Stock, summary)
	}
	_, err := io.WriteString(s.stdout, text)
	return err
}

// walkFlags are those of commands that walk a whole stock.
type walkFlags struct {
	Address string        `default:"127.0.0.1:50051" env:"HOLDFAST_ADDRESS" placeholder:"HOST:PORT" help:"Where the server listens; default ${default}."`
	Stock   string        `default:"default" placeholder:"ID" help:"The stock; default \"${default}\"."`
	Timeout time.Duration `default:"10m" help:"How long it may take; default ${default}."`
	Output  string        `short:"o" enum:"table,json" default:"table" help:"table for people, json for scripts (the answer as protobuf's JSON); default ${default}."`
}

type repairCommand struct {
	walkFlags

	SKU   string `arg:"" name:"sku" help:"The SKU."`
	Apply bool   `help:"Mend the figures. Without it they are only shown."`
}

// Help is shown by holdfast repair --help.
func (c *repairCommand) Help() string {
	return `Counts a SKU's reserved, queued and filling anew from its reservations. It walks all
reservations of the stock, about a million a minute. What holdfast audit finds wrong with
reservations themselves must be judged first: figures are only as right as what they are counted
from.

Exit statuses: 0 nothing to mend, or mended; 1 there is something to mend and --apply is missing;
2 it could not be counted or mended.`
}

// Run makes the call. It is not made again by itself: a walk costs too much to be repeated unseen.
func (c *repairCommand) Run(s *session) error {
	server, err := client.New(c.Address)
	if err != nil {
		return couldNot(s, usagef("--address %s: %v", c.Address, err))
	}
	defer func() { _ = server.Close() }() // nothing is under way any more
	ctx, cancel := context.WithTimeout(s.ctx, c.Timeout)
	defer cancel()
	answer, err := server.Audit.Repair(ctx, &holdfastv1.RepairRequest{
		StockId: c.Stock, Sku: c.SKU, Apply: c.Apply,
	})
	if err != nil {
		hint := ""
		if code := status.Code(err); code == codes.Unavailable {
			hint = "Run it again: what is mended is mended once."
		}
		return couldNot(s, &callError{err: err, address: c.Address, json: c.Output == "json", hint: hint})
	}
	if err := c.show(s, answer); err != nil {
		return couldNot(s, err)
	}
	if output.Differ(answer) && !answer.GetApplied() {
		return statusError(exitFindings)
	}
	return nil
}

func (c *repairCommand) show(s *session, answer *holdfastv1.RepairResponse) error {
	if c.Output == "json" {
		return output.JSON(s.stdout, answer)
	}
	switch {
	case !output.Differ(answer):
		fmt.Fprintf(s.stdout, "%s: nothing to mend at sequence %d\n", c.SKU, answer.GetSequence())
		return nil
	case answer.GetApplied():
		fmt.Fprintf(s.stdout, "%s is mended, at sequence %d of the journal\n", c.SKU,
			answer.GetSequence())
	default:
		fmt.Fprintf(s.stdout, "%s is to be mended; nothing was changed: --apply does it\n", c.SKU)
	}
	output.Repair(s.stdout, answer)
	return nil
}
