package server

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/reservation"
)

// ErrorDomain is the domain of every google.rpc.ErrorInfo that Holdfast sends.
const ErrorDomain = "holdfast.dev"

// codeOf is the table from reasons to codes; docs/errors.md has it too, and a test holds the two
// together. CALLER_GAVE_UP takes the caller's own ending.
func codeOf(ctx context.Context, reason reservation.Reason) codes.Code {
	switch reason {
	case reservation.ReasonInvalidRequest:
		return codes.InvalidArgument
	case reservation.ReasonReservationIDReused,
		reservation.ReasonRequestIDReused:
		return codes.AlreadyExists
	case reservation.ReasonUnknownSKU,
		reservation.ReasonUnknownReservation:
		return codes.NotFound
	case reservation.ReasonReleasedBeforeReserved,
		reservation.ReasonWrongState,
		reservation.ReasonMoreThanOpen,
		reservation.ReasonLinesRefused,
		reservation.ReasonStockItemInUse,
		reservation.ReasonMoreThanCovered,
		reservation.ReasonBackorderedUnits,
		reservation.ReasonNotOnHand,
		reservation.ReasonOnHandBelowZero,
		reservation.ReasonRecordUnreadable,
		reservation.ReasonStockNotEmpty:
		return codes.FailedPrecondition
	case reservation.ReasonOnHandDiffers,
		reservation.ReasonRepairConflict,
		reservation.ReasonFenceDiffers:
		return codes.Aborted
	case reservation.ReasonFigureOutOfRange,
		reservation.ReasonEventsTrimmed:
		return codes.OutOfRange
	case reservation.ReasonPositionUnknown:
		return codes.DataLoss
	case reservation.ReasonStoreUnavailable,
		reservation.ReasonStoreNotDurable,
		reservation.ReasonStockRestoring,
		reservation.ReasonStockFenced,
		reservation.ReasonOutcomeUnknown,
		reservation.ReasonTooLate:
		return codes.Unavailable
	case reservation.ReasonOverloaded:
		return codes.ResourceExhausted
	case reservation.ReasonInternal:
		return codes.Internal
	case reservation.ReasonCallerGaveUp:
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return codes.DeadlineExceeded
		}
		return codes.Canceled
	}
	return codes.Internal
}

// failure is an error as the caller sees it, with its private part for the log. It belongs to one
// call.
type failure struct {
	public   *spb.Status    // what goes to the caller
	status   *status.Status // the same, made when gRPC asks for it: an answer in a stream needs none
	reason   reservation.Reason
	incident string // of ReasonInternal
	cause    error  // may name hosts and keys
}

// Error returns the public message.
func (f *failure) Error() string { return f.public.GetMessage() }

// Unwrap returns the private cause.
func (f *failure) Unwrap() error { return f.cause }

// GRPCStatus returns what goes to the caller.
func (f *failure) GRPCStatus() *status.Status {
	if f.status == nil {
		f.status = status.FromProto(f.public)
	}
	return f.status
}

// statusOf turns the error of a handler into what its caller sees. Statuses (of other services, of
// calls that are not implemented) pass unchanged; what is not the store's error is a fault of ours.
func statusOf(ctx context.Context, request any, err error) error {
	if isStatus(err) {
		return err
	}
	about := subjectOf(request)
	var invalid *invalidRequest
	if errors.As(err, &invalid) {
		return invalidFailure(about, invalid)
	}
	var e *reservation.Error
	if !errors.As(err, &e) || !isKnown(e.Reason) {
		e = &reservation.Error{Reason: reservation.ReasonInternal, Cause: err}
	}
	return storeFailure(ctx, about, e)
}

// isStatus says whether an error is a status as it is: around a wrapped one stands a text that is
// not for callers.
func isStatus(err error) bool {
	_, is := err.(interface{ GRPCStatus() *status.Status })
	return is
}

func isKnown(reason reservation.Reason) bool {
	return reason >= reservation.ReasonInvalidRequest && reason <= reservation.ReasonCallerGaveUp
}

func invalidFailure(about subject, invalid *invalidRequest) *failure {
	info := newErrorInfo(reservation.ReasonInvalidRequest, about)
	info.addCount("violations", invalid.count)
	builder := newStatusBuilder(codes.InvalidArgument, invalid.Error(), info)
	builder.addViolations(invalid)
	return &failure{public: builder.status(), reason: reservation.ReasonInvalidRequest}
}

func storeFailure(ctx context.Context, about subject, e *reservation.Error) *failure {
	out := &failure{reason: e.Reason, cause: e.Cause}
	info := newErrorInfo(e.Reason, about)
	if !e.Stamp.StoreTime.IsZero() {
		info.addNumber("sequence", e.Stamp.Sequence)
		info.add("store_time", wireTime(e.Stamp.StoreTime))
	}
	if e.Reason == reservation.ReasonInternal {
		out.incident = newIncident()
		info.add("incident", out.incident)
	}
	if e.Reason == reservation.ReasonWrongState {
		info.add("state", e.State.String())
	}
	if e.Reason == reservation.ReasonEventsTrimmed {
		info.addNumber("oldest_sequence", e.Oldest)
	}
	if !e.SettlesAt.IsZero() {
		info.add("settles_at", wireTime(e.SettlesAt))
	}
	switch {
	case len(e.Refusals) > 0:
		info.addCount("refused_lines", len(e.Refusals))
	case e.Reason == reservation.ReasonUnknownSKU:
		info.addCount("unknown_skus", len(e.SKUs))
	case len(e.SKUs) > 0:
		info.addCount("skus", len(e.SKUs))
	}
	builder := newStatusBuilder(codeOf(ctx, e.Reason), sentence(about, e, out.incident), info)
	builder.addRetry(e)
	builder.addRefusals(e.Refusals)
	builder.addSKUs(e.SKUs)
	out.public = builder.status()
	return out
}

// newIncident names a fault, so that a caller's report finds its line in the log.
func newIncident() string { return strings.ToLower(rand.Text()[:16]) }

// wireTime writes a moment as metadata has it: RFC 3339 in UTC with milliseconds.
func wireTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// subject is what a request names. It serves error paths only, so that calls need not gather it.
type subject struct {
	stock       string
	reservation string
	replaces    string
	request     string
	sku         string
	lines       int
}

// maxNameSize is the longest name that is valid, in bytes; all limits of names agree on it.
const maxNameSize = 64

func subjectOf(request any) subject {
	var about subject
	if in, ok := request.(interface{ GetStockId() string }); ok {
		about.stock = shorten(in.GetStockId())
		if about.stock == "" {
			about.stock = reservation.DefaultStockID
		}
	}
	if in, ok := request.(interface{ GetReservationId() string }); ok {
		about.reservation = shorten(in.GetReservationId())
	}
	if in, ok := request.(interface{ GetReplaces() string }); ok {
		about.replaces = shorten(in.GetReplaces())
	}
	if in, ok := request.(interface{ GetRequestId() string }); ok {
		about.request = shorten(in.GetRequestId())
	}
	if in, ok := request.(interface{ GetSku() string }); ok {
		about.sku = shorten(in.GetSku())
	}
	about.lines = lineCount(request)
	return about
}

// shorten cuts a name that may be of any length to what a valid one may have, between two
// characters.
func shorten(name string) string { return cut(name, maxNameSize) }

func cut(s string, longest int) string {
	if len(s) > longest {
		for longest > 0 && !utf8.RuneStart(s[longest]) {
			longest--
		}
		s = s[:longest]
	}
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
