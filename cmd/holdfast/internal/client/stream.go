package client

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// StreamMethod is a call of a generated client that answers many times.
type StreamMethod[Request, Response any] func(
	context.Context, *Request, ...grpc.CallOption,
) (grpc.ServerStreamingClient[Response], error)

// Again makes a call and, as long as the server is UNAVAILABLE, makes it again for as long as
// patience.
func Again[Response any](
	ctx context.Context, patience time.Duration, call func() (*Response, error),
) (*Response, error) {
	began := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		response, err := call()
		if err == nil || status.Code(err) != codes.Unavailable ||
			time.Since(began)+pause > patience || !Sleep(ctx, Jitter(pause)) {
			return response, err
		}
	}
}

// Stream makes a call that answers many times and hands each answer to take, until the server ends
// it, take returns an error, or ctx ends. Until the first answer a server that is UNAVAILABLE is
// asked again for as long as patience; after it the call is lost with its connection.
func Stream[Request, Response any](
	ctx context.Context, patience time.Duration, method StreamMethod[Request, Response],
	request *Request, take func(*Response) error,
) error {
	var lost error // what ended it after an answer
	_, err := Again(ctx, patience, func() (*Response, error) {
		answered, err := streamOnce(ctx, method, request, take)
		if answered {
			lost = err
			return nil, nil //nolint:nilnil // it is not made again
		}
		return nil, err
	})
	if lost != nil {
		return lost
	}
	return err
}

func streamOnce[Request, Response any](
	ctx context.Context, method StreamMethod[Request, Response], request *Request,
	take func(*Response) error,
) (answered bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := method(ctx, request)
	if err != nil {
		return false, err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return answered, nil
		}
		if err != nil {
			return answered, err
		}
		answered = true
		if err := take(response); err != nil {
			return true, err
		}
	}
}
