package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// scriptedFencer keeps what it is asked and answers what a test lays down.
type scriptedFencer struct {
	asked  any
	fence  reservation.FenceAnswer
	fences reservation.FencesAnswer
	lifted reservation.LiftFenceAnswer
	err    error
}

func (f *scriptedFencer) Fence(
	_ context.Context, stock reservation.StockID,
) (reservation.FenceAnswer, error) {
	f.asked = stock
	return f.fence, f.err
}

func (f *scriptedFencer) Fences(
	_ context.Context, request reservation.ListFencesRequest,
) (reservation.FencesAnswer, error) {
	f.asked = request
	return f.fences, f.err
}

func (f *scriptedFencer) LiftFence(
	_ context.Context, request reservation.LiftFenceRequest,
) (reservation.LiftFenceAnswer, error) {
	f.asked = request
	return f.lifted, f.err
}

// fenced serves a scripted fencer.
func fenced(t *testing.T, fencer *scriptedFencer) (*rig, holdfastv1.AuditServiceClient) {
	t.Helper()
	r := newRig(t, server.Options{Fencer: fencer}, nil)
	return r, holdfastv1.NewAuditServiceClient(r.conn)
}

func fenceID(t *testing.T, name string) reservation.FenceID {
	t.Helper()
	id, err := reservation.ParseFenceID(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// aFence is a fence with a value of its own in each field, and its message.
func aFence(t *testing.T) (reservation.Fence, *holdfastv1.Fence) {
	t.Helper()
	since, noticed := decided, decided.Add(time.Second)
	fence := reservation.Fence{
		ID: fenceID(t, "4-1764018000000"), Since: since, NoticedTime: noticed,
		Seen:         reservation.Position{Epoch: 1, Sequence: 2},
		KeptSequence: 3, Found: reservation.Position{Epoch: 4, Sequence: 5}, LostEvents: 6,
		Server: "host:7",
	}
	message := &holdfastv1.Fence{
		FenceId: "4-1764018000000", SinceTime: timestamppb.New(since),
		NoticeTime:    timestamppb.New(noticed),
		SeenPosition:  &holdfastv1.Position{Epoch: 1, Sequence: 2},
		KeptSequence:  3,
		FoundPosition: &holdfastv1.Position{Epoch: 4, Sequence: 5}, LostEvents: 6,
		Server: "host:7",
	}
	return fence, message
}

func TestFence_EveryFieldIsSent(t *testing.T) {
	fence, message := aFence(t)
	at := timestamppb.New(decided)
	position := reservation.Position{Epoch: 8, Sequence: 9}
	fencer := &scriptedFencer{
		fence: reservation.FenceAnswer{
			Fence: reservation.Some(fence), Position: position, StoreTime: decided,
			Lifted: reservation.Some(reservation.LiftedFence{
				ID: fenceID(t, "2-10"), LiftTime: decided,
			}),
		},
		fences: reservation.FencesAnswer{
			Stocks: []reservation.FencedStock{{Stock: stockID("s"), Fence: fence}}, Next: 77,
			StoreTime: decided,
		},
		lifted: reservation.LiftFenceAnswer{
			LiftTime: decided, Stamp: reservation.Stamp{Sequence: 11, StoreTime: decided},
		},
	}
	r, client := fenced(t, fencer)
	got, err := client.GetFence(r.ctx, &holdfastv1.GetFenceRequest{StockId: "s"})
	requireAnswer(t, err, got, &holdfastv1.GetFenceResponse{
		Fence: message, LiftedFenceId: "2-10", LiftTime: at, StoreTime: at,
		Position: &holdfastv1.Position{Epoch: 8, Sequence: 9},
	})
	if fencer.asked != stockID("s") {
		t.Errorf("asked %+v", fencer.asked)
	}
	page, err := client.ListFences(r.ctx, &holdfastv1.ListFencesRequest{PageSize: 5})
	requireAnswer(t, err, page, &holdfastv1.ListFencesResponse{
		Stocks:        []*holdfastv1.FencedStock{{StockId: "s", Fence: message}},
		NextPageToken: page.GetNextPageToken(), StoreTime: at,
	})
	_, err = client.ListFences(r.ctx,
		&holdfastv1.ListFencesRequest{PageToken: page.GetNextPageToken()})
	want := reservation.ListFencesRequest{Limit: reservation.DefaultPageSize, After: 77}
	if err != nil || fencer.asked != want {
		t.Errorf("the next page: %v, asked %+v", err, fencer.asked)
	}
	lifted, err := client.LiftFence(r.ctx,
		&holdfastv1.LiftFenceRequest{StockId: "s", FenceId: "4-1764018000000"})
	requireAnswer(t, err, lifted, &holdfastv1.LiftFenceResponse{
		LiftTime: at, Sequence: 11, StoreTime: at,
	})
	lift := reservation.LiftFenceRequest{Stock: stockID("s"), Fence: fence.ID}
	if fencer.asked != lift {
		t.Errorf("asked %+v", fencer.asked)
	}
}

// stockID reads a valid name.
func stockID(name string) reservation.StockID {
	id, err := reservation.ParseStockID(name)
	if err != nil {
		panic(err)
	}
	return id
}

func requireAnswer(t *testing.T, err error, got, want any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestFence_NoneIsAbsent(t *testing.T) {
	r, client := fenced(t, &scriptedFencer{})
	got, err := client.GetFence(r.ctx, &holdfastv1.GetFenceRequest{})
	requireAnswer(t, err, got, &holdfastv1.GetFenceResponse{Position: &holdfastv1.Position{}})
}

func TestFence_BadRequestsAreRefused(t *testing.T) {
	fencer := &scriptedFencer{}
	r, client := fenced(t, fencer)
	for _, id := range []string{
		"", "1", "-", "1-", "-1", "1-2-3", "a-1", "1- 2", "+1-2", strings.Repeat("1", 16) + "-1",
	} {
		_, err := client.LiftFence(r.ctx, &holdfastv1.LiftFenceRequest{StockId: "s", FenceId: id})
		requireField(t, err, "fence_id")
	}
	_, err := client.LiftFence(r.ctx, &holdfastv1.LiftFenceRequest{StockId: "{", FenceId: "1-1"})
	requireField(t, err, "stock_id")
	_, err = client.GetFence(r.ctx, &holdfastv1.GetFenceRequest{StockId: "a b"})
	requireField(t, err, "stock_id")
	for _, size := range []int32{-1, 1_001} {
		_, err = client.ListFences(r.ctx, &holdfastv1.ListFencesRequest{PageSize: size})
		requireField(t, err, "page_size")
	}
	for _, token := range []string{"!", "QQ", "MA", "Nzc=", encoded("77", "1")} {
		_, err = client.ListFences(r.ctx, &holdfastv1.ListFencesRequest{PageToken: token})
		requireField(t, err, "page_token")
	}
	if fencer.asked != nil {
		t.Errorf("the store was asked %+v", fencer.asked)
	}
}

func requireField(t *testing.T, err error, field string) {
	t.Helper()
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	if names := fields(got); len(names) != 1 || names[0] != field {
		t.Errorf("the violations are of %v, want %s", names, field)
	}
}

func TestReason_OfAFence(t *testing.T) {
	for _, test := range []struct {
		reason   reservation.Reason
		code     codes.Code
		sentence string
	}{
		{
			reservation.ReasonStockFenced, codes.Unavailable,
			"stock s lost changes that were acknowledged, and grants nothing until its fence is " +
				"lifted; nothing was done and it is safe to retry later",
		},
		{
			reservation.ReasonFenceDiffers, codes.Aborted,
			"stock s does not have this fence: it has another one, or none; nothing was done: " +
				"look at it again",
		},
	} {
		r, client := fenced(t, &scriptedFencer{
			err: &reservation.Error{Reason: test.reason, Cause: errPrivate},
		})
		_, getErr := client.GetFence(r.ctx, &holdfastv1.GetFenceRequest{StockId: "s"})
		_, liftErr := client.LiftFence(r.ctx,
			&holdfastv1.LiftFenceRequest{StockId: "s", FenceId: "1-1"})
		for _, err := range []error{getErr, liftErr} {
			got := requireReason(t, err, test.code, test.reason.String())
			requireMetadata(t, got, map[string]string{"stock_id": "s"})
			requireNothingPrivate(t, err, got)
			if got.message != test.sentence {
				t.Errorf("message %q, want %q", got.message, test.sentence)
			}
		}
		_, listErr := client.ListFences(r.ctx, &holdfastv1.ListFencesRequest{})
		requireReason(t, listErr, test.code, test.reason.String())
	}
}

func TestFence_WithoutAFencerIsUnimplemented(t *testing.T) {
	r := newRig(t, server.Options{Auditor: &scriptedAuditor{}}, nil)
	client := holdfastv1.NewAuditServiceClient(r.conn)
	_, getErr := client.GetFence(r.ctx, &holdfastv1.GetFenceRequest{})
	_, listErr := client.ListFences(r.ctx, &holdfastv1.ListFencesRequest{})
	_, liftErr := client.LiftFence(r.ctx, &holdfastv1.LiftFenceRequest{FenceId: "1-1"})
	for _, err := range []error{getErr, listErr, liftErr} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("got %v", err)
		}
	}
}
