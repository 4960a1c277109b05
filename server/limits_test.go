package server_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/server"
)

// TestLimits_Parser holds both sides of every edge against the parser.
func TestLimits_Parser(t *testing.T) {
	for _, test := range allEdges() {
		known, err := server.Parse(test.request)
		if !known {
			t.Fatalf("%s: no parser for %T", test.name, test.request)
		}
		if len(test.fields) == 0 {
			if err != nil {
				t.Errorf("%s of %T: %v, want good", test.name, test.request, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s of %T is taken for good", test.name, test.request)
			continue
		}
		got := takeApart(t, server.StatusOf(t.Context(), test.request, err))
		if !slices.Equal(fields(got), test.fields) {
			t.Errorf("%s of %T: fields %v, want %v", test.name, test.request, fields(got),
				test.fields)
		}
	}
}

// method finds the call that takes a request.
func method(request proto.Message) string {
	name := strings.TrimSuffix(string(request.ProtoReflect().Descriptor().Name()), "Request")
	for _, file := range []protoreflect.FileDescriptor{
		holdfastv1.File_holdfast_v1_reservation_service_proto,
		holdfastv1.File_holdfast_v1_stock_service_proto,
		holdfastv1.File_holdfast_v1_event_service_proto,
		holdfastv1.File_holdfast_v1_audit_service_proto,
	} {
		service := file.Services().Get(0)
		if service.Methods().ByName(protoreflect.Name(name)) != nil {
			return "/" + string(service.FullName()) + "/" + name
		}
	}
	return ""
}

// send calls what takes a request and returns how it went; of a watch, how it began.
func (r *rig) send(request proto.Message) error {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	switch in := request.(type) {
	case *holdfastv1.AuditRequest:
		_, err := receiveAudit(r, holdfastv1.NewAuditServiceClient(r.conn), in)
		return err
	case *holdfastv1.WatchRequest:
		stream, err := r.events.Watch(ctx, in)
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	case *holdfastv1.ReserveStreamRequest:
		stream := r.openStream(ctx)
		if err := stream.Send(in); err != nil {
			return err
		}
		return refusal(next(r.t, stream))
	}
	return r.conn.Invoke(ctx, method(request), request, &holdfastv1.ReserveResponse{})
}

// TestLimits_ABreachChangesNothing sends every hostile request over the wire.
func TestLimits_ABreachChangesNothing(t *testing.T) {
	r := newRig(t, server.Options{Auditor: &scriptedAuditor{}}, nil)
	r.restock("A", 9)
	r.reserve("r-0", lines("A", 2))
	before := r.snapshot()
	for _, test := range allEdges() {
		if len(test.fields) == 0 {
			continue
		}
		err := r.send(test.request)
		got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
		if !slices.Equal(fields(got), test.fields) {
			t.Errorf("%s of %T: fields %v, want %v", test.name, test.request, fields(got),
				test.fields)
		}
	}
	if diff := diffSnapshots(before, r.snapshot()); diff != "" {
		t.Errorf("a breach changed the stock:\n%s", diff)
	}
}

// TestLimits_GoodEdgesAreTaken sends every good request over the wire; what comes of it is the
// store's.
func TestLimits_GoodEdgesAreTaken(t *testing.T) {
	r := newRig(t, server.Options{Auditor: &scriptedAuditor{}}, nil)
	for _, test := range allEdges() {
		if len(test.fields) > 0 {
			continue
		}
		err := r.send(test.request)
		if code := status.Code(err); code == codes.InvalidArgument || code == codes.Unimplemented {
			t.Errorf("%s of %T: %v", test.name, test.request, err)
		}
	}
}

// TestLimits_OfTheTransport has what gRPC itself answers, before any handler: no ErrorInfo.
func TestLimits_OfTheTransport(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	r.restock("A", 9)
	before := r.snapshot()

	_, err := r.reservations.Reserve(r.ctx, reserveWith(func(in *holdfastv1.ReserveRequest) {
		in.Replaces = strings.Repeat("x", 5<<20)
	}))
	if got := takeApart(t, err); got.code != codes.ResourceExhausted || got.info != nil {
		t.Errorf("a message over 4 MiB: %v", err)
	}
	// Just below, the breach has its name, and costs no more than its length.
	_, err = r.reservations.Reserve(r.ctx, &holdfastv1.ReserveRequest{
		ReservationId: "r-1", Lines: slices.Repeat([]*holdfastv1.LineQuantity{{}}, 1_000_000),
	})
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	if !slices.Equal(fields(got), []string{"lines"}) {
		t.Errorf("a million lines: fields %v", fields(got))
	}
	// A string field with bytes that are no UTF-8, as no generated client sends it.
	request := &holdfastv1.GetStockRequest{}
	request.ProtoReflect().SetUnknown([]byte{2<<3 | 2, 2, 0xff, 0xfe})
	_, err = r.stocks.GetStock(r.ctx, request)
	if got := takeApart(t, err); got.code != codes.Internal || got.info != nil {
		t.Errorf("invalid UTF-8: %v", err)
	}
	if diff := diffSnapshots(before, r.snapshot()); diff != "" {
		t.Errorf("a breach changed the stock:\n%s", diff)
	}
}

func TestParse_InvalidUTF8AndMissingMessages(t *testing.T) {
	for _, test := range []edge{
		{request: &holdfastv1.GetStockRequest{Sku: "a\xffb"}, fields: []string{"sku"}},
		{request: &holdfastv1.ListStockRequest{StockId: "a\xffb"}, fields: []string{"stock_id"}},
		{request: &holdfastv1.ReserveRequest{
			ReservationId: "r-1",
			Lines:         []*holdfastv1.LineQuantity{nil, {Sku: "A", Quantity: 1}, nil},
		}, fields: []string{"lines[0]", "lines[2]"}},
		{request: &holdfastv1.AdjustStockRequest{
			RequestId: "q-1",
			Lines:     []*holdfastv1.StockAdjustment{nil, {Sku: "A", Delta: 1, Reason: "a\xffb"}},
		}, fields: []string{"lines[0]", "lines[1].reason"}},
		{request: &holdfastv1.SetStockRequest{
			RequestId: "q-1", Lines: []*holdfastv1.StockCount{{Sku: "A"}, nil},
		}, fields: []string{"lines[1]"}},
		{request: (*holdfastv1.WatchRequest)(nil)},
		{request: (*holdfastv1.ReserveRequest)(nil), fields: []string{"reservation_id", "lines"}},
		{request: (*holdfastv1.SetPolicyRequest)(nil), fields: []string{"sku"}},
	} {
		_, err := server.Parse(test.request)
		if err == nil && test.fields == nil {
			continue
		}
		got := takeApart(t, server.StatusOf(t.Context(), test.request, err))
		if !slices.Equal(fields(got), test.fields) {
			t.Errorf("%v: fields %v, want %v", test.request, fields(got), test.fields)
		}
	}
}
