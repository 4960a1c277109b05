package server

import (
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// FuzzPageTokens reads tokens that no server wrote, and those that it writes: one that is taken is
// the very text that names its place, and a place that is named is found again.
func FuzzPageTokens(f *testing.F) {
	f.Add("VEVB", "default", "TEA", "r-1", int64(17), false)
	f.Add("", "x", "a b", "a:b", int64(-1), true)
	f.Add("cmVzZXJ2YXRpb25zAHMASEVMRAAxNwByLTE", "s", "ä", "-", int64(1)<<62, false)
	f.Fuzz(func(t *testing.T, text, stockName, skuName, idName string, score int64, one bool) {
		stock, err := reservation.ParseStockID(stockName)
		if err != nil {
			return
		}
		states := reservation.ListReservationsRequest{Stock: stock, State: reservation.StateHeld}
		var queues reservation.BackordersRequest
		queues.Stock = stock
		sku, skuErr := reservation.ParseSKU(skuName)
		if one && skuErr == nil {
			queues.SKU = reservation.Some(sku)
		}
		wantSameToken(t, text, func(p *parser) string { return pageToken(p.pageToken(text)) })
		wantSameToken(t, text, func(p *parser) string {
			return reservationsToken(states, p.reservationsToken(text, states))
		})
		wantSameToken(t, text, func(p *parser) string {
			return backordersToken(queues, p.backordersToken(text, queues))
		})
		if id, err := reservation.ParseReservationID(idName); err == nil {
			last := reservation.Cursor{Score: score, Name: id.String()}
			var p parser
			if got := p.reservationsToken(reservationsToken(states, last), states); got != last {
				t.Errorf("%+v became %+v, %v", last, got, p.err())
			}
		}
		if skuErr == nil {
			last := reservation.Cursor{Score: score, SKU: sku.String()}
			var p parser
			if got := p.backordersToken(backordersToken(queues, last), queues); got != last {
				t.Errorf("%+v became %+v, %v", last, got, p.err())
			}
			if got := p.pageToken(pageToken(sku)); got != sku || p.err() != nil {
				t.Errorf("%q became %q, %v", sku, got, p.err())
			}
		}
	})
}

// wantSameToken wants a token that is taken to be the one that is written for what it says.
func wantSameToken(t *testing.T, text string, again func(p *parser) string) {
	t.Helper()
	var p parser
	if written := again(&p); text != "" && p.err() == nil && written != text {
		t.Errorf("%q was taken for %q", text, written)
	}
}
