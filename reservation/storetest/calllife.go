package storetest

import (
	"context"
	"errors"

	"github.com/holdfast-dev/holdfast/reservation"
)

// parseCommit reads the calls that take a reservation further.
func (w words) parseCommit(stock reservation.StockID) (doFunc, error) {
	id, err := w.reservationID()
	if err != nil {
		return nil, err
	}
	if !w.lines.IsZero() {
		return nil, errors.New("takes no lines")
	}
	if w.verb == "commit" {
		request := reservation.CommitRequest{
			Stock: stock, ID: id, Reacquire: w.flags["reacquire"],
		}
		return func(ctx context.Context, on target) (any, error) {
			return on.Commit(ctx, request)
		}, nil
	}
	ttl, err := w.ttl()
	if err != nil || ttl.IsZero() {
		return nil, errors.Join(err, errors.New("needs a ttl"))
	}
	request := reservation.ExtendRequest{Stock: stock, ID: id, TTL: ttl}
	return func(ctx context.Context, on target) (any, error) {
		return on.Extend(ctx, request)
	}, nil
}

func (w words) parseFulfill(stock reservation.StockID) (doFunc, error) {
	request := reservation.FulfillRequest{Stock: stock, Lines: w.lines}
	var err error
	if request.ID, err = w.reservationID(); err != nil {
		return nil, err
	}
	if request.Request, err = w.by(); err != nil {
		return nil, err
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Fulfill(ctx, request)
	}, nil
}

// by returns the request id, which stands together with lines.
func (w words) by() (reservation.RequestID, error) {
	by, named := w.options["by"]
	switch {
	case named == w.lines.IsZero():
		return reservation.RequestID{}, errors.New("by= and lines stand together")
	case !named:
		return reservation.RequestID{}, nil
	}
	return reservation.ParseRequestID(by)
}
