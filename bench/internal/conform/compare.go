package conform

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// told is what a side answered, without what may differ: times and sequences.
type told struct {
	answer proto.Message
	err    error
}

// compare makes a call on both sides and holds the answers, and then the figures of the SKUs named,
// against each other.
func (r *run) compare(
	ctx context.Context, what proto.Message, named []string, call func(s side) told,
) error {
	arm, oracle := call(r.sides[0]), call(r.sides[1])
	if got, want := arm.text(), oracle.text(); got != want {
		return fmt.Errorf("%s answered\n%s\nnot\n%s", prototext.Format(what), got, want)
	}
	request := &holdfastv1.BatchGetStockRequest{StockId: r.stock, Skus: named}
	figures := func(s side) told {
		got, err := s.stock.BatchGetStock(ctx, request)
		for _, item := range got.GetItems() {
			item.Policy, item.OrderableQuantity = nil, nil // not every arm tells them
		}
		return told{&holdfastv1.BatchGetStockResponse{Items: got.GetItems()}, err}
	}
	if len(named) == 0 {
		return nil
	}
	if got, want := figures(r.sides[0]).text(), figures(r.sides[1]).text(); got != want {
		return fmt.Errorf("%s left\n%s\nnot\n%s", prototext.Format(what), got, want)
	}
	return nil
}

// text writes an answer down; of an error its code, reason and refused lines.
func (t told) text() string {
	if t.err == nil {
		return prototext.MarshalOptions{Multiline: true}.Format(t.answer)
	}
	s := status.Convert(t.err)
	text := s.Code().String()
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			text += " " + d.GetReason()
		case *holdfastv1.LineRefusal, *errdetails.ResourceInfo:
			text += "\n" + prototext.Format(d.(proto.Message)) //nolint:forcetypeassert // both are
		}
	}
	if s.Code().String() == "Internal" {
		text += " " + s.Message()
	}
	return text
}

// namesOf are the SKUs of lines that both sides know.
func namesOf(lines []*holdfastv1.LineQuantity) []string {
	var names []string
	seen := map[string]bool{skus()[len(skus())-1]: true}
	for _, line := range lines {
		if !seen[line.GetSku()] {
			seen[line.GetSku()] = true
			names = append(names, line.GetSku())
		}
	}
	return names
}

func (r *run) reserve(ctx context.Context, request *holdfastv1.ReserveRequest) error {
	return r.compare(ctx, request, namesOf(request.GetLines()), func(s side) told {
		got, err := s.reservations.Reserve(ctx, request)
		if promised := got.GetReservation(); promised != nil {
			promised.CreateTime, promised.ExpireTime = nil, nil
		}
		return told{got.GetReservation(), err}
	})
}

func (r *run) restock(ctx context.Context, request *holdfastv1.RestockRequest) error {
	return r.compare(ctx, request, namesOf(request.GetLines()), func(s side) told {
		got, err := s.stock.Restock(ctx, request)
		if !r.can.Fills { // such an arm is only ever filled, and tells nothing
			return told{&holdfastv1.RestockResponse{}, err}
		}
		return told{&holdfastv1.RestockResponse{Lines: got.GetLines()}, err}
	})
}

// setPolicy changes some fields of a SKU's policy; of no SKU, of the stock's default.
func (r *run) setPolicy(ctx context.Context, sku string) error {
	return r.set(ctx, sku, r.policy())
}

func (r *run) set(ctx context.Context, sku string, policy *holdfastv1.Policy) error {
	if sku == "" {
		request := &holdfastv1.SetDefaultPolicyRequest{StockId: r.stock, Policy: policy}
		return r.compare(ctx, request, nil, func(s side) told {
			got, err := s.stock.SetDefaultPolicy(ctx, request)
			return told{got.GetPolicy(), err}
		})
	}
	request := &holdfastv1.SetPolicyRequest{StockId: r.stock, Sku: sku, Policy: policy}
	return r.compare(ctx, request, []string{sku}, func(s side) told {
		got, err := s.stock.SetPolicy(ctx, request)
		return told{got.GetPolicy(), err}
	})
}
