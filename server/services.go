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

// Auditor is a store that can be held against what always holds. See [reservation.AuditReport] and
// [reservation.RepairAnswer]; every error is a [*reservation.Error] but those of report.
type Auditor interface {
	// Audit hands every breach of a stock to report, and how far it is, until report returns an error.
	Audit(
		ctx context.Context, request reservation.AuditRequest,
		report func(reservation.AuditReport) error,
	) (reservation.AuditSummary, error)
	// Repair counts a SKU's figures anew; a repeat finds nothing more to mend.
	Repair(
		ctx context.Context, request reservation.RepairRequest,
	) (reservation.RepairAnswer, error)
}

// Exporter is a store whose stocks can be taken along; every error is a [*reservation.Error] but
// those of deliver and next.
type Exporter interface {
	// Export hands all of a stock as of one moment to deliver, until deliver returns an error.
	Export(
		ctx context.Context, request reservation.ExportRequest,
		deliver func(reservation.ExportPart) error,
	) error
	// Restore builds an empty stock from what next returns until io.EOF: first all amendments. Begun
	// again with the same export it goes on.
	Restore(
		ctx context.Context, request reservation.RestoreRequest,
		next func() (reservation.ExportPart, error),
	) (reservation.RestoreAnswer, error)
}

// Fencer is a store that notices what it lost; every error is a [*reservation.Error].
type Fencer interface {
	// Fence says whether a stock is fenced. It looks for a loss first, as any change does.
	Fence(ctx context.Context, stock reservation.StockID) (reservation.FenceAnswer, error)
	// Fences pages through all stocks for those that are fenced.
	Fences(
		ctx context.Context, request reservation.ListFencesRequest,
	) (reservation.FencesAnswer, error)
	// LiftFence lets a stock grant again; a repeat changes nothing.
	LiftFence(
		ctx context.Context, request reservation.LiftFenceRequest,
	) (reservation.LiftFenceAnswer, error)
}

// auditService has the calls that look after a stock's soundness. What the store cannot do is
// UNIMPLEMENTED.
type auditService struct {
	holdfastv1.UnimplementedAuditServiceServer
	auditor  Auditor  // or nil
	exporter Exporter // or nil
	fencer   Fencer   // or nil
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
