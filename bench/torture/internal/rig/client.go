package rig

import (
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Client is a connection to a server, through its proxy.
type Client struct {
	Reservations holdfastv1.ReservationServiceClient
	Stock        holdfastv1.StockServiceClient
	Events       holdfastv1.EventServiceClient
	Audit        holdfastv1.AuditServiceClient

	connection *grpc.ClientConn
}

// Connect returns a client of the server at an address. It comes back quickly when the server does.
func Connect(address string) (*Client, error) {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: 10 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2,
				MaxDelay: 100 * time.Millisecond,
			},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
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
