// Package answer reads what a call was answered as a caller who keeps books must: is it done, is it
// refused, was nothing done, or is that not known.
package answer

import (
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Verdict is what a caller knows after an answer.
type Verdict uint8

const (
	// Done is an acknowledged call.
	Done Verdict = iota + 1
	// Refused is a call that contract or stock refuses; it left no trace.
	Refused
	// NothingDone is a call that the server or the store could not take; it left no trace.
	NothingDone
	// Unknown is a call that may have taken effect, or still may.
	Unknown
	// Faulty is a call that the server says it has failed by its own fault.
	Faulty
)

// Answer is what a call was answered.
type Answer struct {
	Verdict Verdict
	// Reason is ErrorInfo's; empty where the transport answered.
	Reason string
	Code   codes.Code
	// SettlesAt is store time from which on an unknown outcome is final; zero: the server did not
	// say.
	SettlesAt time.Time
	// StoreTime and Sequence are where and when the store decided; zero when it did not answer.
	StoreTime time.Time
	Sequence  int64
	// Info is ErrorInfo's metadata.
	Info map[string]string
	Err  error
}

// Of reads the error of a call; nil is an acknowledgement.
func Of(err error) Answer {
	if err == nil {
		return Answer{Verdict: Done}
	}
	said := status.Convert(err)
	a := Answer{Code: said.Code(), Err: err}
	for _, detail := range said.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			a.Reason, a.Info = info.GetReason(), info.GetMetadata()
		}
	}
	a.SettlesAt = timeIn(a.Info, "settles_at")
	a.StoreTime = timeIn(a.Info, "store_time")
	a.Sequence, _ = strconv.ParseInt(a.Info["sequence"], 10, 64) // absent is 0
	a.Verdict = verdict(a)
	return a
}

// verdict follows docs/errors.md.
func verdict(a Answer) Verdict {
	switch {
	case a.Reason == "":
		return Unknown // the transport's: it cannot tell how far the call came
	case !a.SettlesAt.IsZero():
		return Unknown
	case a.Code == codes.Internal:
		return Faulty
	case a.Code == codes.Unavailable, a.Code == codes.ResourceExhausted,
		a.Reason == "CALLER_GAVE_UP":
		return NothingDone
	}
	return Refused
}

func timeIn(info map[string]string, key string) time.Time {
	told, err := time.Parse(time.RFC3339, info[key])
	if err != nil {
		return time.Time{} // absent
	}
	return told
}
