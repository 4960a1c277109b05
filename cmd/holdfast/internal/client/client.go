// Package client connects the command line to a Holdfast server.
package client

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// A restarting server is back within a second or two, so neither the connection nor a call waits
// longer than that between two tries. An answer is at most a page of 1,000 SKUs with their
// policies, each of up to 8 substitutes: about 1 MiB, so gRPC's own 4 MiB limit on messages stands.
const (
	firstPause     = 50 * time.Millisecond
	longestPause   = time.Second
	connectTimeout = 5 * time.Second

	keepaliveTime    = 30 * time.Second // servers of Holdfast take a ping every 10 s
	keepaliveTimeout = 10 * time.Second
)

// Client is a connection to a server.
type Client struct {
	// Reservations is the checkout's side.
	Reservations holdfastv1.ReservationServiceClient
	// Stock is the warehouse's side.
	Stock holdfastv1.StockServiceClient
	// Events tells what happens.
	Events holdfastv1.EventServiceClient
	// Audit holds a stock against what always holds.
	Audit      holdfastv1.AuditServiceClient
	connection *grpc.ClientConn
}

// New returns a client of the server at address (host:port, or any target that gRPC knows); it
// connects at the first call. Connections are in plain text.
func New(address string) (*Client, error) {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUserAgent("holdfast"),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longestPause,
			},
			MinConnectTimeout: connectTimeout,
		}),
		// A watch sends nothing for as long as it lasts: without this a server that vanished
		// without a word would look like one where nothing happens.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout,
		}))
	if err != nil {
		return nil, err
	}
	return &Client{
		Reservations: holdfastv1.NewReservationServiceClient(connection),
		Stock:        holdfastv1.NewStockServiceClient(connection),
		Events:       holdfastv1.NewEventServiceClient(connection),
		Audit:        holdfastv1.NewAuditServiceClient(connection),
		connection:   connection,
	}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.connection.Close() }

// Method is a unary call of a generated client.
type Method[Request, Response any] func(
	context.Context, *Request, ...grpc.CallOption,
) (*Response, error)

// Call makes a call and, as long as the server is UNAVAILABLE, makes it again until ctx ends. Every
// call of Holdfast may be repeated with the same ids, so a try whose answer was lost does no harm.
// Where ctx ends first, the last answer of the server is the error.
func Call[Request, Response any](
	ctx context.Context, method Method[Request, Response], request *Request,
	options ...grpc.CallOption,
) (*Response, error) {
	var last error
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		response, err := method(ctx, request, options...)
		if err == nil {
			return response, nil
		}
		if status.Code(err) == codes.Unavailable {
			last = err
		} else if last == nil || ctx.Err() == nil {
			return nil, err
		}
		if !Sleep(ctx, Jitter(pause)) {
			return nil, last
		}
	}
}

// Jitter returns a random part of pause, from half of it to all, so that callers who failed
// together do not come back together.
func Jitter(pause time.Duration) time.Duration {
	return pause/2 + rand.N(pause/2+1) //nolint:gosec // spreads load, keeps no secret
}

// Sleep waits for d and says whether it could; false when ctx ended or will have before d is over.
func Sleep(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
