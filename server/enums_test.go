package server_test

import (
	"fmt"
	"testing"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// requireOneToOne holds an enum of the domain, counted from 1, against the proto's: the same names,
// each converted to its own, and none on one side only.
func requireOneToOne[D ~uint8, P ~int32](
	t *testing.T, prefix string, names map[int32]string, convert func(D) P,
) {
	t.Helper()
	met := map[int32]bool{0: true}
	for value := D(1); fmt.Sprint(value) != "UNKNOWN"; value++ {
		number := int32(convert(value))
		if got, want := names[number], prefix+fmt.Sprint(value); got != want {
			t.Errorf("%v is %s on the wire, want %s", value, got, want)
		}
		met[number] = true
	}
	for number, name := range names {
		if !met[number] {
			t.Errorf("%s of the proto is not in the domain", name)
		}
	}
	if unknown := convert(0); unknown != 0 {
		t.Errorf("the zero value is %s on the wire", names[int32(unknown)])
	}
}

func TestEnums_AreTheProtosOneToOne(t *testing.T) {
	requireOneToOne[reservation.State](t, "RESERVATION_STATE_",
		holdfastv1.ReservationState_name, server.StateMessage)
	requireOneToOne[reservation.LineReason](t, "LINE_REFUSAL_REASON_",
		holdfastv1.LineRefusalReason_name, server.LineReasonMessage)
	requireOneToOne[reservation.BackorderMode](t, "BACKORDER_MODE_",
		holdfastv1.BackorderMode_name, server.BackorderModeMessage)
	requireOneToOne[reservation.FindingType](t, "FINDING_TYPE_",
		holdfastv1.FindingType_name, server.FindingTypeMessage)
	requireOneToOne[reservation.EventType](t, "EVENT_TYPE_",
		holdfastv1.EventType_name, server.EventTypeMessage)
}
