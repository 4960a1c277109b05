package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/server"
)

// byteCodec sends bytes as they are.
type byteCodec struct{}

func (byteCodec) Name() string { return "proto" }

func (byteCodec) Marshal(v any) ([]byte, error) {
	data, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("not bytes but %T", v)
	}
	return data, nil
}

func (byteCodec) Unmarshal(data []byte, v any) error {
	target, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("not for bytes but %T", v)
	}
	*target = append([]byte(nil), data...)
	return nil
}

// fuzzedCall is a unary call by its name, and what its request is.
type fuzzedCall struct {
	name    string
	request protoreflect.MessageType
}

func fuzzedCalls(f *testing.F) []fuzzedCall {
	f.Helper()
	var calls []fuzzedCall
	for _, service := range []string{"ReservationService", "StockService"} {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(
			protoreflect.FullName("holdfast.v1." + service))
		if err != nil {
			f.Fatal(err)
		}
		descriptor, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			f.Fatalf("%s is no service", service)
		}
		for i := range descriptor.Methods().Len() {
			method := descriptor.Methods().Get(i)
			if method.IsStreamingClient() || method.IsStreamingServer() {
				continue
			}
			request, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
			if err != nil {
				f.Fatal(err)
			}
			calls = append(calls, fuzzedCall{
				fmt.Sprintf("/%s/%s", descriptor.FullName(), method.Name()), request,
			})
		}
	}
	return calls
}

// fuzzSeeds are requests of most kinds, good and bad. Every call gets each of them: fields of one
// request are unknown ones, or of another type, to others.
func fuzzSeeds() []proto.Message {
	two := []*holdfastv1.LineQuantity{{Sku: "TEA", Quantity: 2}, {Sku: "a\tb", Quantity: -1}}
	units := proto.Int64(1 << 50)
	return []proto.Message{
		&holdfastv1.ReserveRequest{
			StockId: "s", ReservationId: "r-1", Lines: two[:1], Ttl: durationpb.New(1e9),
			Mode: holdfastv1.ReserveMode_RESERVE_MODE_PARTIAL, Replaces: "r-0",
		},
		&holdfastv1.ReserveRequest{StockId: "{}", ReservationId: "\x00", Lines: two, Mode: 77},
		&holdfastv1.ReleaseRequest{ReservationId: "r-1", RequestId: "q", Lines: two[:1]},
		&holdfastv1.FulfillRequest{ReservationId: "r-1", RequestId: "q", Lines: two},
		&holdfastv1.CommitRequest{ReservationId: "r-1", Reacquire: true},
		&holdfastv1.ExtendRequest{ReservationId: "r-1", Ttl: &durationpb.Duration{Nanos: -1}},
		&holdfastv1.RestockRequest{RequestId: "q", Lines: two[:1]},
		&holdfastv1.AdjustStockRequest{RequestId: "q", Lines: []*holdfastv1.StockAdjustment{
			{Sku: "TEA", Delta: -3, Reason: "broken"},
		}},
		&holdfastv1.SetStockRequest{RequestId: "q", Lines: []*holdfastv1.StockCount{
			{Sku: "TEA", OnHandQuantity: 5, ExpectedOnHandQuantity: units},
		}},
		&holdfastv1.SetPolicyRequest{
			Sku: "TEA", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"sellable", "x"}},
			Policy: &holdfastv1.Policy{
				BackorderLimit: units, RestockTime: &timestamppb.Timestamp{Seconds: 1 << 60},
				Substitutes: []string{"TEA", "\xff"},
			},
		},
		&holdfastv1.ListStockRequest{PageSize: -1, PageToken: "VEVB"},
	}
}

// FuzzRequests sends bytes as every unary call's request through the whole of the server. None is a
// fault of Holdfast, and one that breaks shape or limits names the fields and reaches no store.
func FuzzRequests(f *testing.F) {
	calls := fuzzedCalls(f)
	for n := range calls {
		for _, seed := range fuzzSeeds() {
			encoded, err := proto.Marshal(seed)
			if err != nil {
				encoded = protowire.AppendTag(nil, 1, protowire.BytesType) // it breaks off
			}
			f.Add(uint8(n), encoded)
		}
	}
	clock := newClock()
	store := &replaced{}
	s := server.New(store, server.Options{Logger: slog.New(slog.DiscardHandler)})
	conn := serve(f, s)
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		// Always an empty store to begin with, so that an input does the same each time. It asks what
		// time it is whenever a call comes to it.
		var asked atomic.Int64
		store.Store = model.New(model.Options{
			Retention: reservation.DefaultRetention,
			Now: func() time.Time {
				asked.Add(1)
				return clock.Now()
			},
		})
		call := calls[int(which)%len(calls)]
		var answer []byte
		err := conn.Invoke(context.Background(), call.name, data, &answer,
			grpc.ForceCodec(byteCodec{}))
		if proto.Unmarshal(data, call.request.New().Interface()) != nil {
			if err == nil || asked.Load() > 0 {
				t.Errorf("%s took what is no request: %v", call.name, err)
			}
			return // the transport says so
		}
		wantFairAnswer(t, call.name, err, asked.Load())
	})
}

// replaced is a store that may be replaced by another between calls.
type replaced struct{ reservation.Store }

func wantFairAnswer(t *testing.T, call string, err error, asked int64) {
	t.Helper()
	told := status.Convert(err)
	var reason string
	var broken []*errdetails.BadRequest_FieldViolation
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			reason = detail.GetReason()
		case *errdetails.BadRequest:
			broken = detail.GetFieldViolations()
		}
	}
	switch {
	case err == nil:
	case reason == "" || reason == "INTERNAL" || told.Code() == codes.Unknown:
		t.Errorf("%s: %v %q", call, err, reason)
	case told.Code() == codes.InvalidArgument && (len(broken) == 0 || asked > 0):
		t.Errorf("%s: %v, names %d fields, %d calls came to the store", call, err, len(broken), asked)
	}
}
