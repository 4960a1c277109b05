package redisstore

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/ledger"
)

// disagrees returns a finding about something that is not what the journal makes of it.
func disagrees(what, is, shouldBe string) reservation.Finding {
	return reservation.Finding{
		Type: reservation.FindingJournalDisagrees, What: what, Is: is, ShouldBe: shouldBe,
	}
}

// checkFolded holds a reservation against the folded journal (I7).
func (a *audit) checkFolded(r *storedRecord) []reservation.Finding {
	if a.fold == nil {
		return nil
	}
	told, known := a.fold.Reservations[r.ID]
	if !known {
		return []reservation.Finding{disagrees("record", r.State.String(), "unknown to the journal")}
	}
	told.Seen = true
	var found []reservation.Finding
	add := func(what, is, shouldBe string) {
		if is != shouldBe {
			found = append(found, disagrees(what, is, shouldBe))
		}
	}
	add("state", r.State.String(), told.State.String())
	add("term", strconv.FormatInt(r.Term, 10), strconv.FormatInt(told.Term, 10))
	add("lines", strconv.Itoa(len(r.Lines)), strconv.Itoa(len(told.Lines)))
	if told.Term > 0 {
		add("grant", milliseconds(r.CreateTime), milliseconds(told.CreateTime))
		add("expiry", milliseconds(r.ExpireTime), milliseconds(told.ExpireTime))
	}
	for i := range min(len(r.Lines), len(told.Lines)) {
		is, shouldBe := lineText(&r.Lines[i]), toldText(&told.Lines[i])
		if is != shouldBe {
			finding := disagrees("line", is, shouldBe)
			finding.SKU, finding.Line = r.Lines[i].SKU.String(), i+1
			found = append(found, finding)
		}
	}
	return found
}

// milliseconds writes a time down as the keys have it.
func milliseconds(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func lineText(l *reservation.KeptLine) string {
	text := fmt.Sprintf("%s: granted %d of %d, covered %d, backordered %d, fulfilled %d, counted %v",
		l.SKU, l.Granted, l.Requested, l.Covered, l.Backordered, l.Fulfilled, l.Counted)
	if l.Reason != 0 {
		text += ", cut for " + l.Reason.String()
	}
	return text
}

func toldText(l *ledger.Line) string {
	return lineText(&reservation.KeptLine{
		SKU: l.SKU, Requested: l.Requested, Granted: l.Granted, Covered: l.Covered,
		Backordered: l.Backordered, Fulfilled: l.Fulfilled, Counted: l.Counted, Reason: l.Reason,
	})
}

// checkFoldedItem holds a SKU against the folded journal. What is reserved and queued is held
// against the reservations, and these against the journal.
func (a *audit) checkFoldedItem(item *storedItem) []reservation.Finding {
	if a.fold == nil {
		return nil
	}
	told, known := a.fold.Items[item.SKU]
	if !known {
		return []reservation.Finding{disagrees("SKU", "known", "unknown to the journal")}
	}
	told.Seen = true
	var found []reservation.Finding
	if item.OnHand != told.OnHand {
		found = append(found, disagrees("on hand", strconv.FormatInt(item.OnHand, 10),
			strconv.FormatInt(told.OnHand, 10)))
	}
	if !reflect.DeepEqual(item.Own, told.Own) {
		found = append(found, disagrees("policy", policyWords(item.Own), policyWords(told.Own)))
	}
	return found
}

// checkDefault holds the stock's default policy against the folded journal.
func (a *audit) checkDefault(is reservation.Policy) error {
	if a.fold == nil || reflect.DeepEqual(is, a.fold.Default) {
		return nil
	}
	return a.find(disagrees("default policy", policyWords(is), policyWords(a.fold.Default)))
}

// policyWords writes a policy down as it is stored.
func policyWords(p reservation.Policy) string {
	var words []string
	for _, field := range reservation.AllPolicyFields() {
		if value := storedValue(p, field); value != "" {
			words = append(words, storedName(field)+"="+value)
		}
	}
	return fmt.Sprint(words)
}

// unseen looks for what the folded journal has and the walk did not meet: it is gone, or newer than
// the step that would have met it.
func (a *audit) unseen(ctx context.Context) error {
	if a.fold == nil {
		return nil
	}
	var ids, skus []string
	for id, r := range a.fold.Reservations {
		if !r.Seen && !r.State.IsFinished() {
			ids = append(ids, id.String())
		}
	}
	for sku, item := range a.fold.Items {
		if !item.Seen {
			skus = append(skus, sku.String())
		}
	}
	slices.Sort(ids)
	slices.Sort(skus)
	if err := a.records(ctx, ids, a.unseenRecord); err != nil {
		return err
	}
	return a.itemsNamed(ctx, skus, a.unseenItem)
}

func (a *audit) unseenRecord(record *storedRecord) error {
	id, err := reservation.ParseReservationID(record.name)
	if err != nil || a.fold == nil || record.exists {
		return nil //nolint:nilerr // the journal's ids were read as such
	}
	told := a.fold.Reservations[id]
	if told == nil || told.State.IsFinished() {
		return nil
	}
	finding := disagrees("record", notThere, told.State.String())
	finding.Reservation = record.name
	return a.find(finding)
}

func (a *audit) unseenItem(item *storedItem, name string) error {
	if a.fold == nil || item.exists || a.fold.Items[item.SKU] == nil {
		return nil
	}
	finding := disagrees("SKU", notThere, "known")
	finding.SKU = name
	return a.find(finding)
}
