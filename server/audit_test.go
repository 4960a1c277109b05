package server_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// scriptedAuditor keeps what it is asked and answers what a test lays down.
type scriptedAuditor struct {
	asked   any
	reports []reservation.AuditReport
	waits   bool // for its caller, after the reports
	summary reservation.AuditSummary
	answer  reservation.RepairAnswer
	err     error
}

func (a *scriptedAuditor) Audit(
	ctx context.Context, request reservation.AuditRequest,
	report func(reservation.AuditReport) error,
) (reservation.AuditSummary, error) {
	a.asked = request
	for _, one := range a.reports {
		if err := report(one); err != nil {
			return reservation.AuditSummary{}, err
		}
	}
	if a.waits {
		<-ctx.Done()
		return reservation.AuditSummary{}, &reservation.Error{
			Reason: reservation.ReasonCallerGaveUp, Cause: ctx.Err(),
		}
	}
	return a.summary, a.err
}

func (a *scriptedAuditor) Repair(
	_ context.Context, request reservation.RepairRequest,
) (reservation.RepairAnswer, error) {
	a.asked = request
	return a.answer, a.err
}

// audited serves a scripted auditor.
func audited(t *testing.T, auditor *scriptedAuditor) (*rig, holdfastv1.AuditServiceClient) {
	t.Helper()
	r := newRig(t, server.Options{Auditor: auditor}, nil)
	return r, holdfastv1.NewAuditServiceClient(r.conn)
}

// receiveAudit receives an audit to its end.
func receiveAudit(
	r *rig, client holdfastv1.AuditServiceClient, request *holdfastv1.AuditRequest,
) (answers []*holdfastv1.AuditResponse, err error) {
	stream, err := client.Audit(r.ctx, request)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return answers, nil
		}
		if err != nil {
			return answers, err
		}
		answers = append(answers, answer)
	}
}

func TestAudit_SendsEveryFieldOfFindingsProgressAndSummary(t *testing.T) {
	finding := reservation.Finding{
		Type: reservation.FindingQueueOrder, SKU: "A", Reservation: "r\xff1", Request: "q", Line: 3,
		What: "queue", Is: "5", ShouldBe: "7",
	}
	auditor := &scriptedAuditor{
		reports: []reservation.AuditReport{
			{Finding: reservation.Some(finding), Walked: 1, Total: 9},
			{Walked: 2, Total: 9},
		},
		summary: reservation.AuditSummary{
			Position: reservation.Position{Epoch: 2, Sequence: 40}, Findings: 1, SKUs: 3,
			Reservations: 4, Folded: true,
		},
	}
	r, client := audited(t, auditor)
	answers, err := receiveAudit(r, client, &holdfastv1.AuditRequest{StockId: "s"})
	if err != nil || len(answers) != 3 {
		t.Fatalf("got %v, %v", answers, err)
	}
	if auditor.asked != (reservation.AuditRequest{Stock: stockS}) {
		t.Errorf("the store was asked %+v", auditor.asked)
	}
	requireEqual(t, "finding", &holdfastv1.AuditResponse{Report: &holdfastv1.AuditResponse_Finding{
		Finding: &holdfastv1.Finding{
			Type: holdfastv1.FindingType_FINDING_TYPE_QUEUE_ORDER, Sku: "A", ReservationId: "r\uFFFD1",
			RequestId: "q", LineNumber: 3, What: "queue", Is: "5", ShouldBe: "7",
		},
	}}, answers[0])
	requireEqual(t, "progress", &holdfastv1.AuditResponse{Report: &holdfastv1.AuditResponse_Progress{
		Progress: &holdfastv1.AuditProgress{Walked: 2, Total: 9},
	}}, answers[1])
	requireEqual(t, "summary", &holdfastv1.AuditResponse{Report: &holdfastv1.AuditResponse_Summary{
		Summary: &holdfastv1.AuditSummary{
			Position: &holdfastv1.Position{Epoch: 2, Sequence: 40}, Findings: 1, Skus: 3,
			Reservations: 4, Folded: true,
		},
	}}, answers[2])
}

func TestAudit_EndsAsTheStoreSaysWithoutASummary(t *testing.T) {
	r, client := audited(t, &scriptedAuditor{
		reports: []reservation.AuditReport{{Walked: 1, Total: 2}},
		err: &reservation.Error{
			Reason: reservation.ReasonEventsTrimmed, Oldest: 7, Cause: errPrivate,
		},
	})
	answers, err := receiveAudit(r, client, &holdfastv1.AuditRequest{})
	got := requireReason(t, err, codes.OutOfRange, "EVENTS_TRIMMED")
	requireMetadata(t, got, map[string]string{"stock_id": "default", "oldest_sequence": "7"})
	requireNothingPrivate(t, err, got)
	if len(answers) != 1 || answers[0].GetProgress() == nil {
		t.Errorf("before it came %v", answers)
	}
}

func TestAudit_DrainIsUnavailable(t *testing.T) {
	auditor := &scriptedAuditor{reports: []reservation.AuditReport{{Total: 2}}, waits: true}
	r, client := audited(t, auditor)
	stream, err := client.Audit(r.ctx, &holdfastv1.AuditRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	shut := make(chan error, 1)
	go func() { shut <- r.server.Shutdown(r.ctx) }()
	_, err = stream.Recv()
	requireReason(t, err, codes.Unavailable, "STORE_UNAVAILABLE")
	if err := <-shut; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func TestRepair_AsksAndAnswersEveryField(t *testing.T) {
	auditor := &scriptedAuditor{answer: reservation.RepairAnswer{
		Before: reservation.RepairedFigures{Reserved: 5, Queued: 4, Filling: 3},
		After:  reservation.RepairedFigures{Reserved: 2, Queued: 1}, Applied: true,
		Stamp: reservation.Stamp{Sequence: 7, StoreTime: decided},
	}}
	r, client := audited(t, auditor)
	answer, err := client.Repair(r.ctx, &holdfastv1.RepairRequest{StockId: "s", Sku: "A", Apply: true})
	if err != nil {
		t.Fatal(err)
	}
	if auditor.asked != (reservation.RepairRequest{Stock: stockS, SKU: sku("A"), Apply: true}) {
		t.Errorf("the store was asked %+v", auditor.asked)
	}
	requireEqual(t, "Repair", &holdfastv1.RepairResponse{
		Before: &holdfastv1.RepairedFigures{
			ReservedQuantity: 5, QueuedQuantity: 4, FillingQuantity: 3,
		},
		After:   &holdfastv1.RepairedFigures{ReservedQuantity: 2, QueuedQuantity: 1},
		Applied: true, Sequence: 7, StoreTime: timestamppb.New(decided),
	}, answer)
}

func TestReason_OfARepair(t *testing.T) {
	for _, test := range []struct {
		reason reservation.Reason
		code   codes.Code
	}{
		{reservation.ReasonRepairConflict, codes.Aborted},
		{reservation.ReasonRecordUnreadable, codes.FailedPrecondition},
	} {
		t.Run(test.reason.String(), func(t *testing.T) {
			r, client := audited(t, &scriptedAuditor{err: &reservation.Error{
				Reason: test.reason, Cause: errPrivate,
			}})
			_, err := client.Repair(r.ctx, &holdfastv1.RepairRequest{Sku: "A"})
			got := requireReason(t, err, test.code, test.reason.String())
			requireMetadata(t, got, map[string]string{"stock_id": "default", "sku": "A"})
			requireNothingPrivate(t, err, got)
		})
	}
}

func TestAuditService_WithoutAnAuditorIsUnimplemented(t *testing.T) {
	r := newRig(t, server.Options{}, nil)
	client := holdfastv1.NewAuditServiceClient(r.conn)
	if _, err := receiveAudit(r, client, &holdfastv1.AuditRequest{}); status.Code(err) !=
		codes.Unimplemented {
		t.Errorf("got %v", err)
	}
}

func TestEvent_RepairedTellsTheFigures(t *testing.T) {
	event := reservation.Event{
		Sequence: 3, Type: reservation.EventRepaired,
		Lines: []reservation.EventLine{{SKU: sku("A")}},
		Repaired: reservation.Repaired{
			Before: reservation.RepairedFigures{Reserved: 9, Queued: 8, Filling: 7},
			After:  reservation.RepairedFigures{Reserved: 6, Queued: 5, Filling: 4},
		},
	}
	var got *holdfastv1.WatchResponse
	deliver := server.NewEventSender(func(response *holdfastv1.WatchResponse) error {
		got = response
		return nil
	})
	if err := deliver(reservation.EventBatch{Events: []reservation.Event{event}}); err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "event", &holdfastv1.Event{
		Sequence: 3, Type: holdfastv1.EventType_EVENT_TYPE_REPAIRED,
		Lines: []*holdfastv1.EventLine{{Sku: "A"}},
		RepairedBefore: &holdfastv1.RepairedFigures{
			ReservedQuantity: 9, QueuedQuantity: 8, FillingQuantity: 7,
		},
		RepairedAfter: &holdfastv1.RepairedFigures{
			ReservedQuantity: 6, QueuedQuantity: 5, FillingQuantity: 4,
		},
	}, got.GetEvents()[0])
}
