package answer

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func refusal(t *testing.T, code codes.Code, reason string, info map[string]string) error {
	t.Helper()
	said, err := status.New(code, "text").WithDetails(
		&errdetails.ErrorInfo{Reason: reason, Domain: "holdfast.dev", Metadata: info})
	if err != nil {
		t.Fatal(err)
	}
	return said.Err()
}

func TestOf_TellsWhatACallerKnows(t *testing.T) {
	t.Parallel()
	settles := map[string]string{"settles_at": "2026-11-05T06:07:08.009Z"}
	for name, test := range map[string]struct {
		err  error
		want Verdict
	}{
		"acknowledged": {nil, Done},
		"refused by stock": {
			refusal(t, codes.FailedPrecondition, "LINES_REFUSED", nil), Refused,
		},
		"compare and set": {refusal(t, codes.Aborted, "ON_HAND_DIFFERS", nil), Refused},
		"store away": {
			refusal(t, codes.Unavailable, "STORE_UNAVAILABLE", nil), NothingDone,
		},
		"store away after a lost answer": {
			refusal(t, codes.Unavailable, "STORE_UNAVAILABLE", settles), Unknown,
		},
		"answer lost": {refusal(t, codes.Unavailable, "OUTCOME_UNKNOWN", settles), Unknown},
		"overloaded":  {refusal(t, codes.ResourceExhausted, "OVERLOADED", nil), NothingDone},
		"left before it was sent": {
			refusal(t, codes.Canceled, "CALLER_GAVE_UP", nil), NothingDone,
		},
		"a fault of the server": {refusal(t, codes.Internal, "INTERNAL", nil), Faulty},
		"connection lost":       {status.Error(codes.Unavailable, "reset"), Unknown},
		"caller's deadline":     {status.FromContextError(context.DeadlineExceeded).Err(), Unknown},
		"no status at all":      {errors.New("broken"), Unknown},
	} {
		if got := Of(test.err); got.Verdict != test.want {
			t.Errorf("%s: verdict %d, want %d", name, got.Verdict, test.want)
		}
	}
	want := time.Date(2026, time.November, 5, 6, 7, 8, 9_000_000, time.UTC)
	got := Of(refusal(t, codes.Unavailable, "OUTCOME_UNKNOWN", settles))
	if !got.SettlesAt.Equal(want) {
		t.Errorf("settles at %v, want %v", got.SettlesAt, want)
	}
}
