package server_test

import (
	"encoding/base64"
	"strings"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// encoded is a page token of parts, as the server writes them or not.
func encoded(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\x00")))
}

// pageEdges are those of ListReservations and ListBackorders.
func pageEdges() []edge {
	const notAToken = "only the server knows its tokens"
	page := func(state holdfastv1.ReservationState, size int32, token string) proto.Message {
		return &holdfastv1.ListReservationsRequest{
			StockId: "s", State: state, PageSize: size, PageToken: token,
		}
	}
	backorders := func(sku string, size int32, token string) proto.Message {
		return &holdfastv1.ListBackordersRequest{
			StockId: "s", Sku: sku, PageSize: size, PageToken: token,
		}
	}
	var edges []edge
	for state, isGood := range map[holdfastv1.ReservationState]bool{
		-1: false, 0: false, 1: true, 2: true, 3: true, 4: true, 5: true, 6: false,
	} {
		e := edge{name: "state", request: page(state, 0, "")}
		if !isGood {
			e.fields = []string{"state"}
		}
		edges = append(edges, e)
	}
	for size, isGood := range map[int32]bool{-1: false, 0: true, 1_000: true, 1_001: false} {
		var fields []string
		if !isGood {
			fields = []string{"page_size"}
		}
		edges = append(edges,
			edge{name: "page_size", request: page(1, size, ""), fields: fields},
			edge{name: "page_size", request: backorders("", size, ""), fields: fields})
	}
	for sku, isGood := range map[string]bool{
		"": true, "A": true, strings.Repeat("s", 65): false, " ": false, "a\n": false,
	} {
		e := edge{name: "sku " + shortName(sku), request: backorders(sku, 0, "")}
		if !isGood {
			e.fields = []string{"sku"}
		}
		edges = append(edges, e)
	}
	for _, token := range []string{
		"QQ", "!", encoded("reservations", "s", "COMMITTED", "7", "r-1"),
		encoded("reservations", "t", "HELD", "7", "r-1"),
		encoded("reservations", "s", "HELD", "7", ""),
		encoded("reservations", "s", "HELD", "7", "a b"),
		encoded("reservations", "s", "HELD", "+7", "r-1"),
		encoded("reservations", "s", "HELD", "x", "r-1"),
		encoded("reservations", "s", "HELD", "7", "r-1", ""),
		encoded("reservations", "s", "HELD", "r-1"),
		encoded("backorders", "s", "all", "7", "A"),
		encoded("reservations", "s", "HELD", "7", "r-1") + "=",
	} {
		edges = append(edges, edge{
			name: "token " + token, request: page(1, 0, token), fields: []string{"page_token"},
			parserOnly: notAToken,
		})
	}
	for _, token := range []string{
		encoded("backorders", "t", "one", "7", "A"), encoded("backorders", "s", "all", "7", "A"),
		encoded("backorders", "s", "one", "7", "B"), encoded("backorders", "s", "one", "7", ""),
		encoded("reservations", "s", "HELD", "7", "A"),
	} {
		edges = append(edges, edge{
			name: "token " + token, request: backorders("A", 0, token),
			fields: []string{"page_token"}, parserOnly: notAToken,
		})
	}
	return append(edges,
		edge{name: "token", request: page(1, 0, encoded("reservations", "s", "HELD", "7", "r-1"))},
		edge{name: "token", request: backorders("", 0, encoded("backorders", "s", "all", "-7", "ä b"))},
		edge{name: "token", request: backorders("A", 0, encoded("backorders", "s", "one", "7", "A"))},
		edge{
			name: "token too long", request: page(1, 0, strings.Repeat("Q", 257)),
			fields: []string{"page_token"},
		},
		edge{
			name: "token too long", request: backorders("", 0, strings.Repeat("Q", 257)),
			fields: []string{"page_token"},
		})
}

func watchEdges() []edge {
	const acrossFields = "a rule over two fields"
	var edges []edge
	after := func(epoch, sequence int64, parserOnly string, fields ...string) {
		edges = append(edges, edge{name: "after", request: &holdfastv1.WatchRequest{
			After: &holdfastv1.Position{Epoch: epoch, Sequence: sequence},
		}, fields: fields, parserOnly: parserOnly})
	}
	after(0, 0, "")
	after(1, 0, "")
	after(1, 1<<63-1, "")
	after(0, 1, acrossFields, "after.epoch")
	after(-1, 0, "", "after.epoch")
	after(-1, -1, "", "after.epoch", "after.sequence")
	after(1, -1, "", "after.sequence")
	after(0, -1, "", "after.sequence")
	all := make([]holdfastv1.EventType, 17)
	for i := range all {
		all[i] = holdfastv1.EventType(i + 1)
	}
	skus := make([]string, 1_001)
	for i := range skus {
		skus[i] = longName(i)
	}
	for _, e := range []struct {
		request *holdfastv1.WatchRequest
		fields  []string
	}{
		{&holdfastv1.WatchRequest{}, nil},
		{&holdfastv1.WatchRequest{StockId: "a b"}, []string{"stock_id"}},
		{&holdfastv1.WatchRequest{Types: all}, nil},
		{&holdfastv1.WatchRequest{Types: append(all, 1)}, []string{"types"}},
		{&holdfastv1.WatchRequest{Types: []holdfastv1.EventType{1, 1}}, nil},
		{&holdfastv1.WatchRequest{Types: []holdfastv1.EventType{1, 0}}, []string{"types[1]"}},
		{&holdfastv1.WatchRequest{Types: []holdfastv1.EventType{18}}, []string{"types[0]"}},
		{&holdfastv1.WatchRequest{Types: []holdfastv1.EventType{-1}}, []string{"types[0]"}},
		{&holdfastv1.WatchRequest{Skus: skus[:1_000]}, nil},
		{&holdfastv1.WatchRequest{Skus: skus}, []string{"skus"}},
		{&holdfastv1.WatchRequest{Skus: []string{"A", "A"}}, nil},
		{&holdfastv1.WatchRequest{Skus: []string{"A", ""}}, []string{"skus[1]"}},
		{&holdfastv1.WatchRequest{Skus: []string{"a\n"}}, []string{"skus[0]"}},
	} {
		edges = append(edges, edge{name: "watch", request: e.request, fields: e.fields})
	}
	return edges
}
