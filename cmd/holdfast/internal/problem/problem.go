// Package problem reads what a gRPC error of a Holdfast server says and puts it into words for a
// person.
package problem

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/output"
)

// Problem is an error of a call, its details taken apart.
type Problem struct {
	// Code is gRPC's.
	Code codes.Code
	// Message is the server's sentence.
	Message string
	// Reason is ErrorInfo's reason; empty where none came, as from a server that cannot be reached.
	Reason string
	// Metadata is ErrorInfo's.
	Metadata map[string]string
	// Refusals are the refused lines that fit into the error; RefusedLines counts all of them.
	Refusals     []*holdfastv1.LineRefusal
	RefusedLines int
	// Violations are the fields of the request that break a limit.
	Violations []*errdetails.BadRequest_FieldViolation
	// Resources names what is unknown.
	Resources []*errdetails.ResourceInfo
	// RetryAfter is how long the server asks to stay away; 0 where it does not say.
	RetryAfter time.Duration
}

// Of takes an error of a call apart, whatever it is wrapped in.
func Of(err error) Problem {
	s := status.Convert(err)
	var inner interface{ GRPCStatus() *status.Status }
	if errors.As(err, &inner) {
		s = inner.GRPCStatus() // Convert's message would repeat the wrapping
	}
	p := Problem{Code: s.Code(), Message: s.Message()}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			p.Reason, p.Metadata = d.GetReason(), d.GetMetadata()
		case *holdfastv1.LineRefusal:
			p.Refusals = append(p.Refusals, d)
		case *errdetails.BadRequest:
			p.Violations = append(p.Violations, d.GetFieldViolations()...)
		case *errdetails.ResourceInfo:
			p.Resources = append(p.Resources, d)
		case *errdetails.RetryInfo:
			p.RetryAfter = d.GetRetryDelay().AsDuration()
		}
	}
	p.RefusedLines = len(p.Refusals)
	if n, err := strconv.Atoi(p.Metadata["refused_lines"]); err == nil {
		p.RefusedLines = max(n, p.RefusedLines)
	}
	return p
}

// IsUnavailable says whether the server could not be reached, or asks to come back: the call is to
// be made again with the same id.
func (p Problem) IsUnavailable() bool {
	return p.Code == codes.Unavailable || p.Code == codes.ResourceExhausted ||
		p.Code == codes.DeadlineExceeded
}

// IsRefusal says whether the contract refuses the call: the same call would be refused again until
// the stock, the policy or the call changes.
func (p Problem) IsRefusal() bool {
	return p.Code == codes.FailedPrecondition || p.Code == codes.NotFound ||
		p.Code == codes.AlreadyExists || p.Code == codes.OutOfRange ||
		p.Code == codes.InvalidArgument || p.Code == codes.Aborted
}

// Name returns the reason, or the code where no reason came.
func (p Problem) Name() string {
	if p.Reason != "" {
		return p.Reason
	}
	return p.Code.String()
}

// Write writes the problem: a sentence, then what each detail names. The server's sentence names
// the first of several already, so a lone detail is not repeated.
func (p Problem) Write(w io.Writer, address string) {
	fmt.Fprintf(w, "holdfast: %s\n", p.sentence(address))
	if len(p.Violations) > 1 {
		for _, v := range p.Violations {
			fmt.Fprintf(w, "  %s %s\n", v.GetField(), v.GetDescription())
		}
	}
	if len(p.Resources) > 1 {
		for _, r := range p.Resources {
			fmt.Fprintf(w, "  %s %s\n", lastPart(r.GetResourceType()), r.GetResourceName())
		}
	}
	if len(p.Refusals) == 0 {
		return
	}
	output.Refusals(w, p.Refusals)
	if more := p.RefusedLines - len(p.Refusals); more > 0 {
		fmt.Fprintf(w, "and %d more, too many for an answer; holdfast check shows all\n", more)
	}
}

func (p Problem) sentence(address string) string {
	switch {
	case len(p.Refusals) > 0:
		return fmt.Sprintf("%s refused (%s)", output.Count(p.RefusedLines, "line"), p.Reason)
	case p.Reason != "":
		return fmt.Sprintf("%s (%s)", p.Message, p.Reason)
	case p.Code == codes.Unavailable:
		return fmt.Sprintf("no server answers at %s (is `holdfast serve` running there?): %s",
			address, p.Message)
	case p.Code == codes.DeadlineExceeded:
		return fmt.Sprintf("the server at %s did not answer within --timeout", address)
	}
	return fmt.Sprintf("%s (%s)", p.Message, p.Code)
}

// lastPart returns what stands after the last dot or slash of a type's name.
func lastPart(name string) string {
	return name[strings.LastIndexAny(name, "./")+1:]
}
