//go:build !race

// The race detector allocates on its own account; `make test-go` runs these without it.

package redisstore

import (
	"context"
	"strconv"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// allocsBatch is as many requests as the batches have that are counted here.
const allocsBatch = 64

// batchOf returns operations that reserve two SKUs each.
func batchOf(n int) []*operation {
	batch := make([]*operation, n)
	for i := range batch {
		request := reserveOf("order-"+strconv.Itoa(i), "mug")
		request.Lines = linesOf("mug", 1, "cup-"+strconv.Itoa(i%7), 2)
		batch[i] = reserveOperation(request)
	}
	return batch
}

// TestAllocs_ReserveOperation counts what a Reserve allocates on its way in: the operation and how
// it is encoded.
func TestAllocs_ReserveOperation(t *testing.T) {
	request := reserveOf("order", "mug")
	wantAllocs(t, 2, func() { _ = reserveOperation(request) })
}

// TestAllocs_Batcher counts what a lone caller allocates in the batcher: the channel that tells him
// of his outcome, the goroutine's argument, and the batch.
func TestAllocs_Batcher(t *testing.T) {
	b := &batcher{
		hold: func(*batcher) {}, letGo: func(*batcher) {},
		send: func(_ *batcher, batch []*operation) []*operation {
			for _, op := range batch {
				op.finish(&op.answer, nil)
			}
			return nil
		},
	}
	ctx := context.Background()
	op := new(operation)
	wantAllocs(t, 3, func() {
		op.life.Store(opWaiting)
		if _, err := b.do(ctx, op); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAllocs_Encoding counts what a batch allocates until it is a script call: for the batch as a
// whole, and nothing for a request.
func TestAllocs_Encoding(t *testing.T) {
	keys := keyspace{prefix: "allocs"}.of(mustStock(""))
	fixed := keys.fixed()
	header := []any{int64(1), int64(2), int64(3)}
	var pool encoderPool
	encode := func(batch []*operation) func() {
		return func() {
			e := pool.get(keys, fixed[:])
			for _, op := range batch {
				op.encode(e, 1_000_000_000_000)
			}
			_ = e.call("sha", header, len(batch))
			pool.put(e)
		}
	}
	wantAllocs(t, 5, encode(batchOf(1)))
	wantAllocs(t, 5, encode(batchOf(allocsBatch)))
}

// TestAllocs_ReadingAReply counts what is allocated to make an answer of a script's reply: its
// lines.
func TestAllocs_ReadingAReply(t *testing.T) {
	request := reserveOf("order", "mug")
	request.Lines = linesOf("mug", 1, "cup", 2)
	var raw any = []any{
		int64(codeOK), int64(7), "1000000000000 1000000900000 1\n1 1 0 9 1 mug\n2 2 0 8 1 cup",
	}
	var read reply
	wantAllocs(t, 1, func() {
		if err := read.open(1_000_000_000_000, raw); err != nil {
			t.Fatal(err)
		}
		answer, err := readReserved(&read, request)
		if err != nil || answer.Reservation.State != reservation.StateHeld {
			t.Fatal(answer, err)
		}
	})
}

// wantAllocs fails when one run allocates more often than was measured (November 2026, Go 1.26).
// The count is an average rounded down, so what happens once in many runs, such as a pool that was
// emptied, does not make it fail.
func wantAllocs(t *testing.T, measured float64, run func()) {
	t.Helper()
	if got := testing.AllocsPerRun(1_000, run); got > measured {
		t.Errorf("it allocates %v times, %v when this was written: find the new one with "+
			"-memprofile, or say here what it is for", got, measured)
	}
}
