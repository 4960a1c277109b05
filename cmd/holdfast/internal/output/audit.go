package output

import (
	"fmt"
	"io"
	"strings"

	"google.golang.org/protobuf/proto"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// Finding returns a finding as one line: its kind, what it is about, what is and what should be.
func Finding(f *holdfastv1.Finding) string {
	var about []string
	for _, subject := range [][2]string{
		{"SKU", f.GetSku()},
		{"reservation", f.GetReservationId()},
		{"request", f.GetRequestId()},
	} {
		if subject[1] != "" {
			about = append(about, subject[0]+" "+subject[1])
		}
	}
	if f.GetLineNumber() > 0 {
		about = append(about, fmt.Sprintf("line %d", f.GetLineNumber()))
	}
	subject := ""
	if len(about) > 0 {
		subject = strings.Join(about, ", ") + ": "
	}
	return fmt.Sprintf("%-19s %s%s is %s, should be %s\n",
		strings.TrimPrefix(f.GetType().String(), "FINDING_TYPE_"), subject, f.GetWhat(), f.GetIs(),
		f.GetShouldBe())
}

// AuditSummary returns the end of an audit as one line.
func AuditSummary(stock string, summary *holdfastv1.AuditSummary) string {
	verdict := fmt.Sprintf("stock %s is sound", stock)
	if n := summary.GetFindings(); n > 0 {
		verdict = fmt.Sprintf("stock %s has %s", stock, Count(n, "finding"))
	}
	journal := "the journal was folded from its first event"
	if !summary.GetFolded() {
		journal = "the journal was not folded: it is trimmed, damaged, or too long"
	}
	return fmt.Sprintf("%s at %d:%d: %s and %s looked at; %s\n", verdict,
		summary.GetPosition().GetEpoch(), summary.GetPosition().GetSequence(),
		Count(summary.GetSkus(), "SKU"),
		Count(summary.GetReservations(), "reservation"), journal)
}

// Differ says whether a repair found anything to mend.
func Differ(answer *holdfastv1.RepairResponse) bool {
	return !proto.Equal(answer.GetBefore(), answer.GetAfter())
}

// Repair writes a table of the figures before and after.
func Repair(w io.Writer, answer *holdfastv1.RepairResponse) {
	t := NewTable(Left("figure"), Right("before", "after"))
	before, after := answer.GetBefore(), answer.GetAfter()
	t.Row("reserved", before.GetReservedQuantity(), after.GetReservedQuantity())
	t.Row("queued", before.GetQueuedQuantity(), after.GetQueuedQuantity())
	t.Row("filling", before.GetFillingQuantity(), after.GetFillingQuantity())
	t.Write(w)
}
