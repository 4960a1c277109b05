package storetest

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// parseAdjust reads "adjust REQUEST SKU*delta:reason ...".
func (w words) parseAdjust(stock reservation.StockID) (doFunc, error) {
	id, err := w.requestID()
	if err != nil {
		return nil, err
	}
	request := reservation.AdjustRequest{Stock: stock, Request: id}
	for _, text := range w.figures {
		f, err := parseFigure(text)
		if err != nil {
			return nil, err
		}
		line := reservation.AdjustLine{SKU: f.sku}
		if line.Delta, err = reservation.NewDelta(f.units); err != nil {
			return nil, err
		}
		if line.Reason, err = reservation.ParseAdjustReason(f.note); err != nil {
			return nil, err
		}
		request.Lines = append(request.Lines, line)
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.Adjust(ctx, request)
	}, nil
}

// parseSetStock reads "set-stock REQUEST SKU*on_hand:expected ...".
func (w words) parseSetStock(stock reservation.StockID) (doFunc, error) {
	id, err := w.requestID()
	if err != nil {
		return nil, err
	}
	request := reservation.SetStockRequest{Stock: stock, Request: id}
	seen := map[reservation.SKU]bool{}
	for _, text := range w.figures {
		f, err := parseFigure(text)
		if err != nil {
			return nil, err
		}
		if seen[f.sku] || f.units < 0 || f.units > reservation.MaxFigure {
			return nil, errors.New("counts a SKU twice or out of range")
		}
		seen[f.sku] = true
		line := reservation.CountLine{SKU: f.sku, OnHand: f.units}
		if f.note != "" {
			if line.Expected, err = some(parseUnits(f.note)); err != nil {
				return nil, err
			}
		}
		request.Lines = append(request.Lines, line)
	}
	return func(ctx context.Context, on target) (any, error) {
		return on.SetStock(ctx, request)
	}, nil
}

// requestID returns the request id of a call that has lines of its own kind.
func (w words) requestID() (reservation.RequestID, error) {
	name, err := w.name()
	if err != nil {
		return reservation.RequestID{}, err
	}
	if len(w.figures) == 0 {
		return reservation.RequestID{}, errors.New("has no lines")
	}
	return reservation.ParseRequestID(name)
}

// figure is "SKU*units:note".
type figure struct {
	sku   reservation.SKU
	units int64
	note  string
}

func parseFigure(text string) (figure, error) {
	name, rest, _ := strings.Cut(text, "*")
	count, note, _ := strings.Cut(rest, ":")
	var f figure
	var err error
	if f.sku, err = parseSKU(name); err != nil {
		return figure{}, err
	}
	if f.units, err = parseUnits(count); err != nil {
		return figure{}, err
	}
	f.note, err = url.PathUnescape(note)
	return f, err
}
