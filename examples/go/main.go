// Command go reserves from a running Holdfast as a checkout should: it makes the id before the
// first try, and while the server is unavailable it makes the same call with the same id again.
//
//	go run ./examples/go [host:port]
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

func main() {
	address := "127.0.0.1:50051"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if err := run(context.Background(), address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string) error {
	connection, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // nothing is under way any more
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()

	lines := []*holdfastv1.LineQuantity{{Sku: "TEA", Quantity: 2}}
	stock := holdfastv1.NewStockServiceClient(connection)
	delivery := &holdfastv1.RestockRequest{
		RequestId: "delivery-" + rand.Text(),
		Lines:     []*holdfastv1.LineQuantity{{Sku: "TEA", Quantity: 4}},
	}
	if _, err := retry(ctx, func(ctx context.Context) (*holdfastv1.RestockResponse, error) {
		return stock.Restock(ctx, delivery)
	}); err != nil {
		return fmt.Errorf("restock: %w", err)
	}

	// The id belongs to the order, not to the try: whatever became of an earlier one, the order's
	// units are reserved once.
	order := &holdfastv1.ReserveRequest{ReservationId: "order-" + rand.Text(), Lines: lines}
	reservations := holdfastv1.NewReservationServiceClient(connection)
	for _, try := range []string{"first", "again"} {
		answer, err := retry(ctx, func(ctx context.Context) (*holdfastv1.ReserveResponse, error) {
			return reservations.Reserve(ctx, order)
		})
		if err != nil {
			return fmt.Errorf("reserve: %w", err)
		}
		line := answer.GetReservation().GetLines()[0]
		fmt.Printf("%s: %s has %d of %s, decided at %s\n", try,
			answer.GetReservation().GetReservationId(), line.GetReservedQuantity(), line.GetSku(),
			answer.GetStoreTime().AsTime().Format(time.RFC3339Nano))
	}
	const orders = 3 // one more than there are units left
	if err := reserveMany(ctx, reservations, orders); err != nil {
		return fmt.Errorf("reserve on a stream: %w", err)
	}
	return nil
}

// retry makes a call until it is answered: again only while the server is UNAVAILABLE, which covers
// an answer that the server lost, or when a try took a second, which covers one that the network
// lost.
func retry[Response any](
	ctx context.Context, call func(context.Context) (*Response, error),
) (*Response, error) {
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		try, cancel := context.WithTimeout(ctx, time.Second)
		response, err := call(try)
		cancel()
		code := status.Code(err)
		if code != codes.Unavailable && code != codes.DeadlineExceeded || ctx.Err() != nil {
			return response, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}
