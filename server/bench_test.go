package server_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// constant is a store that answers the same at once, so that what is measured is the server.
type constant struct {
	reservation.Store
	answer reservation.ReserveAnswer
	err    error
}

func (c *constant) Reserve(
	context.Context, reservation.ReserveRequest,
) (reservation.ReserveAnswer, error) {
	return c.answer, c.err
}

func benchRequest() *holdfastv1.ReserveRequest {
	return &holdfastv1.ReserveRequest{
		StockId: "main", ReservationId: "order-0000000001", Ttl: durationpb.New(15 * time.Minute),
		Lines: lines("SKU-000001", 1, "SKU-000002", 2, "SKU-000003", 3),
	}
}

func benchAnswer(b testing.TB) reservation.ReserveAnswer {
	b.Helper()
	now := newClock().Now()
	answer := reservation.ReserveAnswer{
		Reservation: reservation.Reservation{
			State: reservation.StateHeld, CreateTime: now, ExpireTime: now.Add(time.Minute),
			Term: 1,
		},
		Stamp: reservation.Stamp{Sequence: 123_456, StoreTime: now},
	}
	for i := range 3 {
		sku, err := reservation.ParseSKU("SKU-00000" + strconv.Itoa(i))
		if err != nil {
			b.Fatal(err)
		}
		answer.Reservation.Lines = append(answer.Reservation.Lines, reservation.ReservationLine{
			SKU: sku, Requested: 3, Covered: 3, Available: reservation.Some[int64](9_997),
		})
	}
	return answer
}

func benchRefusal(b testing.TB) error {
	b.Helper()
	answer := benchAnswer(b)
	return &reservation.Error{
		Reason: reservation.ReasonLinesRefused, Stamp: answer.Stamp,
		Refusals: []reservation.LineRefusal{{
			Index: 1, SKU: answer.Reservation.Lines[1].SKU, Requested: 3,
			Orderable: reservation.Some[int64](0), Reason: reservation.LineInsufficientStock,
		}},
	}
}

// BenchmarkReserve_Handler is parse and convert of a Reserve of 3 lines, without network.
func BenchmarkReserve_Handler(b *testing.B) {
	service := server.NewReservationService(&constant{answer: benchAnswer(b)})
	request := benchRequest()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := service.Reserve(ctx, request); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReserve_Codec is what protobuf itself takes for the same request and answer.
func BenchmarkReserve_Codec(b *testing.B) {
	service := server.NewReservationService(&constant{answer: benchAnswer(b)})
	encoded, err := proto.Marshal(benchRequest())
	if err != nil {
		b.Fatal(err)
	}
	response, err := service.Reserve(b.Context(), benchRequest())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var request holdfastv1.ReserveRequest
		if err := proto.Unmarshal(encoded, &request); err != nil {
			b.Fatal(err)
		}
		if _, err := proto.Marshal(response); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReserve_Refusal makes the status of a sold-out line.
func BenchmarkReserve_Refusal(b *testing.B) {
	err := benchRefusal(b)
	request := benchRequest()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if server.StatusOf(ctx, request, err) == nil {
			b.Fatal("no status")
		}
	}
}

// BenchmarkReserve_Chain is a Reserve through all interceptors, over an in-memory connection with
// its client: compare it with another, not with the ones above.
func BenchmarkReserve_Chain(b *testing.B) {
	for name, store := range map[string]*constant{
		"granted": {answer: benchAnswer(b)}, "refused": {err: benchRefusal(b)},
	} {
		b.Run(name, func(b *testing.B) {
			conn := serve(b, server.New(store, server.Options{}))
			client := holdfastv1.NewReservationServiceClient(conn)
			ctx := b.Context()
			request := benchRequest()
			b.ReportAllocs()
			b.SetParallelism(64)
			b.ResetTimer()
			used := cpuTime(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					_, err := client.Reserve(ctx, request, grpc.WaitForReady(true))
					if (err == nil) != (store.err == nil) {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(cpuTime(b)-used)/float64(b.N), "cpu-ns/op")
		})
	}
}

// streamWindow is as many requests as BenchmarkReserve_Chain has callers on two cores.
const streamWindow = 128

// BenchmarkReserveStream_Chain is the same work as BenchmarkReserve_Chain over one stream: compare
// the two.
func BenchmarkReserveStream_Chain(b *testing.B) {
	for name, store := range map[string]*constant{
		"granted": {answer: benchAnswer(b)}, "refused": {err: benchRefusal(b)},
	} {
		b.Run(name, func(b *testing.B) {
			conn := serve(b, server.New(store, server.Options{}))
			stream, err := holdfastv1.NewReservationServiceClient(conn).ReserveStream(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			used := cpuTime(b)
			pump(b, stream, store.err == nil)
			b.ReportMetric(float64(cpuTime(b)-used)/float64(b.N), "cpu-ns/op")
		})
	}
}

// pump sends b.N requests and receives their answers.
func pump(b *testing.B, stream holdfastv1.ReservationService_ReserveStreamClient, granted bool) {
	b.Helper()
	window := make(chan struct{}, streamWindow)
	request := &holdfastv1.ReserveStreamRequest{Reserve: benchRequest()}
	go func() {
		for range b.N {
			window <- struct{}{}
			if err := stream.Send(request); err != nil {
				return // the receiver sees why
			}
		}
		_ = stream.CloseSend() // never fails
	}()
	for range b.N {
		answer, err := stream.Recv()
		if err != nil || (answer.GetReserved() != nil) != granted {
			b.Fatalf("%v: %v", answer, err)
		}
		<-window
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		b.Errorf("the stream ended with %v", err)
	}
}

// cpuTime is what the process, client and server, has used of its cores.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
