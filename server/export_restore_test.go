package server_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// scriptedExporter exports what a test lays down and keeps what is restored.
type scriptedExporter struct {
	parts    []reservation.ExportPart
	err      error
	asked    any
	restored []reservation.ExportPart
	answer   reservation.RestoreAnswer
}

func (e *scriptedExporter) Export(
	_ context.Context, request reservation.ExportRequest,
	deliver func(reservation.ExportPart) error,
) error {
	e.asked = request
	for _, part := range e.parts {
		if err := deliver(part); err != nil {
			return err
		}
	}
	return e.err
}

func (e *scriptedExporter) Restore(
	_ context.Context, request reservation.RestoreRequest,
	next func() (reservation.ExportPart, error),
) (reservation.RestoreAnswer, error) {
	e.asked = request
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			return e.answer, e.err
		}
		if err != nil {
			return reservation.RestoreAnswer{}, err
		}
		e.restored = append(e.restored, part)
	}
}

// everyPart is a part of every kind with every field set.
func everyPart() []reservation.ExportPart {
	at := func(s int) time.Time { return decided.Add(time.Duration(s) * time.Second) }
	policy := reservation.Policy{
		BackorderMode:     reservation.Some(reservation.BackorderAllowAndNotify),
		BackorderLimit:    reservation.Some[int64](3),
		SafetyStock:       reservation.Some[int64](4),
		LowStockThreshold: reservation.Some[int64](-5),
		MinQuantity:       reservation.Some[int64](2),
		MaxQuantity:       reservation.Some[int64](8),
		QuantityIncrement: reservation.Some[int64](2),
		Sellable:          reservation.Some(false),
		Tracked:           reservation.Some(true),
	}
	own := policy
	own.RestockTime = reservation.Some(at(9))
	own.Substitutes = reservation.Some([]reservation.SKU{sku("B"), sku("C")})
	hints := reservation.GrantHints{
		Notify: true, RestockTime: reservation.Some(at(1)), Substitutes: []reservation.SKU{sku("S")},
	}
	return []reservation.ExportPart{
		{ReservationAmendment: &reservation.ReservationAmendment{
			ID: idR1, Born: true, State: reservation.StateFulfilled, ExpireTime: at(2),
			ForgetTime: at(3), Term: 2, TermTime: at(4), ByRelease: true,
			Lines: []reservation.LineAmendment{{
				Index: 5, Covered: -1, Backordered: 2, Fulfilled: 3, Joined: 4,
				Again: reservation.Some(hints),
			}},
		}},
		{ItemAmendment: &reservation.ItemAmendment{
			SKU: sku("A"), Anew: true, Gone: true, OnHand: -1, Reserved: -2, Queued: 3, Own: &own,
		}},
		{Item: &reservation.KeptItem{
			SKU: sku("A"), OnHand: 1, Reserved: 4, Queued: 3, Filling: 2, Own: own,
		}},
		{Reservation: &reservation.KeptReservation{
			ID: idR1, State: reservation.StateHeld, Fingerprint: "f", CreateTime: at(1),
			TTL: time.Minute, ExpireTime: at(61), Sequence: 7, Term: 2, TermTime: at(5),
			ForgetTime: at(6), ByRelease: true,
			Lines: []reservation.KeptLine{{
				SKU: sku("A"), Requested: 9, Granted: 8, FirstBackordered: 3, FirstAvailable: -3,
				Counted: true, First: hints, Covered: 4, Backordered: 2, Fulfilled: 1,
				Again: reservation.Some(hints), Joined: 6, Reason: reservation.LineInsufficientStock,
				Orderable: reservation.Some[int64](8),
			}},
		}, Late: true},
		{Request: &reservation.KeptRequest{
			ID: idQ1, Fingerprint: "g", Sequence: 8, CreateTime: at(1), ForgetTime: at(2),
			Answer: [2]string{"a\x1fb\x1eé", "c\nd"},
		}},
		{Default: &policy},
		{End: &reservation.ExportEnd{
			Position: reservation.Position{Epoch: 2, Sequence: 40},
			Epochs:   []reservation.Position{{Epoch: 1}, {Epoch: 2, Sequence: 30}},
			Items:    1, Reservations: 1, Requests: 1, Amendments: 2,
		}},
	}
}

// exported receives an export to its end.
func exported(
	r *rig, client holdfastv1.AuditServiceClient,
) (parts []*holdfastv1.ExportPart, progress *holdfastv1.AuditProgress, err error) {
	stream, err := client.Export(r.ctx, &holdfastv1.ExportRequest{StockId: "s"})
	if err != nil {
		return nil, nil, err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return parts, progress, nil
		}
		if err != nil {
			return parts, progress, err
		}
		parts = append(parts, response.GetParts()...)
		if response.GetProgress() != nil {
			progress = response.GetProgress()
		}
	}
}

// restored sends parts, the first of them with the name of the export, and returns the answer.
func restored(
	r *rig, client holdfastv1.AuditServiceClient, requests ...*holdfastv1.RestoreRequest,
) (*holdfastv1.RestoreResponse, error) {
	stream, err := client.Restore(r.ctx)
	if err != nil {
		return nil, err
	}
	for _, request := range requests {
		if stream.Send(request) != nil {
			break // why says the answer
		}
	}
	return stream.CloseAndRecv()
}

func TestExport_EveryFieldComesBackByRestore(t *testing.T) {
	exporter := &scriptedExporter{
		parts: append([]reservation.ExportPart{
			{Progress: &reservation.ExportProgress{Walked: 3, Total: 9}},
		}, everyPart()...),
		answer: reservation.RestoreAnswer{
			Position: reservation.Position{Epoch: 2, Sequence: 40}, Items: 3, Reservations: 4,
			Requests: 5,
		},
	}
	r := newRig(t, server.Options{Exporter: exporter}, nil)
	client := holdfastv1.NewAuditServiceClient(r.conn)
	parts, progress, err := exported(r, client)
	if err != nil || len(parts) != len(everyPart()) || progress.GetWalked() != 3 ||
		progress.GetTotal() != 9 {
		t.Fatalf("got %d parts, %v, %v", len(parts), progress, err)
	}
	if exporter.asked != (reservation.ExportRequest{Stock: stockS}) {
		t.Errorf("the store was asked %+v", exporter.asked)
	}
	answer, err := restored(r, client,
		&holdfastv1.RestoreRequest{StockId: "s", ExportId: "q-1", Parts: parts[:2]},
		&holdfastv1.RestoreRequest{}, &holdfastv1.RestoreRequest{Parts: parts[2:]})
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, "Restore", &holdfastv1.RestoreResponse{
		Position: &holdfastv1.Position{Epoch: 2, Sequence: 40}, Items: 3, Reservations: 4,
		Requests: 5,
	}, answer)
	if exporter.asked != (reservation.RestoreRequest{Stock: stockS, Export: idQ1}) {
		t.Errorf("the store was asked %+v", exporter.asked)
	}
	if diff := cmp.Diff(everyPart(), exporter.restored, cmp.AllowUnexported(
		reservation.ReservationID{}, reservation.RequestID{}, reservation.SKU{})); diff != "" {
		t.Errorf("exported -, restored +\n%s", diff)
	}
}

func TestRestore_RefusesPartsThatCannotBe(t *testing.T) {
	const tooMuch = 1_000_000_000_001
	item := func(item *holdfastv1.ExportedItem) *holdfastv1.ExportPart {
		return &holdfastv1.ExportPart{Part: &holdfastv1.ExportPart_Item{Item: item}}
	}
	kept := func(kept *holdfastv1.ExportedReservation) *holdfastv1.ExportPart {
		return &holdfastv1.ExportPart{Part: &holdfastv1.ExportPart_Reservation{Reservation: kept}}
	}
	id := func(change func(*holdfastv1.ExportedReservation)) *holdfastv1.ExportPart {
		one := &holdfastv1.ExportedReservation{
			ReservationId: "r", State: holdfastv1.ReservationState_RESERVATION_STATE_HELD,
		}
		change(one)
		return kept(one)
	}
	for field, part := range map[string]*holdfastv1.ExportPart{
		"part":     {},
		"item.sku": item(&holdfastv1.ExportedItem{}),
		"item.on_hand_quantity": item(&holdfastv1.ExportedItem{
			Sku: "A", OnHandQuantity: -1,
		}),
		"item.reserved_quantity": item(&holdfastv1.ExportedItem{
			Sku: "A", ReservedQuantity: tooMuch,
		}),
		"reservation.state": id(func(one *holdfastv1.ExportedReservation) { one.State = 0 }),
		"reservation.term":  id(func(one *holdfastv1.ExportedReservation) { one.Term = -1 }),
		"reservation.lines[0].sku": id(func(one *holdfastv1.ExportedReservation) {
			one.Lines = []*holdfastv1.ExportedLine{nil}
		}),
		"reservation.lines": id(func(one *holdfastv1.ExportedReservation) {
			one.Lines = make([]*holdfastv1.ExportedLine, 1_001)
		}),
		"reservation.create_time": id(func(one *holdfastv1.ExportedReservation) {
			one.CreateTime = &timestamppb.Timestamp{Seconds: -1}
		}),
		"reservation.fingerprint": id(func(one *holdfastv1.ExportedReservation) {
			one.Fingerprint = "two words"
		}),
		"reservation.lines[0].refusal_reason": id(func(one *holdfastv1.ExportedReservation) {
			one.Lines = []*holdfastv1.ExportedLine{{Sku: "A", RefusalReason: 99}}
		}),
		"reservation.lines[0].orderable_quantity": id(func(one *holdfastv1.ExportedReservation) {
			one.Lines = []*holdfastv1.ExportedLine{{
				Sku: "A", OrderableQuantity: proto.Int64(-1),
				RefusalReason: holdfastv1.LineRefusalReason_LINE_REFUSAL_REASON_NOT_SELLABLE,
			}}
		}),
		"request.answer": {Part: &holdfastv1.ExportPart_Request{
			Request: &holdfastv1.ExportedRequest{RequestId: "q"},
		}},
		"request.fingerprint": {Part: &holdfastv1.ExportPart_Request{
			Request: &holdfastv1.ExportedRequest{
				RequestId: "q", Fingerprint: "a\nb", Answer: [][]byte{nil, nil},
			},
		}},
		"item_amendment.sku": {Part: &holdfastv1.ExportPart_ItemAmendment{}},
		"reservation_amendment.reservation_id": {
			Part: &holdfastv1.ExportPart_ReservationAmendment{},
		},
	} {
		exporter := &scriptedExporter{}
		r := newRig(t, server.Options{Exporter: exporter}, nil)
		_, err := restored(r, holdfastv1.NewAuditServiceClient(r.conn), &holdfastv1.RestoreRequest{
			ExportId: "q-1", Parts: []*holdfastv1.ExportPart{part},
		})
		got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
		if len(fields(got)) == 0 || fields(got)[0] != "parts[0]."+field || len(exporter.restored) > 0 {
			t.Errorf("%s: the fields are %v, restored is %v", field, fields(got), exporter.restored)
		}
	}
}

func TestRestore_RefusesAnAnswerThatWouldBeWrittenDownOtherwise(t *testing.T) {
	exporter := &scriptedExporter{}
	r := newRig(t, server.Options{Exporter: exporter}, nil)
	_, err := restored(r, holdfastv1.NewAuditServiceClient(r.conn), &holdfastv1.RestoreRequest{
		ExportId: "q-1", Parts: []*holdfastv1.ExportPart{{Part: &holdfastv1.ExportPart_Request{
			Request: &holdfastv1.ExportedRequest{
				RequestId: "q", Answer: [][]byte{[]byte("a\x1db"), nil},
			},
		}}},
	})
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	if diff := cmp.Diff([]string{"parts[0].request.answer"}, fields(got)); diff != "" {
		t.Errorf("fields: want -, got +\n%s", diff)
	}
}

func TestRestore_NamesTheExportAndBoundsARequest(t *testing.T) {
	exporter := &scriptedExporter{}
	r := newRig(t, server.Options{Exporter: exporter}, nil)
	client := holdfastv1.NewAuditServiceClient(r.conn)
	many := make([]*holdfastv1.ExportPart, 1_001)
	for _, test := range []struct {
		requests []*holdfastv1.RestoreRequest
		fields   []string
	}{
		{nil, []string{"export_id"}},
		{[]*holdfastv1.RestoreRequest{{StockId: "a b"}}, []string{"stock_id", "export_id"}},
		{[]*holdfastv1.RestoreRequest{{ExportId: "q-1", Parts: many}}, []string{"parts"}},
	} {
		_, err := restored(r, client, test.requests...)
		got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
		if diff := cmp.Diff(test.fields, fields(got)); diff != "" {
			t.Errorf("fields: want -, got +\n%s", diff)
		}
	}
	if exporter.asked != nil {
		t.Errorf("the store was asked %+v", exporter.asked)
	}
}

func TestRestore_SaysWhyPartsDoNotHangTogether(t *testing.T) {
	exporter := &scriptedExporter{err: &reservation.Error{
		Reason: reservation.ReasonInvalidRequest, Cause: errors.New("something follows on the end"),
	}}
	r := newRig(t, server.Options{Exporter: exporter}, nil)
	_, err := restored(r, holdfastv1.NewAuditServiceClient(r.conn),
		&holdfastv1.RestoreRequest{ExportId: "q-1"})
	got := requireReason(t, err, codes.InvalidArgument, "INVALID_REQUEST")
	const want = "parts do not hang together: something follows on the end"
	if got.message != want {
		t.Errorf("message %q, want %q", got.message, want)
	}
}

func TestReason_OfAnExportAndARestore(t *testing.T) {
	for _, test := range []struct {
		reason   reservation.Reason
		code     codes.Code
		sentence string
	}{
		{
			reservation.ReasonStockNotEmpty, codes.FailedPrecondition,
			"stock s is not empty, or is being restored from another export",
		},
		{
			reservation.ReasonStockRestoring, codes.Unavailable,
			"stock s is being restored; nothing was done and it is safe to retry later",
		},
		{
			reservation.ReasonRecordUnreadable, codes.FailedPrecondition,
			"stock s has a record that cannot be read: an audit names it",
		},
	} {
		exporter := &scriptedExporter{err: &reservation.Error{Reason: test.reason, Cause: errPrivate}}
		r := newRig(t, server.Options{Exporter: exporter}, nil)
		client := holdfastv1.NewAuditServiceClient(r.conn)
		_, _, exportErr := exported(r, client)
		_, restoreErr := restored(r, client, &holdfastv1.RestoreRequest{StockId: "s", ExportId: "q"})
		for _, err := range []error{exportErr, restoreErr} {
			got := requireReason(t, err, test.code, test.reason.String())
			requireMetadata(t, got, map[string]string{"stock_id": "s"})
			requireNothingPrivate(t, err, got)
			if got.message != test.sentence {
				t.Errorf("message %q, want %q", got.message, test.sentence)
			}
		}
	}
}

func TestExport_WithoutAnExporterIsUnimplemented(t *testing.T) {
	r := newRig(t, server.Options{Auditor: &scriptedAuditor{}}, nil)
	client := holdfastv1.NewAuditServiceClient(r.conn)
	_, _, exportErr := exported(r, client)
	_, restoreErr := restored(r, client)
	for _, err := range []error{exportErr, restoreErr} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("got %v", err)
		}
	}
}
