package history

import (
	"errors"
	"fmt"

	domain "github.com/holdfast-dev/holdfast/reservation"
)

// modelReply reads an answer or a refusal of the model.
func modelReply(answered any, err error) reply {
	var refused *domain.Error
	if errors.As(err, &refused) {
		r := reply{
			Refused: refused.Reason.String(), Refusals: modelRefusals(refused.Refusals),
			Sequence: refused.Stamp.Sequence,
		}
		if refused.Reason == domain.ReasonWrongState {
			r.State = refused.State.String()
		}
		for _, sku := range refused.SKUs {
			r.SKUs = append(r.SKUs, sku.String())
		}
		return r
	}
	switch a := answered.(type) {
	case domain.ReserveAnswer:
		r := modelReservation(a.Reservation)
		return reply{Replayed: a.Replayed, Sequence: a.Sequence, Reservation: r}
	case domain.ChangeAnswer:
		return reply{Sequence: a.Sequence, Reservation: modelReservation(a.Reservation)}
	case domain.ReleaseAnswer:
		return reply{Sequence: a.Sequence, Reservation: modelReservation(a.Reservation)}
	case domain.GetAnswer:
		return reply{Reservation: modelReservation(a.Reservation)}
	case domain.CheckAnswer:
		return reply{
			Grantable: a.Grantable, Lines: modelLines(a.Lines), Refusals: modelRefusals(a.Refusals),
		}
	case domain.RestockAnswer:
		r := reply{Sequence: a.Sequence, Fills: modelFills(a.Fills)}
		for _, l := range a.Lines {
			r.Arrivals = append(r.Arrivals, arrival{
				SKU: l.SKU.String(), Units: l.Quantity, OnHand: l.OnHand, Available: l.Available,
				Filled: l.Filled, Backordered: l.Backordered,
			})
		}
		return r
	case domain.OnHandAnswer:
		r := reply{Sequence: a.Sequence, Fills: modelFills(a.Fills)}
		for _, l := range a.Lines {
			r.Arrivals = append(r.Arrivals, arrival{
				SKU: l.SKU.String(), Units: l.Delta, OnHand: l.OnHand, Available: l.Available,
				Filled: l.Filled, Backordered: l.Backordered, Shortfall: l.Shortfall,
			})
		}
		return r
	case domain.PolicyAnswer:
		return reply{Sequence: a.Sequence}
	case domain.ItemsAnswer:
		return reply{Items: modelItems(a.Items)}
	}
	panic(fmt.Sprintf("the model answered %T, %v", answered, err))
}

func modelReservation(r domain.Reservation) *reservation {
	return &reservation{
		ID: r.ID.String(), State: r.State.String(), Created: milliseconds(r.CreateTime),
		Expires: milliseconds(r.ExpireTime), Term: r.Term, Lines: modelLines(r.Lines),
	}
}

func modelLines(list []domain.ReservationLine) []line {
	var lines []line
	for _, l := range list {
		lines = append(lines, line{
			SKU: l.SKU.String(), Requested: l.Requested, Reserved: l.Open(),
			Backordered: l.Backordered, Fulfilled: l.Fulfilled, Released: l.Released,
			Available: pointer(l.Available),
		})
	}
	return lines
}

func modelRefusals(list []domain.LineRefusal) []refusal {
	var refusals []refusal
	for _, r := range list {
		refusals = append(refusals, refusal{
			Line: r.Index, SKU: r.SKU.String(), Requested: r.Requested,
			Orderable: pointer(r.Orderable), Reason: r.Reason.String(),
		})
	}
	return refusals
}

func modelFills(list []domain.Fill) []fill {
	var fills []fill
	for _, f := range list {
		fills = append(fills, fill{ID: f.ID.String(), SKU: f.SKU.String(), Units: f.Units})
	}
	return fills
}

func modelItems(list []domain.Item) []item {
	var items []item
	for _, i := range list {
		items = append(items, item{
			SKU: i.SKU.String(), OnHand: i.OnHand, Reserved: i.Reserved,
			Orderable: pointer(i.Orderable()), Backordered: i.Backordered(), Filling: i.Filling,
			Shortfall: i.Shortfall(),
		})
	}
	return items
}

func pointer(n domain.Optional[int64]) *int64 {
	if !n.Set {
		return nil
	}
	return &n.Value
}
