package client

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// answers returns a method that answers these codes one after the other, the last one for good.
func answers(list ...codes.Code) (method Method[emptypb.Empty, emptypb.Empty], calls *int) {
	calls = new(int)
	return func(
		context.Context, *emptypb.Empty, ...grpc.CallOption,
	) (*emptypb.Empty, error) {
		code := list[min(*calls, len(list)-1)]
		*calls++
		return &emptypb.Empty{}, status.Error(code, "")
	}, calls
}

func TestCall_RepeatsWhileUnavailable(t *testing.T) {
	const away = codes.Unavailable
	for name, test := range map[string]struct {
		answers []codes.Code
		calls   int
	}{
		"answered at once":       {[]codes.Code{codes.OK}, 1},
		"back after two tries":   {[]codes.Code{away, away, codes.OK}, 3},
		"a refusal is final":     {[]codes.Code{codes.FailedPrecondition}, 1},
		"refused at second try":  {[]codes.Code{away, codes.NotFound}, 2},
		"an overload is told":    {[]codes.Code{codes.ResourceExhausted}, 1},
		"a lost answer is final": {[]codes.Code{codes.DeadlineExceeded}, 1},
	} {
		method, calls := answers(test.answers...)
		_, err := Call(t.Context(), method, &emptypb.Empty{})
		want := test.answers[len(test.answers)-1]
		if status.Code(err) != want || *calls != test.calls {
			t.Errorf("%s: got %v after %d calls, want %v after %d",
				name, err, *calls, want, test.calls)
		}
	}
}

func TestCall_GivesUpWithTheServersLastAnswer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	method, calls := answers(codes.Unavailable)
	_, err := Call(ctx, method, &emptypb.Empty{})
	if status.Code(err) != codes.Unavailable || *calls < 2 {
		t.Errorf("got %v after %d calls", err, *calls)
	}
}
