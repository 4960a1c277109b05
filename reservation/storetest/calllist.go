package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// A page may be short, and its cursor is the store's own: lists are looked at as a whole.
type (
	// reservationList is every page of the reservations in one state.
	reservationList struct {
		Reservations []reservation.Reservation
		StoreTime    time.Time
	}
	// backorderList is every page of the lines that wait.
	backorderList struct {
		Backorders []reservation.Backorder
		StoreTime  time.Time
	}
)

// mostPages is where a list is taken for one without an end.
const mostPages = 100_000

var errNoEnd = errors.New("the list does not end")

func (w words) parseReservations(stock reservation.StockID) (doFunc, error) {
	request := reservation.ListReservationsRequest{Stock: stock}
	var err error
	if request.Limit, err = w.limit(); err != nil {
		return nil, err
	}
	name, err := w.name()
	if err != nil {
		return nil, err
	}
	if request.State, err = parseState(name); err != nil {
		return nil, err
	}
	return func(ctx context.Context, on target) (any, error) {
		return pageReservations(ctx, on, request)
	}, nil
}

func pageReservations(
	ctx context.Context, on target, request reservation.ListReservationsRequest,
) (reservationList, error) {
	var list reservationList
	for range mostPages {
		page, err := on.Reservations(ctx, request)
		if err != nil {
			return reservationList{}, err
		}
		if len(page.Reservations) > request.Limit {
			return reservationList{}, fmt.Errorf("a page of %d has %d", request.Limit,
				len(page.Reservations))
		}
		list.Reservations = append(list.Reservations, page.Reservations...)
		list.StoreTime = page.StoreTime
		if !page.Next.Set {
			return list, nil
		}
		request.After = page.Next.Value
	}
	return reservationList{}, errNoEnd
}

func (w words) parseBackorders(stock reservation.StockID) (doFunc, error) {
	request := reservation.BackordersRequest{Stock: stock}
	var err error
	if request.Limit, err = w.limit(); err != nil {
		return nil, err
	}
	skus, err := w.skus()
	if err != nil || len(skus) > 1 {
		return nil, errors.Join(err, errors.New("names several SKUs"))
	}
	if len(skus) == 1 {
		request.SKU = reservation.Some(skus[0])
	}
	return func(ctx context.Context, on target) (any, error) {
		return pageBackorders(ctx, on, request)
	}, nil
}

func pageBackorders(
	ctx context.Context, on target, request reservation.BackordersRequest,
) (backorderList, error) {
	var list backorderList
	for range mostPages {
		page, err := on.Backorders(ctx, request)
		if err != nil {
			return backorderList{}, err
		}
		if len(page.Backorders) > request.Limit {
			return backorderList{}, fmt.Errorf("a page of %d has %d", request.Limit,
				len(page.Backorders))
		}
		list.Backorders = append(list.Backorders, page.Backorders...)
		list.StoreTime = page.StoreTime
		if !page.Next.Set {
			return list, nil
		}
		request.After = page.Next.Value
	}
	return backorderList{}, errNoEnd
}

// limit is the size of a page; 1 where none is named, for that shows most.
func (w words) limit() (int, error) {
	if _, named := w.options["limit"]; !named {
		return 1, nil
	}
	limit, err := w.number("limit")
	if err != nil || limit < 1 || limit > reservation.MaxPageSize {
		return 0, errors.Join(err, errors.New("limit is out of range"))
	}
	return int(limit), nil
}

func parseState(name string) (reservation.State, error) {
	for _, state := range []reservation.State{
		reservation.StateHeld, reservation.StateCommitted, reservation.StateFulfilled,
		reservation.StateReleased, reservation.StateExpired,
	} {
		if state.String() == name {
			return state, nil
		}
	}
	return 0, fmt.Errorf("unknown state %q", name)
}

// print writes each reservation as "reservation ID: ..." with its lines.
func (l reservationList) print() []string {
	if len(l.Reservations) == 0 {
		return []string{"none"}
	}
	var lines []string
	for _, r := range l.Reservations {
		written := printReservation(r)
		written[0] = fmt.Sprintf("reservation %s: %s", r.ID, written[0])
		lines = append(lines, written...)
	}
	return lines
}

// print writes since when a line waits as a distance from now.
func (l backorderList) print() []string {
	if len(l.Backorders) == 0 {
		return []string{"none"}
	}
	var lines []string
	for _, b := range l.Backorders {
		lines = append(lines, fmt.Sprintf("%d. of %s: %s/%d*%d for %s", b.Position, escape(b.SKU),
			b.ID, b.Index, b.Units, durationText(l.StoreTime.Sub(b.Since))))
	}
	return lines
}
