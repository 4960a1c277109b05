package server_test

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// edge is a request at an edge of a limit. Good ones have no fields; the others name every field
// that must be told as a violation, in order.
type edge struct {
	name    string
	request proto.Message
	fields  []string
	// parserOnly says what no rule of the proto can see; empty: rules and parser must agree.
	parserOnly string
}

func repeatLine(n int) []*holdfastv1.LineQuantity {
	return slices.Repeat(lines("A", 1), n)
}

func reserveWith(change func(*holdfastv1.ReserveRequest)) *holdfastv1.ReserveRequest {
	request := &holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 1)}
	change(request)
	return request
}

func idEdges() []edge {
	var edges []edge
	add := func(field, value string, isGood bool, request proto.Message) {
		e := edge{name: field + " " + shortName(value), request: request}
		if !isGood {
			e.fields = []string{field}
		}
		edges = append(edges, e)
	}
	for value, isGood := range map[string]bool{
		"a": true, "A-z_0.9": true, strings.Repeat("s", 64): true,
		strings.Repeat("s", 65): false, "a b": false, "a:b": false, "a\n": false, "ä": false,
		"{a}": false,
	} {
		add("stock_id", value, isGood,
			reserveWith(func(in *holdfastv1.ReserveRequest) { in.StockId = value }))
		add("stock_id", value, isGood, &holdfastv1.ListStockRequest{StockId: value})
		add("stock_id", value, isGood, &holdfastv1.AuditRequest{StockId: value})
		add("stock_id", value, isGood, &holdfastv1.RepairRequest{StockId: value, Sku: "A"})
	}
	for value, isGood := range map[string]bool{
		"a": true, "A-z_0.9:1": true, strings.Repeat("s", 64): true,
		"": false, strings.Repeat("s", 65): false, "a b": false, "a\n": false, "ä": false,
		"a/b": false,
	} {
		add("reservation_id", value, isGood,
			reserveWith(func(in *holdfastv1.ReserveRequest) { in.ReservationId = value }))
		add("reservation_id", value, isGood, &holdfastv1.ReleaseRequest{ReservationId: value})
		add("reservation_id", value, isGood,
			&holdfastv1.GetReservationRequest{ReservationId: value})
		add("request_id", value, isGood,
			&holdfastv1.RestockRequest{RequestId: value, Lines: lines("A", 1)})
		if value != "" {
			add("replaces", value, isGood,
				reserveWith(func(in *holdfastv1.ReserveRequest) { in.Replaces = value }))
			add("request_id", value, isGood, &holdfastv1.ReleaseRequest{
				ReservationId: "r-1", RequestId: value, Lines: lines("A", 1),
			})
		}
	}
	return edges
}

func shortName(value string) string {
	if len(value) > 20 {
		return value[:20] + "..."
	}
	return value
}

func skuEdges() []edge {
	var edges []edge
	for sku, isGood := range map[string]bool{
		"A": true, "a}b{": true, "a  b": true, "ÄÖ\u00a0": true, strings.Repeat("s", 64): true,
		strings.Repeat("ü", 32): true, "\u3000": true, "*": true, "\u200b": true,
		"": false, strings.Repeat("s", 65): false, strings.Repeat("ü", 33): false, " a": false,
		"a ": false, " ": false, "a\nb": false, "a\n": false, "\x00": false, "a\x7f": false,
		"\u0085": false, "a\u009fb": false,
	} {
		bad := func(fields ...string) []string {
			if isGood {
				return nil
			}
			return fields
		}
		name := "sku " + shortName(sku)
		edges = append(edges,
			edge{name: name, request: reserveWith(func(in *holdfastv1.ReserveRequest) {
				in.Lines = lines("A", 1, sku, 1)
			}), fields: bad("lines[1].sku")},
			edge{name: name, request: &holdfastv1.CheckAvailabilityRequest{
				Lines: lines(sku, 1),
			}, fields: bad("lines[0].sku")},
			edge{name: name, request: &holdfastv1.RestockRequest{
				RequestId: "q-1", Lines: lines(sku, 1),
			}, fields: bad("lines[0].sku")},
			edge{name: name, request: &holdfastv1.GetStockRequest{Sku: sku}, fields: bad("sku")},
			edge{name: name, request: &holdfastv1.GetPolicyRequest{Sku: sku}, fields: bad("sku")},
			edge{name: name, request: &holdfastv1.RepairRequest{Sku: sku}, fields: bad("sku")},
			edge{name: name, request: &holdfastv1.SetPolicyRequest{Sku: sku}, fields: bad("sku")},
			edge{
				name: name, request: &holdfastv1.DeleteStockItemRequest{Sku: sku},
				fields: bad("sku"),
			},
			edge{name: name, request: &holdfastv1.BatchGetStockRequest{
				Skus: []string{"A", sku},
			}, fields: bad("skus[1]")},
			edge{name: name, request: &holdfastv1.SetPolicyRequest{
				Sku: "Z", Policy: &holdfastv1.Policy{Substitutes: []string{sku}},
			}, fields: bad("policy.substitutes[0]")},
		)
	}
	return edges
}

func lineEdges() []edge {
	var edges []edge
	for n, isGood := range map[int]bool{0: false, 1: true, 1_000: true, 1_001: false} {
		var fields []string
		if !isGood {
			fields = []string{"lines"}
		}
		edges = append(edges,
			edge{name: "lines of Reserve", request: &holdfastv1.ReserveRequest{
				ReservationId: "r-1", Lines: repeatLine(n),
			}, fields: fields},
			edge{name: "lines of CheckAvailability", request: &holdfastv1.CheckAvailabilityRequest{
				Lines: repeatLine(n),
			}, fields: fields},
			edge{name: "lines of Restock", request: &holdfastv1.RestockRequest{
				RequestId: "q-1", Lines: repeatLine(n),
			}, fields: fields})
		batch := edge{name: "skus", request: &holdfastv1.BatchGetStockRequest{
			Skus: slices.Repeat([]string{"A"}, n),
		}}
		if !isGood {
			batch.fields = []string{"skus"}
		}
		edges = append(edges, batch)
	}
	for quantity, isGood := range map[int64]bool{
		-1: false, 0: false, 1: true, 1e9: true, 1e9 + 1: false, -1 << 63: false, 1<<63 - 1: false,
	} {
		e := edge{name: "quantity", request: reserveWith(func(in *holdfastv1.ReserveRequest) {
			in.Lines = lines("A", quantity)
		})}
		if !isGood {
			e.fields = []string{"lines[0].quantity"}
		}
		edges = append(edges, e)
	}
	return append(edges,
		edge{name: "a line of nothing", request: reserveWith(func(in *holdfastv1.ReserveRequest) {
			in.Lines = []*holdfastv1.LineQuantity{{}}
		}), fields: []string{"lines[0].sku", "lines[0].quantity"}})
}

func ttlEdges() []edge {
	var edges []edge
	add := func(ttl *durationpb.Duration, isGood bool) {
		e := edge{name: "ttl " + ttl.String()}
		e.request = reserveWith(func(in *holdfastv1.ReserveRequest) { in.Ttl = ttl })
		if !isGood {
			e.fields = []string{"ttl"}
		}
		edges = append(edges, e)
	}
	const month = 30 * 24 * time.Hour
	for _, good := range []time.Duration{time.Second, time.Second + 1, month} {
		add(durationpb.New(good), true)
	}
	for _, bad := range []time.Duration{
		0, -1, 999 * time.Millisecond, time.Second - 1, month + 1, 1<<63 - 1,
	} {
		add(durationpb.New(bad), false)
	}
	add(&durationpb.Duration{Seconds: 1 << 60}, false)
	edges = append(edges, edge{
		name: "ttl with nanos out of range",
		request: reserveWith(func(in *holdfastv1.ReserveRequest) {
			in.Ttl = &durationpb.Duration{Seconds: 5, Nanos: 2_000_000_000}
		}),
		fields:     []string{"ttl"},
		parserOnly: "a Duration with wrong nanos is compared by its sum",
	})
	return edges
}

func otherEdges() []edge {
	list := func(size int32, token string) *holdfastv1.ListStockRequest {
		return &holdfastv1.ListStockRequest{PageSize: size, PageToken: token}
	}
	const notAToken = "only the server knows its tokens"
	const acrossFields = "a rule over two fields"
	return []edge{
		{name: "mode 2", request: reserveWith(func(in *holdfastv1.ReserveRequest) { in.Mode = 2 })},
		{
			name:    "mode 3",
			request: reserveWith(func(in *holdfastv1.ReserveRequest) { in.Mode = 3 }),
			fields:  []string{"mode"},
		},
		{
			name:    "mode -1",
			request: &holdfastv1.CheckAvailabilityRequest{Lines: lines("A", 1), Mode: -1},
			fields:  []string{"mode"},
		},
		{name: "stream request", request: &holdfastv1.ReserveStreamRequest{
			Reserve: &holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 1)},
		}},
		{
			name: "stream request of nothing", request: &holdfastv1.ReserveStreamRequest{},
			fields: []string{"reserve"},
		},
		{name: "stream request of a wrong line", request: &holdfastv1.ReserveStreamRequest{
			Reserve: &holdfastv1.ReserveRequest{ReservationId: "r-1", Lines: lines("A", 0)},
		}, fields: []string{"lines[0].quantity"}},
		{name: "page size 0", request: list(0, "")},
		{name: "page size 1", request: list(1, "")},
		{name: "page size 1000", request: list(1_000, "")},
		{name: "page size 1001", request: list(1_001, ""), fields: []string{"page_size"}},
		{name: "page size -1", request: list(-1, ""), fields: []string{"page_size"}},
		{name: "token", request: list(0, "QQ")},
		{name: "token too long", request: list(0,
			strings.Repeat("Q", 129)), fields: []string{"page_token"}},
		{
			name: "token with padding", request: list(0, "QQ=="), fields: []string{"page_token"},
			parserOnly: notAToken,
		},
		{name: "token of no SKU", request: list(0,
			"IA"), fields: []string{"page_token"}, parserOnly: notAToken},
		{
			name: "token with loose bits", request: list(0, "QR"), fields: []string{"page_token"},
			parserOnly: notAToken,
		},
		{name: "replaces itself", request: reserveWith(func(in *holdfastv1.ReserveRequest) {
			in.Replaces = "r-1"
		}), fields: []string{"replaces"}, parserOnly: acrossFields},
		{name: "whole release", request: &holdfastv1.ReleaseRequest{
			ReservationId: "r-1", AllowMissing: true,
		}},
		{name: "release by lines without request_id", request: &holdfastv1.ReleaseRequest{
			ReservationId: "r-1", Lines: lines("A", 1),
		}, fields: []string{"request_id"}, parserOnly: acrossFields},
		{name: "request_id without lines", request: &holdfastv1.ReleaseRequest{
			ReservationId: "r-1", RequestId: "q-1",
		}, fields: []string{"request_id"}, parserOnly: acrossFields},
		{name: "allow_missing with lines", request: &holdfastv1.ReleaseRequest{
			ReservationId: "r-1", RequestId: "q-1", Lines: lines("A", 1), AllowMissing: true,
		}, fields: []string{"allow_missing"}, parserOnly: acrossFields},
		{name: "release of 1001 lines", request: &holdfastv1.ReleaseRequest{
			ReservationId: "r-1", RequestId: "q-1", Lines: repeatLine(1_001),
		}, fields: []string{"lines"}},
	}
}

func allEdges() []edge {
	return slices.Concat(idEdges(), skuEdges(), lineEdges(), ttlEdges(), otherEdges(),
		policyEdges(), lifecycleEdges(), onHandEdges(), pageEdges(), watchEdges())
}
