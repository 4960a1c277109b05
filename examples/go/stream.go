package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// reserveMany reserves orders of one unit each over one stream, as a gateway with many checkouts
// does: it sends without waiting and knows an answer by its reservation_id. A real one keeps what
// it sent until it is answered: what has no answer when the stream ends with an error is to be sent
// again, with the same ids, on another stream.
func reserveMany(
	ctx context.Context, reservations holdfastv1.ReservationServiceClient, orders int,
) error {
	stream, err := reservations.ReserveStream(ctx)
	if err != nil {
		return err
	}
	go func() { // a server reads no more from a caller who takes no answers
		for range orders {
			if err := stream.Send(&holdfastv1.ReserveStreamRequest{
				Reserve: &holdfastv1.ReserveRequest{
					ReservationId: "order-" + rand.Text(),
					Lines:         []*holdfastv1.LineQuantity{{Sku: "TEA", Quantity: 1}},
				},
			}); err != nil {
				return // Recv says why
			}
		}
		_ = stream.CloseSend() // never fails
	}()
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if refused := answer.GetRefused(); refused != nil {
			fmt.Printf("on the stream: %s is refused, %v: %s\n", answer.GetReservationId(),
				codes.Code(refused.GetCode()), refused.GetMessage())
			continue
		}
		line := answer.GetReserved().GetReservation().GetLines()[0]
		fmt.Printf("on the stream: %s has %d of %s\n", answer.GetReservationId(),
			line.GetReservedQuantity(), line.GetSku())
	}
}
