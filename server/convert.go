package server

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// The functions below turn answers into messages. Optional fields of a message point into the
// answer instead of at copies, and the messages of a list are allocated together: an answer belongs
// to its call, and nobody writes to it once the store has returned it.

func reservationMessage(in *reservation.Reservation) *holdfastv1.Reservation {
	var parts struct {
		reservation      holdfastv1.Reservation
		created, expires timestamppb.Timestamp
	}
	out := &parts.reservation
	out.StockId = in.Stock.String()
	out.ReservationId = in.ID.String()
	out.State = stateMessage(in.State)
	out.CreateTime = fillTime(&parts.created, in.CreateTime)
	out.ExpireTime = fillTime(&parts.expires, in.ExpireTime)
	out.Backordered = in.IsBackordered()
	out.Lines = lineMessages(in.Lines)
	out.Term = in.Term
	return out
}

func reservationMessages(in []reservation.Reservation) []*holdfastv1.Reservation {
	out := make([]*holdfastv1.Reservation, len(in))
	for i := range in {
		out[i] = reservationMessage(&in[i])
	}
	return out
}

func lineMessages(in []reservation.ReservationLine) []*holdfastv1.ReservationLine {
	messages := make([]holdfastv1.ReservationLine, len(in))
	out := make([]*holdfastv1.ReservationLine, len(in))
	for i := range in {
		line, message := &in[i], &messages[i]
		message.Sku = line.SKU.String()
		message.RequestedQuantity = line.Requested
		message.ReservedQuantity = line.Open()
		message.BackorderedQuantity = line.Backordered
		message.NotifyCustomer = line.Notify
		message.AvailableQuantity = pointer(&line.Available)
		message.FulfilledQuantity = line.Fulfilled
		message.ReleasedQuantity = line.Released
		if line.Backordered > 0 {
			message.Backordered = true
			if line.RestockTime.Set {
				message.RestockTime = timeMessage(line.RestockTime.Value)
			}
		}
		if line.Reason != 0 {
			message.RefusalReason = lineReasonMessage(line.Reason)
			message.OrderableQuantity = pointer(&line.Orderable)
		}
		if line.Backordered > 0 || line.Reason != 0 {
			message.Substitutes = skuStrings(line.Substitutes)
		}
		out[i] = message
	}
	return out
}

func refusalMessages(in []reservation.LineRefusal) []*holdfastv1.LineRefusal {
	messages := make([]holdfastv1.LineRefusal, len(in))
	out := make([]*holdfastv1.LineRefusal, len(in))
	for i := range in {
		fillRefusal(&messages[i], &in[i])
		out[i] = &messages[i]
	}
	return out
}

func fillRefusal(out *holdfastv1.LineRefusal, in *reservation.LineRefusal) {
	out.LineIndex = int32(in.Index)
	out.Sku = in.SKU.String()
	out.RequestedQuantity = in.Requested
	out.OrderableQuantity = pointer(&in.Orderable)
	out.Reason = lineReasonMessage(in.Reason)
	out.Substitutes = skuStrings(in.Substitutes)
}

func restockLineMessages(in []reservation.RestockLine) []*holdfastv1.RestockLine {
	messages := make([]holdfastv1.RestockLine, len(in))
	out := make([]*holdfastv1.RestockLine, len(in))
	for i := range in {
		line, message := &in[i], &messages[i]
		message.Sku = line.SKU.String()
		message.Quantity = line.Quantity
		message.OnHandQuantity = line.OnHand
		message.AvailableQuantity = line.Available
		message.FilledQuantity = line.Filled
		message.BackorderedQuantity = line.Backordered
		out[i] = message
	}
	return out
}

func onHandLineMessages(in []reservation.OnHandLine) []*holdfastv1.OnHandLine {
	messages := make([]holdfastv1.OnHandLine, len(in))
	out := make([]*holdfastv1.OnHandLine, len(in))
	for i := range in {
		line, message := &in[i], &messages[i]
		message.Sku = line.SKU.String()
		message.Delta = line.Delta
		message.OnHandQuantity = line.OnHand
		message.AvailableQuantity = line.Available
		message.FilledQuantity = line.Filled
		message.BackorderedQuantity = line.Backordered
		message.ShortfallQuantity = line.Shortfall
		out[i] = message
	}
	return out
}

func backorderMessages(in []reservation.Backorder) []*holdfastv1.Backorder {
	messages := make([]holdfastv1.Backorder, len(in))
	out := make([]*holdfastv1.Backorder, len(in))
	for i := range in {
		backorder, message := &in[i], &messages[i]
		message.Sku = backorder.SKU.String()
		message.Position = backorder.Position
		message.ReservationId = backorder.ID.String()
		message.LineIndex = int32(backorder.Index)
		message.BackorderedQuantity = backorder.Units
		message.WaitingSince = timeMessage(backorder.Since)
		out[i] = message
	}
	return out
}

func fillMessages(in []reservation.Fill) []*holdfastv1.ReservationFill {
	messages := make([]holdfastv1.ReservationFill, len(in))
	out := make([]*holdfastv1.ReservationFill, len(in))
	for i := range in {
		message := &messages[i]
		message.ReservationId = in[i].ID.String()
		message.Sku = in[i].SKU.String()
		message.FilledQuantity = in[i].Units
		out[i] = message
	}
	return out
}

func itemMessages(in []reservation.Item) []*holdfastv1.StockItem {
	messages := make([]holdfastv1.StockItem, len(in))
	out := make([]*holdfastv1.StockItem, len(in))
	for i := range in {
		item, message := &in[i], &messages[i]
		orderable := item.Orderable()
		message.Sku = item.SKU.String()
		message.OnHandQuantity = item.OnHand
		message.ReservedQuantity = item.Reserved
		message.AvailableQuantity = item.Available()
		message.OrderableQuantity = pointer(&orderable)
		message.BackorderedQuantity = item.Backordered()
		message.FillingQuantity = item.Filling
		message.ShortfallQuantity = item.Shortfall()
		message.Policy = effectivePolicyMessage(&item.Policy)
		out[i] = message
	}
	return out
}

// policyMessage says what is set, and nothing of what is inherited.
func policyMessage(in *reservation.Policy) *holdfastv1.Policy {
	out := &holdfastv1.Policy{
		BackorderLimit:    pointer(&in.BackorderLimit),
		SafetyStock:       pointer(&in.SafetyStock),
		LowStockThreshold: pointer(&in.LowStockThreshold),
		RestockTime:       optionalTimeMessage(in.RestockTime),
		MinQuantity:       pointer(&in.MinQuantity),
		MaxQuantity:       pointer(&in.MaxQuantity),
		QuantityIncrement: pointer(&in.QuantityIncrement),
		Sellable:          pointer(&in.Sellable),
		Tracked:           pointer(&in.Tracked),
		Substitutes:       skuStrings(in.Substitutes.Value),
	}
	if in.BackorderMode.Set {
		out.BackorderMode = backorderModeMessage(in.BackorderMode.Value).Enum()
	}
	return out
}

// effectivePolicyMessage says what is in force; what has no built-in value may be unset in it.
func effectivePolicyMessage(in *reservation.EffectivePolicy) *holdfastv1.Policy {
	return &holdfastv1.Policy{
		BackorderMode:     backorderModeMessage(in.BackorderMode).Enum(),
		BackorderLimit:    pointer(&in.BackorderLimit),
		SafetyStock:       &in.SafetyStock,
		LowStockThreshold: pointer(&in.LowStockThreshold),
		RestockTime:       optionalTimeMessage(in.RestockTime),
		MinQuantity:       &in.MinQuantity,
		MaxQuantity:       pointer(&in.MaxQuantity),
		QuantityIncrement: &in.QuantityIncrement,
		Sellable:          &in.Sellable,
		Tracked:           &in.Tracked,
		Substitutes:       skuStrings(in.Substitutes),
	}
}

// timeMessage returns nil for the zero time, which stands for "never" or "not set" in the domain.
func timeMessage(t time.Time) *timestamppb.Timestamp {
	return fillTime(new(timestamppb.Timestamp), t)
}

// fillTime writes a time into out and returns it, or nil for the zero time.
func fillTime(out *timestamppb.Timestamp, t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	out.Seconds, out.Nanos = t.Unix(), int32(t.Nanosecond())
	return out
}

func optionalTimeMessage(t reservation.Optional[time.Time]) *timestamppb.Timestamp {
	if !t.Set {
		return nil
	}
	return timestamppb.New(t.Value)
}

func skuStrings(skus []reservation.SKU) []string {
	if len(skus) == 0 {
		return nil
	}
	names := make([]string, len(skus))
	for i, sku := range skus {
		names[i] = sku.String()
	}
	return names
}

// pointer returns where the value of o is, or nil when it is unset.
func pointer[T any](o *reservation.Optional[T]) *T {
	if !o.Set {
		return nil
	}
	return &o.Value
}
