package server

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// What the tests of package server_test look at from inside.
var (
	StatusOf = statusOf
	CodeOf   = codeOf

	StateMessage         = stateMessage
	LineReasonMessage    = lineReasonMessage
	BackorderModeMessage = backorderModeMessage
	EventTypeMessage     = eventTypeMessage
	FindingTypeMessage   = findingTypeMessage
)

// MaxStatusSize is maxStatusSize.
const MaxStatusSize = maxStatusSize

// NewReservationService makes the calls without network and interceptors.
func NewReservationService(store reservation.Store) holdfastv1.ReservationServiceServer {
	return &reservationService{
		store: store, metrics: newMetrics(prometheus.NewRegistry(), "test"),
	}
}

// The bounds of a ReserveStream.
const (
	MaxStreamItems = maxStreamItems
	MaxStreamBytes = maxStreamBytes
)

// StreamItem is what a ReserveStream receives into.
type StreamItem = streamItem

// SetSize says how many bytes a request had.
func (i *streamItem) SetSize(bytes int) { i.size = bytes }

// ServeStream runs the flow of a ReserveStream over any stream, with answers made by answer.
func ServeStream(
	drain context.Context, stream grpc.ServerStream, answer func(ctx context.Context),
) error {
	return newReserveStream(drain, stream, func(ctx context.Context, _ *streamItem) {
		answer(ctx)
	}).serve()
}

// NewEventSender makes a sender without a filter and returns its deliver.
func NewEventSender(
	send func(*holdfastv1.WatchResponse) error,
) func(reservation.EventBatch) error {
	return (&eventSender{send: send}).deliver
}

// NewLogQuota makes a quota and returns its take.
func NewLogQuota() func(now time.Time) (allowed bool, suppressed int64) {
	return new(logQuota).take
}

// Parse returns what the parser says of a request; known is false for a request of no call.
func Parse(request any) (known bool, err error) {
	switch in := request.(type) {
	case *holdfastv1.ReserveRequest:
		_, err = parseReserve(in, false)
	case *holdfastv1.ReserveStreamRequest:
		if err = checkItem(in, nil); err == nil {
			_, err = parseReserve(in.GetReserve(), false)
		}
	case *holdfastv1.CheckAvailabilityRequest:
		_, err = parseCheckAvailability(in)
	case *holdfastv1.ReleaseRequest:
		_, err = parseRelease(in)
	case *holdfastv1.GetReservationRequest:
		_, _, err = parseGetReservation(in)
	case *holdfastv1.CommitRequest:
		_, err = parseCommit(in)
	case *holdfastv1.ExtendRequest:
		_, err = parseExtend(in)
	case *holdfastv1.FulfillRequest:
		_, err = parseFulfill(in)
	case *holdfastv1.ListReservationsRequest:
		_, err = parseListReservations(in)
	case *holdfastv1.WatchRequest:
		_, _, err = parseWatch(in)
	case *holdfastv1.AuditRequest:
		_, err = parseAudit(in)
	case *holdfastv1.RepairRequest:
		_, err = parseRepair(in)
	case *holdfastv1.AdjustStockRequest:
		_, err = parseAdjustStock(in)
	case *holdfastv1.SetStockRequest:
		_, err = parseSetStock(in)
	case *holdfastv1.ListBackordersRequest:
		_, err = parseListBackorders(in)
	case *holdfastv1.RestockRequest:
		_, err = parseRestock(in)
	case *holdfastv1.SetPolicyRequest:
		_, _, _, err = parseSetPolicy(in)
	case *holdfastv1.GetPolicyRequest:
		_, _, err = parseItemName(in)
	case *holdfastv1.SetDefaultPolicyRequest:
		_, _, err = parseSetDefaultPolicy(in)
	case *holdfastv1.GetStockRequest:
		_, _, err = parseItemName(in)
	case *holdfastv1.BatchGetStockRequest:
		_, _, err = parseBatchGetStock(in)
	case *holdfastv1.ListStockRequest:
		_, err = parseListStock(in)
	case *holdfastv1.DeleteStockItemRequest:
		_, _, err = parseItemName(in)
	default:
		return false, nil
	}
	return true, err
}
