package server_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
)

func TestWatch_AsksForThePosition(t *testing.T) {
	_, store, _ := watch(t, &holdfastv1.WatchRequest{
		StockId: "s", After: &holdfastv1.Position{Epoch: 2, Sequence: 9},
	})
	want := reservation.WatchRequest{Stock: stockS, After: reservation.Some(
		reservation.Position{Epoch: 2, Sequence: 9})}
	if got := <-store.asked; got != want {
		t.Errorf("asked for %v, want %v", got, want)
	}
	_, store, _ = watch(t, &holdfastv1.WatchRequest{After: &holdfastv1.Position{}})
	if got := <-store.asked; !got.After.Set || got.After.Value != (reservation.Position{}) {
		t.Errorf("asked for %v, want all", got)
	}
	_, store, _ = watch(t, &holdfastv1.WatchRequest{})
	if got := <-store.asked; got.After.Set {
		t.Errorf("asked for %v, want from now on", got)
	}
}

func TestWatch_SendsEveryFieldOfAnEvent(t *testing.T) {
	_, store, stream := watch(t, &holdfastv1.WatchRequest{})
	reason := must(reservation.ParseAdjustReason("damage"))
	full := reservation.Event{
		Type: reservation.EventAdjusted, Reservation: idR1, Request: idQ1,
		State: reservation.StateHeld, Term: 2, ExpireTime: decided, Deleted: true,
		Lines: []reservation.EventLine{{
			Index: 1, SKU: sku("A"), Requested: 2, Covered: 3, Backordered: 4, Quantity: -5,
			Available: -6, Shortfall: 7, Reason: reason, Counted: true,
		}},
	}
	policy := reservation.Event{Type: reservation.EventPolicyChanged}
	policy.Policy.SafetyStock = reservation.Some[int64](2)
	store.batches <- batch(full, policy)
	at := timestamppb.New(decided)
	requireNext(t, stream, &holdfastv1.WatchResponse{
		Position: &holdfastv1.Position{Epoch: 1, Sequence: 102},
		Events: []*holdfastv1.Event{{
			Sequence: 101, StoreTime: at, Type: holdfastv1.EventType_EVENT_TYPE_ADJUSTED,
			ReservationId: "r-1", RequestId: "q-1", Term: 2, ExpireTime: at, Deleted: true,
			State: holdfastv1.ReservationState_RESERVATION_STATE_HELD,
			Lines: []*holdfastv1.EventLine{{
				LineIndex: 1, Sku: "A", RequestedQuantity: 2, CoveredQuantity: 3,
				BackorderedQuantity: 4, Quantity: -5, AvailableQuantity: -6, ShortfallQuantity: 7,
				Counted: true, Reason: "damage",
			}},
		}, {
			Sequence: 102, StoreTime: at, Type: holdfastv1.EventType_EVENT_TYPE_POLICY_CHANGED,
			Policy: &holdfastv1.Policy{SafetyStock: proto.Int64(2)},
		}},
	})
}

func TestWatch_Filter(t *testing.T) {
	changed := reservation.Event{Type: reservation.EventStoreChanged, Epoch: 2}
	all := func() reservation.EventBatch {
		return batch(
			naming(reservation.EventReserved, "A", "B"),             // 101
			naming(reservation.EventExtended),                       // 102
			naming(reservation.EventCommitted),                      // 103
			reservation.Event{Type: reservation.EventPolicyChanged}, // 104
			naming(reservation.EventLowStock, "B"),                  // 105
			changed,                                                 // 106
			naming(reservation.EventLowStock, "C"),                  // 107
		)
	}
	const reserved, extended = holdfastv1.EventType_EVENT_TYPE_RESERVED,
		holdfastv1.EventType_EVENT_TYPE_EXTENDED
	for name, test := range map[string]struct {
		types []holdfastv1.EventType
		skus  []string
		want  []int64
	}{
		"none":      {nil, nil, []int64{101, 102, 103, 104, 105, 106, 107}},
		"types":     {[]holdfastv1.EventType{extended, reserved}, nil, []int64{101, 102, 106}},
		"SKUs":      {nil, []string{"B", "B"}, []int64{101, 105, 106}},
		"both":      {[]holdfastv1.EventType{extended, reserved}, []string{"B"}, []int64{101, 106}},
		"of nobody": {nil, []string{"Z"}, []int64{106}},
	} {
		t.Run(name, func(t *testing.T) {
			_, store, stream := watch(t, &holdfastv1.WatchRequest{
				Types: test.types, Skus: test.skus,
			})
			store.batches <- all()
			got, err := stream.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, sequences(got)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			requireEqual(t, "position", &holdfastv1.Position{Epoch: 2, Sequence: 107},
				got.GetPosition())
			if got.GetEvents()[0].GetSequence() == 101 && len(got.GetEvents()[0].GetLines()) != 2 {
				t.Error("the event is not whole")
			}
		})
	}
}

func TestWatch_TellsThePositionWhenMuchWentBy(t *testing.T) {
	_, store, stream := watch(t, &holdfastv1.WatchRequest{Skus: []string{"Z"}})
	sequence := int64(100)
	pass := func(n int) {
		events := make([]reservation.Event, n)
		for i := range events {
			sequence++
			events[i] = naming(reservation.EventExtended)
			events[i].Sequence = sequence
		}
		store.batches <- reservation.EventBatch{
			Events: events, Position: reservation.Position{Epoch: 1, Sequence: sequence},
		}
	}
	at := func(sequence int64) *holdfastv1.WatchResponse {
		return &holdfastv1.WatchResponse{
			Position: &holdfastv1.Position{Epoch: 1, Sequence: sequence},
		}
	}
	pass(500)
	pass(499)
	pass(1)
	requireNext(t, stream, at(1_100))
	pass(999)
	pass(2_000)
	requireNext(t, stream, at(4_099))
}

func TestWatch_SplitsWhatIsTooLargeForAMessage(t *testing.T) {
	_, store, stream := watch(t, &holdfastv1.WatchRequest{})
	names := make([]string, reservation.MaxLines)
	for i := range names {
		names[i] = longName(i)
	}
	events := make([]reservation.Event, 50)
	for i := range events {
		events[i] = naming(reservation.EventReserved, names...)
	}
	events[30] = reservation.Event{Type: reservation.EventStoreChanged, Epoch: 2}
	store.batches <- batch(events...)
	next, responses := int64(101), 0
	for next <= 150 {
		response, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		responses++
		if size := proto.Size(response); size > 1<<20+64 {
			t.Errorf("a response of %d bytes", size)
		}
		for _, sequence := range sequences(response) {
			if sequence != next {
				t.Fatalf("event %d, want %d", sequence, next)
			}
			next++
		}
		want := &holdfastv1.Position{Epoch: 1, Sequence: next - 1}
		if next-1 >= 131 {
			want.Epoch = 2
		}
		requireEqual(t, "position", want, response.GetPosition())
	}
	if responses < 3 || responses > 10 {
		t.Errorf("%d responses", responses)
	}
}
