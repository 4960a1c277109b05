package client_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/client"
	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

func streamTo(t *testing.T, address string) (*client.Client, *client.ReserveStream) {
	t.Helper()
	c, err := client.New(address)
	if err != nil {
		t.Fatal(err)
	}
	stream := c.NewReserveStream()
	t.Cleanup(func() {
		stream.Close()
		_ = c.Close()
	})
	return c, stream
}

func supply(t *testing.T, c *client.Client, units int64) {
	t.Helper()
	_, err := client.Call(t.Context(), c.Stock.Restock, &holdfastv1.RestockRequest{
		RequestId: "supply", Lines: []*holdfastv1.LineQuantity{{Sku: "A", Quantity: units}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func one(id string) *holdfastv1.ReserveRequest {
	return &holdfastv1.ReserveRequest{
		ReservationId: id, Lines: []*holdfastv1.LineQuantity{{Sku: "A", Quantity: 1}},
	}
}

// Half of the callers share an id with another one: both are answered, one of them by a replay.
func TestReserveStream_EachCallerGetsItsOwnAnswer(t *testing.T) {
	const callers, units = 600, 200 // more callers than a server takes at once
	c, stream := streamTo(t, testserver.Start(t, testserver.NewModel()))
	supply(t, c, units)
	var mu sync.Mutex
	granted, replayed, refused := 0, 0, 0
	var running sync.WaitGroup
	for caller := range callers {
		running.Go(func() {
			id := fmt.Sprintf("r-%d", min(caller, callers-1-caller))
			answer, err := stream.Reserve(t.Context(), one(id))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case status.Code(err) == codes.FailedPrecondition:
				refused++
			case err != nil || answer.GetReserved().GetReservation().GetReservationId() != id:
				t.Errorf("%s was answered %v, %v", id, answer, err)
			case answer.GetReplayed():
				replayed++
			default:
				granted++
			}
		})
	}
	running.Wait()
	if granted != units || replayed != units || refused != callers-2*units {
		t.Errorf("%d granted, %d replayed, %d refused", granted, replayed, refused)
	}
}

func TestReserveStream_BeginsAnotherAfterARestart(t *testing.T) {
	first := testserver.Begin(t, testserver.NewModel(), "127.0.0.1:0")
	c, stream := streamTo(t, first.Address)
	supply(t, c, 9)
	if _, err := stream.Reserve(t.Context(), one("r-1")); err != nil {
		t.Fatal(err)
	}
	first.End(t)
	if _, err := stream.Reserve(t.Context(), one("r-2")); status.Code(err) != codes.Unavailable {
		t.Errorf("without a server: %v", err)
	}
	testserver.Begin(t, testserver.NewModel(), first.Address)
	supply(t, c, 9)
	if _, err := stream.Reserve(t.Context(), one("r-2")); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// An id that is too long comes back cut; its caller must hear of it all the same.
func TestReserveStream_FindsWhoSentAnIDThatIsTooLong(t *testing.T) {
	_, stream := streamTo(t, testserver.Start(t, testserver.NewModel()))
	for _, id := range []string{strings.Repeat("x", 65), strings.Repeat("€", 30), ""} {
		_, err := stream.Reserve(t.Context(), one(id))
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// held is a store whose Reserves end with their context.
type held struct {
	reservation.Store
	entered chan struct{}
}

func (h *held) Reserve(
	ctx context.Context, _ reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	h.entered <- struct{}{}
	<-ctx.Done()
	return reservation.ReserveAnswer{}, &reservation.Error{
		Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err(),
	}
}

func TestReserveStream_CallerLeavesAlone(t *testing.T) {
	store := &held{Store: testserver.NewModel(), entered: make(chan struct{}, 2)}
	_, stream := streamTo(t, testserver.Start(t, store))
	ctx, cancel := context.WithCancel(t.Context())
	left, stays := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := stream.Reserve(t.Context(), one("r-1"))
		stays <- err
	}()
	go func() {
		_, err := stream.Reserve(ctx, one("r-2"))
		left <- err
	}()
	<-store.entered
	<-store.entered
	cancel()
	if err := <-left; status.Code(err) != codes.Canceled {
		t.Errorf("the caller who left: %v", err)
	}
	select {
	case err := <-stays:
		t.Errorf("the other one was ended as well: %v", err)
	default:
	}
	stream.Close()
	if err := <-stays; status.Code(err) != codes.Canceled {
		t.Errorf("at the end of the stream: %v", err)
	}
}
