package server

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// What a response's metadata says of a replay.
const (
	// ReplayedHeader is "true" on the first answer given again, and absent otherwise.
	ReplayedHeader = "holdfast-replayed"
	// StateHeader is the state now of the reservation in a replayed Reserve, such as EXPIRED.
	StateHeader = "holdfast-state"
)

// reservationService has the calls of the checkout's critical path, one file each. They return the
// errors of the store and of parsing as they are; the status interceptor turns them into statuses.
type reservationService struct {
	holdfastv1.UnimplementedReservationServiceServer
	store      reservation.Store
	metrics    *metrics
	log        *callLog
	drain      context.Context // done when the server drains; for ReserveStream
	requireTTL bool
}

// stockService has the calls of the warehouse and the catalogue, one file each.
type stockService struct {
	holdfastv1.UnimplementedStockServiceServer
	store reservation.Store
}

// eventService has the calls that tell what happens.
type eventService struct {
	holdfastv1.UnimplementedEventServiceServer
	store  reservation.Store
	shared *sharedResponses
}

func sayReplayed(ctx context.Context) {
	// It fails only after headers were sent or outside a call, and nothing sends them earlier.
	_ = grpc.SetHeader(ctx, metadata.Pairs(ReplayedHeader, "true"))
}

func sayReplayedIn(ctx context.Context, now reservation.State) {
	_ = grpc.SetHeader(ctx, metadata.Pairs(ReplayedHeader, "true", StateHeader, now.String()))
}
