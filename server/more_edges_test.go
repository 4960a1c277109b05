package server_test

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

// lifecycleEdges are those of Commit, Extend and Fulfill.
func lifecycleEdges() []edge {
	const acrossFields = "a rule over two fields"
	var edges []edge
	for value, isGood := range map[string]bool{
		"a": true, "A-z_0.9:1": true, strings.Repeat("s", 64): true,
		"": false, strings.Repeat("s", 65): false, "a b": false, "ä": false,
	} {
		var fields []string
		if !isGood {
			fields = []string{"reservation_id"}
		}
		for _, request := range []proto.Message{
			&holdfastv1.CommitRequest{ReservationId: value, Reacquire: true},
			&holdfastv1.ExtendRequest{ReservationId: value, Ttl: durationpb.New(time.Minute)},
			&holdfastv1.FulfillRequest{ReservationId: value},
		} {
			edges = append(edges, edge{
				name: "reservation_id " + shortName(value), request: request, fields: fields,
			})
		}
	}
	addTTL := func(ttl time.Duration, fields ...string) {
		edges = append(edges, edge{
			name: "ttl of Extend " + ttl.String(), fields: fields,
			request: &holdfastv1.ExtendRequest{ReservationId: "r-1", Ttl: durationpb.New(ttl)},
		})
	}
	addTTL(time.Second)
	addTTL(reservation.MaxTTL)
	addTTL(0, "ttl")
	addTTL(-1, "ttl")
	addTTL(time.Second-1, "ttl")
	addTTL(reservation.MaxTTL+1, "ttl")
	return append(edges,
		edge{name: "no ttl", request: &holdfastv1.ExtendRequest{
			ReservationId: "r-1",
		}, fields: []string{"ttl"}},
		edge{name: "fulfilment by lines", request: &holdfastv1.FulfillRequest{
			ReservationId: "r-1", RequestId: "q-1", Lines: repeatLine(1_000),
		}},
		edge{name: "fulfilment of 1001 lines", request: &holdfastv1.FulfillRequest{
			ReservationId: "r-1", RequestId: "q-1", Lines: repeatLine(1_001),
		}, fields: []string{"lines"}},
		edge{name: "fulfilment by lines without request_id", request: &holdfastv1.FulfillRequest{
			ReservationId: "r-1", Lines: lines("A", 1),
		}, fields: []string{"request_id"}, parserOnly: acrossFields},
		edge{name: "request_id without lines", request: &holdfastv1.FulfillRequest{
			ReservationId: "r-1", RequestId: "q-1",
		}, fields: []string{"request_id"}, parserOnly: acrossFields},
		edge{name: "request_id a b", request: &holdfastv1.FulfillRequest{
			ReservationId: "r-1", RequestId: "a b", Lines: lines("A", 0),
		}, fields: []string{"request_id", "lines[0].quantity"}})
}

// onHandEdges are those of AdjustStock and SetStock.
func onHandEdges() []edge {
	const figure, quantity = reservation.MaxFigure, reservation.MaxQuantity
	var edges []edge
	add := func(name string, request proto.Message, isGood bool, field string) {
		e := edge{name: name, request: request}
		if !isGood {
			e.fields = []string{field}
		}
		edges = append(edges, e)
	}
	adjust := func(line *holdfastv1.StockAdjustment) *holdfastv1.AdjustStockRequest {
		return &holdfastv1.AdjustStockRequest{
			RequestId: "q-1", Lines: []*holdfastv1.StockAdjustment{line},
		}
	}
	count := func(list ...*holdfastv1.StockCount) *holdfastv1.SetStockRequest {
		return &holdfastv1.SetStockRequest{RequestId: "q-1", Lines: list}
	}
	for n, isGood := range map[int64]bool{
		-quantity - 1: false, -quantity: true, -1: true, 0: false, 1: true, quantity: true,
		quantity + 1: false, -1 << 63: false,
	} {
		add("delta", adjust(&holdfastv1.StockAdjustment{Sku: "A", Delta: n}), isGood,
			"lines[0].delta")
	}
	for reason, isGood := range map[string]bool{
		"": true, " ": true, "damage": true, strings.Repeat("r", 64): true,
		strings.Repeat("ü", 32): true, strings.Repeat("r", 65): false,
		strings.Repeat("ü", 33): false, "a\nb": false, "a\n": false, "\u0085": false,
	} {
		add("reason "+shortName(reason),
			adjust(&holdfastv1.StockAdjustment{Sku: "A", Delta: 1, Reason: reason}), isGood,
			"lines[0].reason")
	}
	for n, isGood := range map[int64]bool{
		-1: false, 0: true, figure: true, figure + 1: false,
	} {
		add("on_hand_quantity", count(&holdfastv1.StockCount{Sku: "A", OnHandQuantity: n}),
			isGood, "lines[0].on_hand_quantity")
		add("expected_on_hand_quantity",
			count(&holdfastv1.StockCount{Sku: "A", ExpectedOnHandQuantity: &n}),
			isGood, "lines[0].expected_on_hand_quantity")
	}
	for sku, isGood := range map[string]bool{"A": true, "": false, "a ": false, "a\n": false} {
		add("sku "+sku, adjust(&holdfastv1.StockAdjustment{Sku: sku, Delta: 1}), isGood,
			"lines[0].sku")
		add("sku "+sku, count(&holdfastv1.StockCount{Sku: sku}), isGood, "lines[0].sku")
	}
	for n, isGood := range map[int]bool{0: false, 1: true, 1_000: true, 1_001: false} {
		counts := make([]*holdfastv1.StockCount, n)
		for i := range counts {
			counts[i] = &holdfastv1.StockCount{Sku: longName(i)}
		}
		add("lines of SetStock", count(counts...), isGood, "lines")
		add("lines of AdjustStock", &holdfastv1.AdjustStockRequest{
			RequestId: "q-1",
			Lines: slices.Repeat([]*holdfastv1.StockAdjustment{
				{Sku: "A", Delta: 1},
			}, n),
		}, isGood, "lines")
	}
	return append(edges,
		edge{name: "no request_id", request: &holdfastv1.AdjustStockRequest{
			Lines: []*holdfastv1.StockAdjustment{{}},
		}, fields: []string{"request_id", "lines[0].sku", "lines[0].delta"}},
		edge{
			name: "a SKU counted twice",
			request: count(&holdfastv1.StockCount{Sku: "A"}, &holdfastv1.StockCount{Sku: "B"},
				&holdfastv1.StockCount{Sku: "A"}),
			fields: []string{"lines[2].sku"}, parserOnly: "a rule over the lines",
		})
}
