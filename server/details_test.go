package server_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// longName returns a name of 64 bytes that ends in a number.
func longName(n int) string { return fmt.Sprintf("%s%05d", strings.Repeat("N", 59), n) }

// requireFull holds an error against the rule that its details are as many as fit into 4 KiB.
func requireFull(t *testing.T, got answered, largestDetail int) {
	t.Helper()
	if got.size > server.MaxStatusSize {
		t.Errorf("the status has %d bytes, at most %d are allowed", got.size, server.MaxStatusSize)
	}
	if got.size+largestDetail < server.MaxStatusSize {
		t.Errorf("the status has %d bytes: another detail would have fitted", got.size)
	}
	if got.info.GetMetadata()["truncated"] != "true" {
		t.Errorf("metadata %v does not say truncated", got.info.GetMetadata())
	}
}

func TestDetails_ThousandRefusedLinesStayWithin4KiB(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	substitutes := make([]string, reservation.MaxSubstitutes)
	for i := range substitutes {
		substitutes[i] = longName(90_000 + i)
	}
	request := &holdfastv1.ReserveRequest{StockId: longName(1), ReservationId: longName(2)}
	for i := range reservation.MaxLines {
		name := longName(i)
		_, err := r.stocks.SetPolicy(r.ctx, &holdfastv1.SetPolicyRequest{
			StockId: request.GetStockId(), Sku: name,
			Policy: &holdfastv1.Policy{Substitutes: substitutes},
		})
		if err != nil {
			t.Fatal(err)
		}
		request.Lines = append(request.Lines, &holdfastv1.LineQuantity{
			Sku: name, Quantity: reservation.MaxQuantity,
		})
	}
	_, err := r.reservations.Reserve(r.ctx, request)
	got := requireReason(t, err, codes.FailedPrecondition, "LINES_REFUSED")
	requireFull(t, got, 700)
	if got.info.GetMetadata()["refused_lines"] != "1000" {
		t.Errorf("metadata %v", got.info.GetMetadata())
	}
	if len(got.refusals) == 0 {
		t.Error("no line stands in the details")
	}
	for i, refusal := range got.refusals {
		if refusal.GetLineIndex() != int32(i) || len(refusal.GetSubstitutes()) != 8 {
			t.Errorf("detail %d is of line %d", i, refusal.GetLineIndex())
		}
	}

	check, err := r.reservations.CheckAvailability(r.ctx, &holdfastv1.CheckAvailabilityRequest{
		StockId: request.GetStockId(), Lines: request.GetLines(),
	})
	if err != nil || len(check.GetRefusals()) != reservation.MaxLines || check.GetGrantable() {
		t.Errorf("CheckAvailability has %d refusals: %v", len(check.GetRefusals()), err)
	}
}

func TestDetails_ThousandUnknownSKUsStayWithin4KiB(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	request := &holdfastv1.BatchGetStockRequest{}
	for i := range reservation.MaxPageSize {
		request.Skus = append(request.Skus, longName(i))
	}
	_, err := r.stocks.BatchGetStock(r.ctx, request)
	got := requireReason(t, err, codes.NotFound, "UNKNOWN_SKU")
	requireFull(t, got, 150)
	if got.info.GetMetadata()["unknown_skus"] != "1000" || len(got.resources) < 20 {
		t.Errorf("metadata %v, %d resources", got.info.GetMetadata(), len(got.resources))
	}
}

func TestDetails_ThousandViolationsStayWithin4KiB(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	request := &holdfastv1.ReserveRequest{
		StockId: strings.Repeat("ü", 100_000), ReservationId: strings.Repeat("x", 100_000),
		Replaces: "!",
	}
	for range reservation.MaxLines {
		request.Lines = append(request.Lines, &holdfastv1.LineQuantity{Sku: "A"})
	}
	_, err := r.reservations.Reserve(r.ctx, request)
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	requireFull(t, got, 150)
	if got.info.GetMetadata()["violations"] != strconv.Itoa(reservation.MaxLines+3) {
		t.Errorf("metadata %v", got.info.GetMetadata())
	}
	if names := fields(got); len(names) < 20 || names[2] != "lines[0].quantity" {
		t.Errorf("fields %v", names)
	}
	if stock := got.info.GetMetadata()["stock_id"]; len(stock) != 64 {
		t.Errorf("stock_id in metadata has %d bytes", len(stock))
	}
}

// TestDetails_EveryNumberOfViolationsFits goes through the sizes at which a length takes a byte
// more.
func TestDetails_EveryNumberOfViolationsFits(t *testing.T) {
	for n := 1; n <= 120; n++ {
		request := &holdfastv1.ReserveRequest{ReservationId: "r-1"}
		for range n {
			request.Lines = append(request.Lines, &holdfastv1.LineQuantity{Sku: "A"})
		}
		_, err := server.Parse(request)
		got := takeApart(t, server.StatusOf(t.Context(), request, err))
		truncated := got.info.GetMetadata()["truncated"] == "true"
		if got.size > server.MaxStatusSize || truncated != (len(got.violations) < n) {
			t.Errorf("%d violations: %d bytes, %d kept, truncated %v",
				n, got.size, len(got.violations), truncated)
		}
	}
}
