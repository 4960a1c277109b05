package server

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/reservation"
)

// A page token names a place in an order, not an offset, so it never goes stale. It is encoded so
// that nobody builds one. Those of reservations and backorders also say what they page through: in
// another list their place would mean something else. Parts are set apart by a NUL, which no name
// may hold; the longest token has 216 bytes.
const (
	reservationsKind = "reservations"
	backordersKind   = "backorders"
	allSKUs          = "all"
	oneSKU           = "one"
)

// pageToken reads what pageToken below wrote: the last SKU of the page before.
func (p *parser) pageToken(token string) reservation.SKU {
	if token == "" {
		return reservation.SKU{}
	}
	name, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err == nil {
		var sku reservation.SKU
		if sku, err = reservation.ParseSKU(string(name)); err == nil {
			return sku
		}
	}
	p.refuse("page_token", "is not a next_page_token of this call")
	return reservation.SKU{}
}

// pageToken names the page after a SKU.
func pageToken(last reservation.SKU) string {
	return base64.RawURLEncoding.EncodeToString([]byte(last.String()))
}

// reservationsToken names the page after a reservation in the list that a request asks for.
func reservationsToken(
	request reservation.ListReservationsRequest, last reservation.Cursor,
) string {
	return token(reservationsKind, request.Stock.String(), request.State.String(),
		strconv.FormatInt(last.Score, 10), last.Name)
}

// reservationsToken reads what the function of that name wrote for the same list.
func (p *parser) reservationsToken(
	text string, request reservation.ListReservationsRequest,
) reservation.Cursor {
	if text == "" {
		return reservation.Cursor{}
	}
	cursor, last := cursorOf(text)
	cursor.Name = last
	_, err := reservation.ParseReservationID(last)
	if err != nil || text != reservationsToken(request, cursor) {
		p.refuse("page_token", "is not a next_page_token of this call for this stock and state")
		return reservation.Cursor{}
	}
	return cursor
}

// backordersToken names the page after a backorder in the list that a request asks for. Where that
// is one SKU's queue, it is the SKU of the backorder.
func backordersToken(request reservation.BackordersRequest, last reservation.Cursor) string {
	scope := allSKUs
	if request.SKU.Set {
		scope = oneSKU
	}
	return token(backordersKind, request.Stock.String(), scope,
		strconv.FormatInt(last.Score, 10), last.SKU)
}

// backordersToken reads what the function of that name wrote for the same list.
func (p *parser) backordersToken(
	text string, request reservation.BackordersRequest,
) reservation.Cursor {
	if text == "" {
		return reservation.Cursor{}
	}
	cursor, last := cursorOf(text)
	cursor.SKU = last
	sku, err := reservation.ParseSKU(last)
	if err != nil || text != backordersToken(request, cursor) || request.SKU.Or(sku) != sku {
		p.refuse("page_token", "is not a next_page_token of this call for this stock and SKU")
		return reservation.Cursor{}
	}
	return cursor
}

// token encodes what a page pages through and where it begins.
func token(kind, stock, scope, score, last string) string {
	text := strings.Join([]string{kind, stock, scope, score, last}, "\x00")
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// cursorOf takes the score and the last name out of a token. It judges nothing: whoever asks builds
// the token again and compares.
func cursorOf(text string) (cursor reservation.Cursor, last string) {
	const parts = 5
	decoded, _ := base64.RawURLEncoding.DecodeString(text)
	list := strings.SplitN(string(decoded), "\x00", parts)
	if len(list) < parts {
		return reservation.Cursor{}, ""
	}
	cursor.Score, _ = strconv.ParseInt(list[parts-2], 10, 64)
	return cursor, list[parts-1]
}
