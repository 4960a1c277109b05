package server_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// fullPolicy has every field set, none to its built-in value.
func fullPolicy() *holdfastv1.Policy {
	return &holdfastv1.Policy{
		BackorderMode:     holdfastv1.BackorderMode_BACKORDER_MODE_ALLOW_AND_NOTIFY.Enum(),
		BackorderLimit:    proto.Int64(7),
		SafetyStock:       proto.Int64(2),
		LowStockThreshold: proto.Int64(-3),
		RestockTime:       timestamppb.New(time.Date(2027, 1, 2, 3, 4, 5, 6_000_000, time.UTC)),
		MinQuantity:       proto.Int64(2),
		MaxQuantity:       proto.Int64(8),
		QuantityIncrement: proto.Int64(2),
		Sellable:          proto.Bool(false),
		Tracked:           proto.Bool(false),
		Substitutes:       []string{"C", "B"},
	}
}

func builtIn() *holdfastv1.Policy {
	return &holdfastv1.Policy{
		BackorderMode: holdfastv1.BackorderMode_BACKORDER_MODE_DENY.Enum(),
		SafetyStock:   proto.Int64(0), MinQuantity: proto.Int64(1),
		QuantityIncrement: proto.Int64(1),
		Sellable:          proto.Bool(true), Tracked: proto.Bool(true),
	}
}

func requireEqual(t *testing.T, what string, want, got proto.Message) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestPolicy_EveryFieldGoesThereAndBack(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	set, err := r.stocks.SetPolicy(r.ctx,
		&holdfastv1.SetPolicyRequest{Sku: "A", Policy: fullPolicy()})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "own", fullPolicy(), set.GetPolicy())
	requireEqual(t, "effective", fullPolicy(), set.GetEffectivePolicy())
	if set.GetSequence() == 0 || set.GetStoreTime() == nil {
		t.Errorf("sequence and store time are missing: %v", set)
	}
	got, err := r.stocks.GetPolicy(r.ctx, &holdfastv1.GetPolicyRequest{Sku: "A"})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "own, read", fullPolicy(), got.GetPolicy())
	requireEqual(t, "effective, read", fullPolicy(), got.GetEffectivePolicy())
	item, err := r.stocks.GetStock(r.ctx, &holdfastv1.GetStockRequest{Sku: "A"})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "of the item", fullPolicy(), item.GetItem().GetPolicy())
}

func TestSetPolicy_MaskSaysWhatIsTakenOver(t *testing.T) {
	cleared := func(change func(*holdfastv1.Policy)) *holdfastv1.Policy {
		policy := fullPolicy()
		change(policy)
		return policy
	}
	for _, test := range []struct {
		name   string
		policy *holdfastv1.Policy
		paths  []string
		want   *holdfastv1.Policy
	}{
		{"nothing set, no mask: nothing changes", nil, nil, fullPolicy()},
		{
			"no mask: the fields that are set", &holdfastv1.Policy{
				Sellable: proto.Bool(true), Substitutes: []string{"D"},
			}, nil,
			cleared(func(p *holdfastv1.Policy) {
				p.Sellable, p.Substitutes = proto.Bool(true), []string{"D"}
			}),
		},
		{
			"named and set", &holdfastv1.Policy{
				Sellable: proto.Bool(true), SafetyStock: proto.Int64(99),
			},
			[]string{"sellable"},
			cleared(func(p *holdfastv1.Policy) { p.Sellable = proto.Bool(true) }),
		},
		{
			"named but unset", nil,
			[]string{"restock_time", "substitutes", "backorder_limit"},
			cleared(func(p *holdfastv1.Policy) {
				p.RestockTime, p.Substitutes, p.BackorderLimit = nil, nil, nil
			}),
		},
		{
			"all", &holdfastv1.Policy{Tracked: proto.Bool(true)},
			[]string{"*"},
			&holdfastv1.Policy{Tracked: proto.Bool(true)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, server.Options{}, nil)
			r.setPolicy("A", fullPolicy())
			set, err := r.stocks.SetPolicy(r.ctx, &holdfastv1.SetPolicyRequest{
				Sku: "A", Policy: test.policy,
				UpdateMask: &fieldmaskpb.FieldMask{Paths: test.paths},
			})
			if err != nil {
				t.Fatal(err)
			}
			requireEqual(t, "own", test.want, set.GetPolicy())
		})
	}
}

func TestSetPolicy_WithNothingCreatesTheSKU(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	set, err := r.stocks.SetPolicy(r.ctx, &holdfastv1.SetPolicyRequest{Sku: "A"})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "own", &holdfastv1.Policy{}, set.GetPolicy())
	requireEqual(t, "effective", builtIn(), set.GetEffectivePolicy())
}

func TestSetPolicy_RestockTimeIsCutToMilliseconds(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	set, err := r.stocks.SetPolicy(r.ctx, &holdfastv1.SetPolicyRequest{
		Sku: "A", Policy: &holdfastv1.Policy{
			RestockTime: &timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999_999_999},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999_000_000}
	requireEqual(t, "restock_time", want, set.GetPolicy().GetRestockTime())
}

func TestDefaultPolicy_IsInheritedAndCleared(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	none, err := r.stocks.GetDefaultPolicy(r.ctx,
		&holdfastv1.GetDefaultPolicyRequest{StockId: "none"})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "unknown stock", &holdfastv1.Policy{}, none.GetPolicy())
	requireEqual(t, "unknown stock, effective", builtIn(), none.GetEffectivePolicy())

	byDefault := fullPolicy()
	byDefault.RestockTime, byDefault.Substitutes = nil, nil
	set, err := r.stocks.SetDefaultPolicy(r.ctx,
		&holdfastv1.SetDefaultPolicyRequest{Policy: byDefault})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "default", byDefault, set.GetPolicy())
	r.setPolicy("A", &holdfastv1.Policy{
		BackorderLimit: proto.Int64(reservation.MaxFigure), Sellable: proto.Bool(true),
	})
	got, err := r.stocks.GetPolicy(r.ctx, &holdfastv1.GetPolicyRequest{Sku: "A"})
	if err != nil {
		t.Fatal(err)
	}
	inherited := proto.CloneOf(byDefault)
	inherited.BackorderLimit, inherited.Sellable = nil, proto.Bool(true)
	requireEqual(t, "inherited", inherited, got.GetEffectivePolicy())

	set, err = r.stocks.SetDefaultPolicy(r.ctx, &holdfastv1.SetDefaultPolicyRequest{
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "cleared", &holdfastv1.Policy{}, set.GetPolicy())
}
