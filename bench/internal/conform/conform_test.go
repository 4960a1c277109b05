package conform_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/conform"
)

func dial(t *testing.T, config arm.Config) *grpc.ClientConn {
	t.Helper()
	served, err := arm.Serve(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := served.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient(served.Address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestCheck_PassesWhoDoesTheWork(t *testing.T) {
	all := conform.Abilities{Partial: true, Fills: true, Expires: true}
	model := arm.Config{Arm: arm.Model}
	if err := conform.Check(t.Context(), dial(t, model), dial(t, model), all, 7, 300); err != nil {
		t.Error(err)
	}
}

func TestCheck_CatchesWhoOnlySaysSo(t *testing.T) {
	err := conform.Check(t.Context(), dial(t, arm.Config{Arm: arm.Echo}),
		dial(t, arm.Config{Arm: arm.Model}), conform.Abilities{}, 7, 300)
	if err == nil || !strings.Contains(err.Error(), "answered") {
		t.Errorf("the echo passed: %v", err)
	}
}
