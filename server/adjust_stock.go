package server

import (
	"context"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// AdjustStock corrects on hand by deltas; see the proto for its reasons. A replay says so in the
// response's metadata.
func (s *stockService) AdjustStock(
	ctx context.Context, in *holdfastv1.AdjustStockRequest,
) (*holdfastv1.AdjustStockResponse, error) {
	request, err := parseAdjustStock(in)
	if err != nil {
		return nil, err
	}
	answer, err := s.store.Adjust(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer.Replayed {
		sayReplayed(ctx)
	}
	return &holdfastv1.AdjustStockResponse{
		Lines:     onHandLineMessages(answer.Lines),
		Fills:     fillMessages(answer.Fills),
		Sequence:  answer.Sequence,
		StoreTime: timeMessage(answer.StoreTime),
	}, nil
}

func parseAdjustStock(in *holdfastv1.AdjustStockRequest) (reservation.AdjustRequest, error) {
	var p parser
	request := reservation.AdjustRequest{
		Stock:   p.stock(in.GetStockId()),
		Request: p.requestID(in.GetRequestId()),
		Lines:   p.adjustments(in.GetLines()),
	}
	return request, p.err()
}

// adjustments reads 1 to MaxLines lines, as lines does.
func (p *parser) adjustments(in []*holdfastv1.StockAdjustment) []reservation.AdjustLine {
	if len(in) < 1 || len(in) > reservation.MaxLines {
		p.refuse("lines", wrongLineCount(len(in)))
		return nil
	}
	list := make([]reservation.AdjustLine, len(in))
	for i, line := range in {
		if line == nil {
			p.checkItem("lines", i, "", errMissing)
			continue
		}
		sku, err := reservation.ParseSKU(line.GetSku())
		p.checkItem("lines", i, "sku", err)
		delta, err := reservation.NewDelta(line.GetDelta())
		p.checkItem("lines", i, "delta", err)
		reason, err := reservation.ParseAdjustReason(line.GetReason())
		p.checkItem("lines", i, "reason", err)
		list[i] = reservation.AdjustLine{SKU: sku, Delta: delta, Reason: reason}
	}
	return list
}
