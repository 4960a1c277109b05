package server_test

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

func policyEdges() []edge {
	const figure, quantity = reservation.MaxFigure, reservation.MaxQuantity
	of := func(name string, isGood bool, policy *holdfastv1.Policy) edge {
		e := edge{name: name, request: &holdfastv1.SetPolicyRequest{Sku: "Z", Policy: policy}}
		if !isGood {
			e.fields = []string{"policy." + name}
		}
		return e
	}
	var edges []edge
	for n, isGood := range map[int64]bool{-1: false, 0: true, figure: true, figure + 1: false} {
		edges = append(edges,
			of("backorder_limit", isGood, &holdfastv1.Policy{BackorderLimit: &n}),
			of("safety_stock", isGood, &holdfastv1.Policy{SafetyStock: &n}))
	}
	for n, isGood := range map[int64]bool{
		-figure - 1: false, -figure: true, 0: true, figure: true, figure + 1: false,
	} {
		edges = append(edges,
			of("low_stock_threshold", isGood, &holdfastv1.Policy{LowStockThreshold: &n}))
	}
	for n, isGood := range map[int64]bool{0: false, 1: true, quantity: true, quantity + 1: false} {
		edges = append(edges,
			of("min_quantity", isGood, &holdfastv1.Policy{MinQuantity: &n}),
			of("max_quantity", isGood, &holdfastv1.Policy{MaxQuantity: &n}),
			of("quantity_increment", isGood, &holdfastv1.Policy{QuantityIncrement: &n}))
	}
	for mode, isGood := range map[holdfastv1.BackorderMode]bool{
		-1: false, 0: false, 1: true, 2: true, 3: true, 4: false,
	} {
		edges = append(edges,
			of("backorder_mode", isGood, &holdfastv1.Policy{BackorderMode: &mode}))
	}
	names := []string{"A", "B", "C", "D", "E", "F", "G", "H", "I"}
	edges = append(edges,
		of("substitutes", true, &holdfastv1.Policy{Substitutes: names[:8]}),
		of("substitutes", false, &holdfastv1.Policy{Substitutes: names}),
		of("substitutes[2]", false, &holdfastv1.Policy{Substitutes: []string{"A", "B", "A"}}))
	return append(edges, policyEdgesOfTheParser(of)...)
}

func policyEdgesOfTheParser(of func(string, bool, *holdfastv1.Policy) edge) []edge {
	const onlyHere = "a rule of Policy in this request only"
	mark := func(e edge, why string) edge {
		e.parserOnly = why
		return e
	}
	var edges []edge
	for _, when := range []struct {
		seconds int64
		nanos   int32
		isGood  bool
	}{
		{0, 0, true},
		{-1, 999_999_999, false},
		{253402300799, 999_999_999, true},
		{253402300800, 0, false},
		{5, 1_000_000_000, false},
		{5, -1, false},
	} {
		e := of("restock_time", when.isGood, &holdfastv1.Policy{
			RestockTime: &timestamppb.Timestamp{Seconds: when.seconds, Nanos: when.nanos},
		})
		if !when.isGood {
			e.parserOnly = "the range of restock_time is written as a comment"
		}
		edges = append(edges, e)
	}
	edges = append(edges,
		mark(of("substitutes[0]", false, &holdfastv1.Policy{Substitutes: []string{"Z"}}), onlyHere),
		of("", true, &holdfastv1.Policy{MinQuantity: proto.Int64(2), MaxQuantity: proto.Int64(2)}),
		mark(of("min_quantity", false, &holdfastv1.Policy{
			MinQuantity: proto.Int64(3), MaxQuantity: proto.Int64(2),
		}), onlyHere),
		edge{name: "restock_time by default", request: &holdfastv1.SetDefaultPolicyRequest{
			Policy: &holdfastv1.Policy{RestockTime: &timestamppb.Timestamp{}},
		}, fields: []string{"policy.restock_time"}, parserOnly: onlyHere},
		edge{name: "substitutes by default", request: &holdfastv1.SetDefaultPolicyRequest{
			Policy: &holdfastv1.Policy{Substitutes: []string{"A"}},
		}, fields: []string{"policy.substitutes"}, parserOnly: onlyHere})
	for name, mask := range map[string]struct{ paths, fields []string }{
		"all":          {[]string{"*"}, nil},
		"two":          {[]string{"sellable", "substitutes"}, nil},
		"all and one":  {[]string{"*", "sellable"}, []string{"update_mask.paths[0]"}},
		"unknown":      {[]string{"sellable", "colour"}, []string{"update_mask.paths[1]"}},
		"empty path":   {[]string{""}, []string{"update_mask.paths[0]"}},
		"nested":       {[]string{"restock_time.seconds"}, []string{"update_mask.paths[0]"}},
		"with message": {[]string{"policy.sellable"}, []string{"update_mask.paths[0]"}},
		"twice":        {[]string{"tracked", "tracked"}, []string{"update_mask.paths[1]"}},
		"too many":     {slices.Repeat([]string{"sellable"}, 101), []string{"update_mask.paths"}},
	} {
		e := edge{
			name: "update_mask: " + name, fields: mask.fields,
			request: &holdfastv1.SetPolicyRequest{
				Sku: "Z", UpdateMask: &fieldmaskpb.FieldMask{Paths: mask.paths},
			},
		}
		if mask.fields != nil {
			e.parserOnly = "rules do not look into masks"
		}
		edges = append(edges, e)
	}
	return append(edges, edge{
		name: "update_mask: per SKU only",
		request: &holdfastv1.SetDefaultPolicyRequest{
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"sellable", "restock_time"}},
		},
		fields: []string{"update_mask.paths[1]"}, parserOnly: onlyHere,
	})
}
