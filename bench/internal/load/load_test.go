package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/load"
)

// serve starts an arm and a generator for one test.
func serve(t *testing.T, name arm.Name) (string, *load.Generator) {
	t.Helper()
	served, err := arm.Serve(t.Context(), arm.Config{Arm: name})
	if err != nil {
		t.Fatal(err)
	}
	generator := load.NewGenerator()
	t.Cleanup(func() {
		if err := generator.Close(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := served.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return served.Address, generator
}

func sum(units []int64) (total int64) {
	for _, n := range units {
		total += n
	}
	return total
}

func TestID_HasEighteenBytesAndTheNumber(t *testing.T) {
	if got := load.ID("r00042", 1234567); got != "r00042000001234567" {
		t.Errorf("id is %q", got)
	}
	if got := load.SKU(999_999); len(got) != 10 {
		t.Errorf("SKU %q is not 10 bytes long", got)
	}
}

func TestRun_ClosedLoopMakesEveryCallOnceAndCountsItsUnits(t *testing.T) {
	address, generator := serve(t, arm.Echo)
	job := load.Job{
		Work:    load.Work{Stock: "s", Run: "r00001", SKUs: 5, FirstSKU: 2, Lines: 5},
		Address: address, Connections: 2, Callers: 8, Calls: 400,
	}
	result, err := generator.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if result.Granted != 400 || result.Refused != 0 || result.Failed != 0 {
		t.Errorf("granted %d, refused %d, failed %d (%s)", result.Granted, result.Refused,
			result.Failed, result.Failure)
	}
	// Lines of one reservation are different SKUs, so that each of five has one unit of each call.
	for sku, units := range result.Units {
		if want := int64(400); sku >= 2 && units != want || sku < 2 && units != 0 {
			t.Errorf("SKU %d was granted %d units", sku, units)
		}
	}
}

func TestRun_OpenLoopKeepsToItsSchedule(t *testing.T) {
	address, generator := serve(t, arm.Echo)
	job := load.Job{
		Work:    load.Work{Stock: "s", Run: "r00001", SKUs: 10, Lines: 1},
		Address: address, Connections: 1, Callers: 4, For: 100 * time.Millisecond, Rate: 1_000,
		Interval: 50 * time.Millisecond,
	}
	result, err := generator.Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if result.Granted != 100 || sum(result.Units) != 100 {
		t.Errorf("a rate of 1,000 for 100 ms made %d calls, %d units", result.Granted,
			sum(result.Units))
	}
	if _, err := result.QuantileBetween(0, 100*time.Millisecond, 99); err != nil {
		t.Error(err)
	}
	if _, err := result.QuantileBetween(time.Second, 2*time.Second, 99); err == nil {
		t.Error("a time in which no call was due has latencies")
	}
}

func TestRun_CountsRefusalsAndFailures(t *testing.T) {
	address, generator := serve(t, arm.Model)
	job := load.Job{
		Work:    load.Work{Stock: "s", Run: "r00001", SKUs: 1, Lines: 1},
		Address: address, Connections: 1, Callers: 1, Calls: 3,
	}
	result, err := generator.Run(t.Context(), job) // the SKU is unknown
	if err != nil {
		t.Fatal(err)
	}
	if result.Failed != 3 || result.Failure == "" || result.Granted != 0 {
		t.Errorf("granted %d, failed %d (%s)", result.Granted, result.Failed, result.Failure)
	}
}
