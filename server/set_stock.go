package server

import (
	"context"
	"errors"
	"fmt"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

var errCountedTwice = errors.New("stands on a line before as well")

// SetStock takes a count over; see the proto for its reasons. A replay says so in the response's
// metadata.
func (s *stockService) SetStock(
	ctx context.Context, in *holdfastv1.SetStockRequest,
) (*holdfastv1.SetStockResponse, error) {
	request, err := parseSetStock(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.SetStock(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer.Replayed {
		sayReplayed(ctx)
	}
	return &holdfastv1.SetStockResponse{
		Lines:     onHandLineMessages(answer.Lines),
		Fills:     fillMessages(answer.Fills),
		Sequence:  answer.Sequence,
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

func parseSetStock(in *holdfastv1.SetStockRequest) (reservation.SetStockRequest, error) {
	var p parser
	request := reservation.SetStockRequest{
		Stock:   p.stock(in.GetStockId()),
		Request: p.requestID(in.GetRequestId()),
		Lines:   p.counts(in.GetLines()),
	}
	return request, p.err()
}

// counts reads 1 to MaxLines lines, as lines does, each SKU once.
func (p *parser) counts(in []*holdfastv1.StockCount) []reservation.CountLine {
	if len(in) < 1 || len(in) > reservation.MaxLines {
		p.refuse("lines", wrongLineCount(len(in)))
		return nil
	}
	list := make([]reservation.CountLine, len(in))
	seen := make(map[reservation.SKU]bool, len(in))
	for i, line := range in {
		if line == nil {
			p.checkItem("lines", i, "", errMissing)
			continue
		}
		sku, err := reservation.ParseSKU(line.GetSku())
		if err == nil && seen[sku] {
			err = errCountedTwice
		}
		p.checkItem("lines", i, "sku", err)
		seen[sku] = true
		list[i] = reservation.CountLine{SKU: sku, OnHand: line.GetOnHandQuantity()}
		p.checkItem("lines", i, "on_hand_quantity", checkCount(line.GetOnHandQuantity()))
		if line.ExpectedOnHandQuantity != nil {
			list[i].Expected = reservation.Some(line.GetExpectedOnHandQuantity())
			p.checkItem("lines", i, "expected_on_hand_quantity",
				checkCount(line.GetExpectedOnHandQuantity()))
		}
	}
	return list
}

func checkCount(units int64) error {
	if units < 0 || units > reservation.MaxFigure {
		return fmt.Errorf("is %d, must be 0 to %d", units, int64(reservation.MaxFigure))
	}
	return nil
}
