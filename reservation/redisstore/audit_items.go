package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/holdfast-dev/holdfast/reservation"
)

// queuePage is how many entries of a queue one step looks at.
const queuePage = 100

// items goes over the SKUs in the order of their bytes, each once, and holds those of the present
// round against the tally.
func (a *audit) items(ctx context.Context) error {
	from := "-"
	for {
		names, err := a.skusFrom(ctx, from)
		if err != nil {
			return err
		}
		// The queues come behind the figures of a page: looking at them follows the journal further.
		var queues []string
		if err := a.itemsNamed(ctx, names, func(item *storedItem, name string) error {
			if item.exists && item.queueLength > 0 && a.tally.isOfRound(name) {
				queues = append(queues, name)
			}
			return a.item(item, name)
		}); err != nil {
			return err
		}
		if err := a.queues(ctx, queues); err != nil {
			return err
		}
		if err := a.walkedOn(len(names)); err != nil {
			return err
		}
		if len(names) < recordsAtOnce {
			return nil
		}
		from = "(" + names[len(names)-1]
	}
}

// itemsNamed reads SKUs and hands each to look as of the moment to which the journal was followed.
func (a *audit) itemsNamed(
	ctx context.Context, names []string, look func(item *storedItem, name string) error,
) error {
	for chunk := range slices.Chunk(names, recordsAtOnce) {
		items, stockDefault, at, err := a.store.readFigures(ctx, a.stock, chunk)
		if err != nil {
			return err
		}
		if err := a.follow(ctx, at); err != nil {
			return err
		}
		if err := a.checkDefault(stockDefault); err != nil {
			return err
		}
		for i := range items {
			if err := look(&items[i], chunk[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// unlistedItems looks for SKUs that the stock has and does not list: nothing else meets them.
func (a *audit) unlistedItems(ctx context.Context) error {
	var cursor uint64
	for {
		pairs, next, err := a.store.client.HScan(ctx, a.keys.items(), cursor, "", indexPage).Result()
		if err != nil {
			return a.store.failure(ctx, err)
		}
		var names []string
		for i := 0; i < len(pairs); i += 2 {
			names = append(names, pairs[i])
		}
		if err := a.wantListed(ctx, names); err != nil {
			return err
		}
		if err := a.walkedOn(len(names)); err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}

// wantListed finds those SKUs that the stock has and does not list.
func (a *audit) wantListed(ctx context.Context, names []string) error {
	return a.itemsNamed(ctx, names, func(item *storedItem, name string) error {
		if !item.exists || item.listed {
			return nil
		}
		return a.find(reservation.Finding{
			Type: reservation.FindingIndexEntryMissing, SKU: name, What: indexSKUs, Is: notListed,
			ShouldBe: isListed,
		})
	})
}

// queueKeys looks at SKUs whose queue has a key: the stock must have them.
func (a *audit) queueKeys(ctx context.Context, names []string) error {
	var stray []string
	err := a.itemsNamed(ctx, names, func(item *storedItem, name string) error {
		if !item.exists && item.queueLength > 0 {
			stray = append(stray, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return a.queues(ctx, stray)
}

// item holds a SKU against the tally and the rule of section 3.
func (a *audit) item(item *storedItem, name string) error {
	if !a.tally.isOfRound(name) {
		return nil
	}
	a.summary.SKUs++
	switch {
	case !item.exists && item.listed:
		return a.find(reservation.Finding{
			Type: reservation.FindingIndexEntryStray, SKU: name, What: indexSKUs, Is: isListed,
			ShouldBe: notListed,
		})
	case !item.exists:
		return nil // deleted since its name was read
	case item.fault != "":
		return a.find(reservation.Finding{
			Type: reservation.FindingRecordMalformed, SKU: name, What: "SKU", Is: item.fault,
			ShouldBe: "figures that can be read",
		})
	}
	sums := a.tally.of(name)
	for _, found := range slices.Concat(checkFigures(item, sums), checkListed(item, sums),
		a.checkFoldedItem(item)) {
		found.SKU = name
		if err := a.find(found); err != nil {
			return err
		}
	}
	return nil
}

// rightItem returns a SKU as it should be, given what its reservations have open.
func rightItem(item *storedItem, sums openUnits) reservation.KeptItem {
	right := item.KeptItem
	right.Reserved, right.Queued = sums.reserved, sums.queued
	right.Filling = right.Due()
	return right
}

// checkFigures holds a SKU's figures against what its reservations have open (I1, I2). What is
// filling is judged by the others as they should be, so that each fault is told by itself.
func checkFigures(item *storedItem, sums openUnits) []reservation.Finding {
	var found []reservation.Finding
	add := func(isBad bool, kind reservation.FindingType, what string, is int64, shouldBe string) {
		if isBad {
			found = append(found, reservation.Finding{
				Type: kind, What: what, Is: strconv.FormatInt(is, 10), ShouldBe: shouldBe,
			})
		}
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	add(item.Reserved != sums.reserved, reservation.FindingReservedDiffers, "reserved",
		item.Reserved, number(sums.reserved))
	add(item.Queued != sums.queued, reservation.FindingQueuedDiffers, "queued", item.Queued,
		number(sums.queued))
	due := rightItem(item, sums).Filling
	add(item.Filling != due, reservation.FindingFillingDiffers, "filling", item.Filling, number(due))
	add(item.OnHand < 0, reservation.FindingOnHandNegative, "on hand", item.OnHand, "0 or more")
	for _, figure := range []struct {
		name  string
		units int64
	}{
		{"on hand", item.OnHand},
		{"reserved", item.Reserved},
		{"queued", item.Queued},
		{"filling", item.Filling},
	} {
		add(max(figure.units, -figure.units) > reservation.MaxFigure,
			reservation.FindingFigureOutOfRange, figure.name, figure.units,
			fmt.Sprintf("at most %d in size", int64(reservation.MaxFigure)))
	}
	return found
}

// checkListed holds a SKU's places in the indexes against what its figures should be.
func checkListed(item *storedItem, sums openUnits) []reservation.Finding {
	right := rightItem(item, sums)
	var found []reservation.Finding
	for _, index := range []struct {
		name       string
		is, wanted bool
	}{
		{indexWaiting, item.waiting, right.Queued > 0},
		{indexFilling, item.filling, right.Filling > 0},
	} {
		switch {
		case index.wanted && !index.is:
			found = append(found, reservation.Finding{
				Type: reservation.FindingIndexEntryMissing, What: index.name, Is: notListed,
				ShouldBe: isListed,
			})
		case !index.wanted && index.is:
			found = append(found, reservation.Finding{
				Type: reservation.FindingIndexEntryStray, What: index.name, Is: isListed,
				ShouldBe: notListed,
			})
		}
	}
	return found
}

// queues looks at the queues of SKUs.
func (a *audit) queues(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := a.queue(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// queue holds every entry of a SKU's queue against the line behind it, and the entries against each
// other: who was answered first stands first (I5).
func (a *audit) queue(ctx context.Context, name string) error {
	from, before := "-inf", int64(0)
	for {
		r, at, err := a.store.readMoment(ctx, scriptAuditQueue, a.stock, nil, name, from, queuePage)
		if err != nil {
			return err
		}
		if err := a.follow(ctx, at); err != nil {
			return err
		}
		more, entries := r.int() == 1, r.list()
		for _, raw := range entries {
			fields, _ := raw.([]any)
			e := reply{values: fields}
			member, score, waits, answered, term := e.text(), e.text(), e.int() == 1, e.int(), e.int()
			if e.err != nil {
				return internal(e.err)
			}
			if before, err = a.queueEntry(name, member, score, waits, answered, term, before); err != nil {
				return err
			}
			from = "(" + score
		}
		if r.err != nil {
			return internal(r.err)
		}
		if !more || len(entries) == 0 {
			return nil
		}
	}
}

// queueEntry judges one entry. before is the sequence of the answer that the entries before it had
// at the latest, of first terms; it returns the same behind this one.
func (a *audit) queueEntry(
	sku, member, score string, waits bool, answered, term, before int64,
) (int64, error) {
	finding := reservation.Finding{SKU: sku, Reservation: member, What: "queue"}
	if id, line := splitMember(member); line > 0 {
		finding.Reservation, finding.Line = id, line
	}
	switch {
	case !waits:
		finding.Type = reservation.FindingQueueEntryStray
		finding.Is, finding.ShouldBe = "an entry at "+score, notThere
		return before, a.find(finding)
	case term == 1 && answered < before && a.fold == nil: // the fold knows every place by itself
		finding.Type = reservation.FindingQueueOrder
		finding.Is = fmt.Sprintf("behind a grant answered at sequence %d", before)
		finding.ShouldBe = fmt.Sprintf("before it: its own was answered at %d", answered)
		return before, a.find(finding)
	case term == 1:
		return answered, nil
	}
	return before, nil
}
