package server

import (
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// exportPartMessage turns a part into what travels; progress is none.
func exportPartMessage(in reservation.ExportPart) *holdfastv1.ExportPart {
	out := &holdfastv1.ExportPart{}
	switch {
	case in.Item != nil:
		out.Part = &holdfastv1.ExportPart_Item{Item: exportedItemMessage(in.Item)}
	case in.Reservation != nil:
		message := exportedReservationMessage(in.Reservation)
		message.Late = in.Late
		out.Part = &holdfastv1.ExportPart_Reservation{Reservation: message}
	case in.Request != nil:
		out.Part = &holdfastv1.ExportPart_Request{Request: exportedRequestMessage(in.Request)}
	case in.Default != nil:
		out.Part = &holdfastv1.ExportPart_DefaultPolicy{DefaultPolicy: policyMessage(in.Default)}
	case in.ItemAmendment != nil:
		out.Part = &holdfastv1.ExportPart_ItemAmendment{
			ItemAmendment: itemAmendmentMessage(in.ItemAmendment),
		}
	case in.ReservationAmendment != nil:
		out.Part = &holdfastv1.ExportPart_ReservationAmendment{
			ReservationAmendment: reservationAmendmentMessage(in.ReservationAmendment),
		}
	case in.End != nil:
		out.Part = &holdfastv1.ExportPart_End{End: exportEndMessage(in.End)}
	}
	return out
}

func exportedItemMessage(in *reservation.KeptItem) *holdfastv1.ExportedItem {
	return &holdfastv1.ExportedItem{
		Sku: in.SKU.String(), OnHandQuantity: in.OnHand, ReservedQuantity: in.Reserved,
		QueuedQuantity: in.Queued, FillingQuantity: in.Filling, Policy: policyMessage(&in.Own),
	}
}

func exportedReservationMessage(in *reservation.KeptReservation) *holdfastv1.ExportedReservation {
	out := &holdfastv1.ExportedReservation{
		ReservationId: in.ID.String(), State: stateMessage(in.State), Fingerprint: in.Fingerprint,
		CreateTime: timeMessage(in.CreateTime), ExpireTime: timeMessage(in.ExpireTime),
		Sequence: in.Sequence, Term: in.Term, TermTime: timeMessage(in.TermTime),
		ForgetTime: timeMessage(in.ForgetTime), ByRelease: in.ByRelease,
	}
	if in.TTL > 0 {
		out.Ttl = durationpb.New(in.TTL)
	}
	for i := range in.Lines {
		out.Lines = append(out.Lines, exportedLineMessage(&in.Lines[i]))
	}
	return out
}

func exportedLineMessage(in *reservation.KeptLine) *holdfastv1.ExportedLine {
	out := &holdfastv1.ExportedLine{
		Sku: in.SKU.String(), RequestedQuantity: in.Requested, GrantedQuantity: in.Granted,
		FirstBackorderedQuantity: in.FirstBackordered, FirstAvailableQuantity: in.FirstAvailable,
		Counted: in.Counted, First: hintsMessage(in.First), CoveredQuantity: in.Covered,
		BackorderedQuantity: in.Backordered, FulfilledQuantity: in.Fulfilled,
		QueuedSequence: in.Joined,
	}
	if in.Reason != 0 {
		out.RefusalReason = lineReasonMessage(in.Reason)
		out.OrderableQuantity = pointer(&in.Orderable)
	}
	if in.Again.Set {
		out.Again = hintsMessage(in.Again.Value)
	}
	return out
}

func hintsMessage(in reservation.GrantHints) *holdfastv1.GrantHints {
	out := &holdfastv1.GrantHints{NotifyCustomer: in.Notify}
	if in.RestockTime.Set {
		out.RestockTime = timestamppb.New(in.RestockTime.Value)
	}
	for _, sku := range in.Substitutes {
		out.Substitutes = append(out.Substitutes, sku.String())
	}
	return out
}

func exportedRequestMessage(in *reservation.KeptRequest) *holdfastv1.ExportedRequest {
	return &holdfastv1.ExportedRequest{
		RequestId: in.ID.String(), Fingerprint: in.Fingerprint, Sequence: in.Sequence,
		CreateTime: timeMessage(in.CreateTime), ForgetTime: timeMessage(in.ForgetTime),
		Answer: [][]byte{[]byte(in.Answer[0]), []byte(in.Answer[1])},
	}
}

func itemAmendmentMessage(in *reservation.ItemAmendment) *holdfastv1.ItemAmendment {
	out := &holdfastv1.ItemAmendment{
		Sku: in.SKU.String(), Anew: in.Anew, Gone: in.Gone, OnHandDelta: in.OnHand,
		ReservedDelta: in.Reserved, QueuedDelta: in.Queued,
	}
	if in.Own != nil {
		out.Policy = policyMessage(in.Own)
	}
	return out
}

func reservationAmendmentMessage(
	in *reservation.ReservationAmendment,
) *holdfastv1.ReservationAmendment {
	out := &holdfastv1.ReservationAmendment{
		ReservationId: in.ID.String(), Born: in.Born, State: stateMessage(in.State),
		ExpireTime: timeMessage(in.ExpireTime), ForgetTime: timeMessage(in.ForgetTime),
		Term: in.Term, TermTime: timeMessage(in.TermTime), ByRelease: in.ByRelease,
	}
	for i := range in.Lines {
		line := &in.Lines[i]
		message := &holdfastv1.LineAmendment{
			LineIndex: int32(line.Index), CoveredDelta: line.Covered,
			BackorderedDelta: line.Backordered, FulfilledDelta: line.Fulfilled,
			QueuedSequence: line.Joined,
		}
		if line.Again.Set {
			message.Again = hintsMessage(line.Again.Value)
		}
		out.Lines = append(out.Lines, message)
	}
	return out
}

func exportEndMessage(in *reservation.ExportEnd) *holdfastv1.ExportEnd {
	out := &holdfastv1.ExportEnd{
		Position: positionMessage(in.Position), Items: in.Items, Reservations: in.Reservations,
		Requests: in.Requests, Amendments: in.Amendments,
	}
	for _, began := range in.Epochs {
		out.Epochs = append(out.Epochs, positionMessage(began))
	}
	return out
}
