package storetest

import (
	"context"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// auditor is a subject that can audit itself. The model is none: it scans where a store keeps
// figures and indexes, so there is nothing that could come apart.
type auditor interface {
	Audit(
		ctx context.Context, request reservation.AuditRequest,
		report func(reservation.AuditReport) error,
	) (reservation.AuditSummary, error)
}

// requireSound wants a subject that audits itself to find nothing, and to have looked at as much as
// the snapshot holds.
func requireSound(
	t *testing.T, subject Subject, stock reservation.StockID, snapshot reservation.Snapshot,
) {
	t.Helper()
	a, audits := subject.(auditor)
	if !audits {
		return
	}
	request := reservation.AuditRequest{Stock: stock}
	summary, err := a.Audit(t.Context(), request, func(report reservation.AuditReport) error {
		if report.Finding.Set {
			t.Errorf("a sound stock %s has a finding: %+v", stock, report.Finding.Value)
		}
		return nil
	})
	if err != nil {
		t.Errorf("audit of stock %s: %v", stock, err)
		return
	}
	if summary.SKUs != int64(len(snapshot.Items)) ||
		summary.Reservations != int64(len(snapshot.Reservations)) ||
		summary.Position.Sequence != snapshot.Sequence || !summary.Folded {
		t.Errorf("the audit of stock %s saw %+v, there are %d SKUs and %d reservations at %d", stock,
			summary, len(snapshot.Items), len(snapshot.Reservations), snapshot.Sequence)
	}
}
