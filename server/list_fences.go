package server

import (
	"context"
	"encoding/base64"
	"strconv"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// ListFences pages through the stocks that are fenced; see the proto for its reasons.
func (s *auditService) ListFences(
	ctx context.Context, in *holdfastv1.ListFencesRequest,
) (*holdfastv1.ListFencesResponse, error) {
	if s.fencer == nil {
		return s.UnimplementedAuditServiceServer.ListFences(ctx, in)
	}
	var p parser
	request := reservation.ListFencesRequest{
		Limit: p.pageSize(in.GetPageSize()), After: p.fencesToken(in.GetPageToken()),
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	answer, err := s.fencer.Fences(ctx, request)
	if err != nil {
		return nil, err
	}
	response := &holdfastv1.ListFencesResponse{StoreTime: timeMessage(answer.StoreTime)}
	for _, fenced := range answer.Stocks {
		response.Stocks = append(response.Stocks, &holdfastv1.FencedStock{
			StockId: fenced.Stock.String(), Fence: fenceMessage(fenced.Fence),
		})
	}
	if answer.Next != 0 {
		response.NextPageToken = fencesToken(answer.Next)
	}
	return response, nil
}

// fencesToken names the page from a place on in the set of all stocks.
func fencesToken(next uint64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendUint(nil, next, 10))
}

// fencesToken reads what the function of that name wrote; 0 for the first page.
func (p *parser) fencesToken(token string) uint64 {
	if token == "" {
		return 0
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err == nil {
		var next uint64
		if next, err = strconv.ParseUint(string(text), 10, 64); err == nil &&
			fencesToken(next) == token && next > 0 {
			return next
		}
	}
	p.refuse("page_token", "is not a next_page_token of this call")
	return 0
}
