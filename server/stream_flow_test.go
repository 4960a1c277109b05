package server_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// pipe is a stream of which the test holds both ends. What is not offered is waited for, and what
// is not taken holds the sender up, as flow control does; both until the stream's context ends.
type pipe struct {
	grpc.ServerStream
	ctx     context.Context
	offered chan int // sizes of requests; closed by the half-close
	taken   chan struct{}
	reads   int
	broken  error // of the next send
}

func (p *pipe) Context() context.Context { return p.ctx }

func (p *pipe) RecvMsg(message any) error {
	select {
	case size, more := <-p.offered:
		if !more {
			return io.EOF
		}
		p.reads++
		message.(*server.StreamItem).SetSize(size)
		return nil
	case <-p.ctx.Done():
		return status.FromContextError(p.ctx.Err()).Err()
	}
}

func (p *pipe) SendMsg(any) error {
	if p.broken != nil {
		return p.broken
	}
	select {
	case p.taken <- struct{}{}:
		return nil
	case <-p.ctx.Done():
		return status.FromContextError(p.ctx.Err()).Err()
	}
}

// flowing is a stream's flow under way in a bubble.
type flowing struct {
	*pipe
	end   context.CancelFunc // of the stream's context
	drain context.CancelFunc
	ended chan error
}

func flow(t *testing.T, answer func(ctx context.Context)) *flowing {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	draining, drain := context.WithCancel(t.Context())
	f := &flowing{
		pipe: &pipe{
			ctx: ctx, offered: make(chan int, 4*server.MaxStreamItems), taken: make(chan struct{}),
		},
		end: end, drain: drain, ended: make(chan error, 1),
	}
	go func() { f.ended <- server.ServeStream(draining, f.pipe, answer) }()
	return f
}

func (f *flowing) offer(requests, size int) {
	for range requests {
		f.offered <- size
	}
}

// requireReads waits until nothing moves and says how many requests must have been read by then.
func (f *flowing) requireReads(t *testing.T, want int) {
	t.Helper()
	synctest.Wait()
	if f.reads != want {
		t.Errorf("%d requests were read, want %d", f.reads, want)
	}
}

func TestStreamFlow_CallerWhoTakesNoAnswersIsReadNoFurther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flow(t, func(context.Context) {})
		f.offer(2*server.MaxStreamItems, 100)
		f.requireReads(t, server.MaxStreamItems)
		for range server.MaxStreamItems {
			<-f.taken
		}
		f.requireReads(t, 2*server.MaxStreamItems)
		close(f.offered)
		for range server.MaxStreamItems {
			<-f.taken
		}
		if err := <-f.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestStreamFlow_BytesUnderWayAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flow(t, func(context.Context) {})
		f.offer(8, server.MaxStreamBytes/2+1)
		f.requireReads(t, 2) // the second passes the bound
		<-f.taken
		<-f.taken
		f.requireReads(t, 4)
		f.end()
		requireGaveUp(t, <-f.ended)
	})
}

func requireGaveUp(t *testing.T, err error) {
	t.Helper()
	var e *reservation.Error
	if !errors.As(err, &e) || e.Reason != reservation.ReasonCallerGaveUp {
		t.Errorf("ended with %v, want the caller's end", err)
	}
}

// TestStreamFlow_DrainReadsNoMoreAndWaits: a request under way is neither cut off nor forgotten,
// and one that comes now is not looked at.
func TestStreamFlow_DrainReadsNoMoreAndWaits(t *testing.T) {
	for name, requests := range map[string]int{
		"reader waits for the caller": 3, "reader waits for room": server.MaxStreamItems,
		"nothing is under way": 0,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				answered := make(chan error, server.MaxStreamItems)
				f := flow(t, func(ctx context.Context) {
					<-release
					answered <- ctx.Err()
				})
				defer f.end()
				f.offer(requests, 100)
				f.requireReads(t, requests)
				f.drain()
				synctest.Wait()
				f.offer(1, 100)
				synctest.Wait()
				close(release)
				for range requests {
					if err := <-answered; err != nil {
						t.Errorf("a request under way was ended by the drain: %v", err)
					}
					<-f.taken
				}
				var e *reservation.Error
				if err := <-f.ended; !errors.As(err, &e) ||
					e.Reason != reservation.ReasonStoreUnavailable {
					t.Errorf("ended with %v", err)
				}
				if len(answered) > 0 {
					t.Error("a request that came after the drain was answered")
				}
			})
		})
	}
}

func TestStreamFlow_DrainAfterHalfCloseEndsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := flow(t, func(context.Context) { <-release })
		f.offer(1, 100)
		close(f.offered)
		f.requireReads(t, 1)
		f.drain()
		synctest.Wait()
		close(release)
		<-f.taken
		if err := <-f.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestStreamFlow_LostCallerEndsWhatIsUnderWay(t *testing.T) {
	for name, requests := range map[string]int{
		"reader waits for the caller": 3, "reader waits for room": server.MaxStreamItems,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := flow(t, func(ctx context.Context) { <-ctx.Done() })
				f.offer(requests, 100)
				f.requireReads(t, requests)
				f.end()
				requireGaveUp(t, <-f.ended)
			})
		})
	}
}

// TestStreamFlow_FailedSendEndsTheRest also after the half-close, when nothing is read any more.
func TestStreamFlow_FailedSendEndsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{}, 1)
		first <- struct{}{}
		f := flow(t, func(ctx context.Context) {
			select {
			case <-first:
			case <-ctx.Done():
			}
		})
		f.broken = status.Error(codes.Unavailable, "the connection is gone")
		f.offer(3, 100)
		close(f.offered)
		requireGaveUp(t, <-f.ended)
	})
}
