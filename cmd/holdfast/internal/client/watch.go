package client

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// WatchOptions say how a watch deals with a server that is away.
type WatchOptions struct {
	// Patience is how long to try until the first answer; after it, being away is waited out.
	Patience time.Duration
	// Away is told why when the server was lost, Back when it answers again; nil: nobody is told.
	Away func(err error)
	Back func()
}

// Watch hands what a watch sends to take. When the server goes away it watches again after the last
// position received. It ends with nil when ctx ends, else with take's error or the server's
// refusal. Of the request it changes the position.
func (c *Client) Watch(
	ctx context.Context, request *holdfastv1.WatchRequest, o WatchOptions,
	take func(*holdfastv1.WatchResponse) error,
) error {
	w := watch{client: c, request: request, options: o, take: take}
	began := time.Now()
	for w.pause = firstPause; ; w.pause = min(2*w.pause, longestPause) {
		err := w.once(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // that the caller has seen enough is no failure
		case !w.isAway(err):
			return err
		case !w.begun && time.Since(began)+w.pause > o.Patience:
			return err
		}
		if w.begun && !w.away && o.Away != nil {
			o.Away(err)
		}
		w.away = w.begun
		if !Sleep(ctx, Jitter(w.pause)) {
			return nil
		}
	}
}

// watch is one under way, over all of its streams.
type watch struct {
	client  *Client
	request *holdfastv1.WatchRequest
	options WatchOptions
	take    func(*holdfastv1.WatchResponse) error

	begun bool          // there was an answer
	away  bool          // and then none
	pause time.Duration // before the next stream
	taken error         // take's
}

// isAway says whether a stream ended in a way after which the next one may go on.
func (w *watch) isAway(err error) bool {
	code := status.Code(err)
	return w.taken == nil && (errors.Is(err, io.EOF) || code == codes.Unavailable ||
		code == codes.ResourceExhausted)
}

// once receives from one stream until it ends.
func (w *watch) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// A server that accepts a watch and does not say where it begins is as good as away.
	var silent atomic.Bool
	silence := time.AfterFunc(w.options.Patience, func() {
		silent.Store(true)
		cancel()
	})
	defer silence.Stop()
	stream, err := w.client.Events.Watch(ctx, w.request)
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		switch {
		case err != nil && silent.Load():
			return status.Error(codes.Unavailable, "it does not say where the watch begins")
		case err != nil:
			return err
		}
		silence.Stop()
		w.pause = firstPause
		if w.away && w.options.Back != nil {
			w.options.Back()
		}
		w.begun, w.away = true, false
		if w.taken = w.take(response); w.taken != nil {
			return w.taken
		}
		w.request.After = response.GetPosition()
	}
}
