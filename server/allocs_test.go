//go:build !race

// The race detector allocates on its own account; `make test-go` runs these without it.

package server_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/server"
)

// TestAllocs_ReserveHandler counts what parsing a Reserve of 3 lines and making its answer
// allocate: the parsed lines; the answer, the reservation with its times, the time of the store,
// and the lines twice, as messages and as pointers to them.
func TestAllocs_ReserveHandler(t *testing.T) {
	service := server.NewReservationService(&constant{answer: benchAnswer(t)})
	request := benchRequest()
	ctx := t.Context()
	wantAllocs(t, 6, func() {
		if _, err := service.Reserve(ctx, request); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAllocs_Refusal counts what the status of a sold-out line allocates, details included.
func TestAllocs_Refusal(t *testing.T) {
	err := benchRefusal(t)
	request := benchRequest()
	ctx := t.Context()
	wantAllocs(t, 17, func() {
		if server.StatusOf(ctx, request, err) == nil {
			t.Fatal("no status")
		}
	})
}

// wantAllocs fails when one run allocates more often than was measured (November 2026, Go 1.26).
// The count is an average rounded down, so what happens once in many runs does not make it fail.
func wantAllocs(t *testing.T, measured float64, run func()) {
	t.Helper()
	if got := testing.AllocsPerRun(1_000, run); got > measured {
		t.Errorf("it allocates %v times, %v when this was written: find the new one with "+
			"-memprofile, or say here what it is for", got, measured)
	}
}
