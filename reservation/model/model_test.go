package model_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
	"github.com/holdfast-dev/holdfast/reservation/storetest"
)

// subject is a model with a clock that the suite steps.
type subject struct {
	*model.Model
	*storetest.Clock
}

func open(*testing.T) storetest.Subject {
	clock := storetest.NewClock()
	options := model.Options{Retention: reservation.DefaultRetention, Now: clock.Now}
	return subject{Model: model.New(options), Clock: clock}
}

func TestModel(t *testing.T) {
	t.Parallel()
	storetest.Run(t, open)
}

func TestModel_CutsTheClockToMilliseconds(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("far east", 9*60*60)
	now := time.Date(2026, time.March, 4, 5, 6, 7, 89_999_999, zone)
	m := model.New(model.Options{
		Retention: reservation.DefaultRetention,
		Now:       func() time.Time { return now },
	})
	answer, err := m.SetDefaultPolicy(
		context.Background(), reservation.StockID{}, reservation.PolicyChange{})
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, time.March, 3, 20, 6, 7, 89_000_000, time.UTC)
	if answer.StoreTime != want {
		t.Errorf("store time is %v, must be %v", answer.StoreTime, want)
	}
}
