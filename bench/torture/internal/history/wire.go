package history

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// wireReply reads an acknowledgement from the wire.
func wireReply(message proto.Message, isReplayed bool) reply {
	switch m := message.(type) {
	case *holdfastv1.ReserveResponse:
		r := wireReservation(m.GetReservation())
		return reply{Replayed: isReplayed, Sequence: m.GetSequence(), Reservation: r}
	case *holdfastv1.CommitResponse:
		return reply{Sequence: m.GetSequence(), Reservation: wireReservation(m.GetReservation())}
	case *holdfastv1.ExtendResponse:
		return reply{Sequence: m.GetSequence(), Reservation: wireReservation(m.GetReservation())}
	case *holdfastv1.ReleaseResponse:
		return reply{Sequence: m.GetSequence(), Reservation: wireReservation(m.GetReservation())}
	case *holdfastv1.FulfillResponse:
		return reply{Sequence: m.GetSequence(), Reservation: wireReservation(m.GetReservation())}
	case *holdfastv1.GetReservationResponse:
		return reply{Reservation: wireReservation(m.GetReservation())}
	case *holdfastv1.CheckAvailabilityResponse:
		r := reply{Grantable: m.GetGrantable(), Lines: wireLines(m.GetLines())}
		for _, refused := range m.GetRefusals() {
			r.Refusals = append(r.Refusals, wireRefusal(refused))
		}
		return r
	case *holdfastv1.RestockResponse:
		r := reply{Sequence: m.GetSequence(), Fills: wireFills(m.GetFills())}
		for _, l := range m.GetLines() {
			r.Arrivals = append(r.Arrivals, arrival{
				SKU: l.GetSku(), Units: l.GetQuantity(), OnHand: l.GetOnHandQuantity(),
				Available: l.GetAvailableQuantity(), Filled: l.GetFilledQuantity(),
				Backordered: l.GetBackorderedQuantity(),
			})
		}
		return r
	case *holdfastv1.AdjustStockResponse:
		return wireOnHand(m.GetSequence(), m.GetLines(), m.GetFills())
	case *holdfastv1.SetStockResponse:
		return wireOnHand(m.GetSequence(), m.GetLines(), m.GetFills())
	case *holdfastv1.SetPolicyResponse:
		return reply{Sequence: m.GetSequence()}
	case *holdfastv1.BatchGetStockResponse:
		return reply{Items: wireItems(m.GetItems())}
	}
	return reply{Refused: "an answer of an unknown kind"}
}

// wireRefused reads a refusal from the wire.
func wireRefused(a answer.Answer) reply {
	r := reply{Refused: a.Reason, State: a.Info["state"], Sequence: a.Sequence}
	for _, detail := range status.Convert(a.Err).Details() {
		switch d := detail.(type) {
		case *holdfastv1.LineRefusal:
			r.Refusals = append(r.Refusals, wireRefusal(d))
		case *errdetails.ResourceInfo:
			r.SKUs = append(r.SKUs, d.GetResourceName())
		}
	}
	return r
}

func wireReservation(r *holdfastv1.Reservation) *reservation {
	return &reservation{
		ID:      r.GetReservationId(),
		State:   strings.TrimPrefix(r.GetState().String(), "RESERVATION_STATE_"),
		Created: milliseconds(r.GetCreateTime().AsTime()),
		Expires: milliseconds(r.GetExpireTime().AsTime()),
		Term:    r.GetTerm(), Lines: wireLines(r.GetLines()),
	}
}

func wireLines(list []*holdfastv1.ReservationLine) []line {
	var lines []line
	for _, l := range list {
		lines = append(lines, line{
			SKU: l.GetSku(), Requested: l.GetRequestedQuantity(), Reserved: l.GetReservedQuantity(),
			Backordered: l.GetBackorderedQuantity(), Fulfilled: l.GetFulfilledQuantity(),
			Released: l.GetReleasedQuantity(), Available: l.AvailableQuantity,
		})
	}
	return lines
}

func wireRefusal(r *holdfastv1.LineRefusal) refusal {
	return refusal{
		Line: int(r.GetLineIndex()), SKU: r.GetSku(), Requested: r.GetRequestedQuantity(),
		Orderable: r.OrderableQuantity,
		Reason:    strings.TrimPrefix(r.GetReason().String(), "LINE_REFUSAL_REASON_"),
	}
}

func wireOnHand(
	sequence int64, lines []*holdfastv1.OnHandLine, fills []*holdfastv1.ReservationFill,
) reply {
	r := reply{Sequence: sequence, Fills: wireFills(fills)}
	for _, l := range lines {
		r.Arrivals = append(r.Arrivals, arrival{
			SKU: l.GetSku(), Units: l.GetDelta(), OnHand: l.GetOnHandQuantity(),
			Available: l.GetAvailableQuantity(), Filled: l.GetFilledQuantity(),
			Backordered: l.GetBackorderedQuantity(), Shortfall: l.GetShortfallQuantity(),
		})
	}
	return r
}

func wireFills(list []*holdfastv1.ReservationFill) []fill {
	var fills []fill
	for _, f := range list {
		fills = append(fills,
			fill{ID: f.GetReservationId(), SKU: f.GetSku(), Units: f.GetFilledQuantity()})
	}
	return fills
}

func wireItems(list []*holdfastv1.StockItem) []item {
	var items []item
	for _, i := range list {
		items = append(items, item{
			SKU: i.GetSku(), OnHand: i.GetOnHandQuantity(), Reserved: i.GetReservedQuantity(),
			Orderable: i.OrderableQuantity, Backordered: i.GetBackorderedQuantity(),
			Filling: i.GetFillingQuantity(), Shortfall: i.GetShortfallQuantity(),
		})
	}
	return slices.Clip(items)
}
