package server

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

func eventMessage(in *reservation.Event) *holdfastv1.Event {
	var parts struct {
		event           holdfastv1.Event
		stored, expires timestamppb.Timestamp
	}
	out := &parts.event
	out.Sequence = in.Sequence
	out.StoreTime = fillTime(&parts.stored, in.Time)
	out.Type = eventTypeMessage(in.Type)
	out.ReservationId = in.Reservation.String()
	out.RequestId = in.Request.String()
	out.State = stateMessage(in.State)
	out.ExpireTime = fillTime(&parts.expires, in.ExpireTime)
	out.Lines = eventLineMessages(in.Lines)
	out.Deleted = in.Deleted
	out.Term = in.Term
	if in.Type == reservation.EventRepaired {
		out.RepairedBefore = repairedMessage(in.Repaired.Before)
		out.RepairedAfter = repairedMessage(in.Repaired.After)
	}
	if in.Type == reservation.EventPolicyChanged {
		out.Policy = policyMessage(&in.Policy)
	}
	return out
}

func eventLineMessages(in []reservation.EventLine) []*holdfastv1.EventLine {
	if len(in) == 0 {
		return nil
	}
	messages := make([]holdfastv1.EventLine, len(in))
	out := make([]*holdfastv1.EventLine, len(in))
	for i := range in {
		line, message := &in[i], &messages[i]
		message.LineIndex = int32(line.Index)
		message.Sku = line.SKU.String()
		message.RequestedQuantity = line.Requested
		message.CoveredQuantity = line.Covered
		message.BackorderedQuantity = line.Backordered
		message.Quantity = line.Quantity
		message.AvailableQuantity = line.Available
		message.ShortfallQuantity = line.Shortfall
		message.Counted = line.Counted
		message.Reason = line.Reason.String()
		if line.Refusal != 0 {
			message.RefusalReason = lineReasonMessage(line.Refusal)
			message.OrderableQuantity = pointer(&line.Orderable)
		}
		out[i] = message
	}
	return out
}

func repairedMessage(in reservation.RepairedFigures) *holdfastv1.RepairedFigures {
	return &holdfastv1.RepairedFigures{
		ReservedQuantity: in.Reserved, QueuedQuantity: in.Queued, FillingQuantity: in.Filling,
	}
}

func positionMessage(in reservation.Position) *holdfastv1.Position {
	return &holdfastv1.Position{Epoch: in.Epoch, Sequence: in.Sequence}
}
