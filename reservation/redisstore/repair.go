package redisstore

import (
	"context"
	"fmt"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Repair counts a SKU's reserved and queued anew from its reservations, and its filling by the rule
// of section 3; see lua/repair.lua and docs/decisions/0002-audit.md. It walks all reservations of
// the stock in bounded steps, for nothing lists those of one SKU. One that cannot be read stops it.
// A repeat finds nothing more to mend.
func (s *Store) Repair(
	ctx context.Context, request reservation.RepairRequest,
) (reservation.RepairAnswer, error) {
	n, err := s.fitNode(ctx, s.keys.of(request.Stock).meta())
	if err != nil {
		return reservation.RepairAnswer{}, err
	}
	set, err := s.scriptsOf(ctx, n)
	if err != nil {
		return reservation.RepairAnswer{}, s.failure(ctx, err)
	}
	item, sums, at, err := s.count(ctx, request)
	if err != nil {
		return reservation.RepairAnswer{}, err
	}
	right := rightItem(&item, sums)
	answer := reservation.RepairAnswer{
		Before: repairedFigures(&item.KeptItem), After: repairedFigures(&right),
		Stamp: reservation.Stamp{Sequence: at.sequence, StoreTime: timeOf(n.clock.now())},
	}
	if !request.Apply || answer.Before == answer.After {
		return answer, nil
	}
	return s.mend(ctx, request, set.process, at, reservation.RepairedFigures{
		Reserved: item.Reserved - sums.reserved, Queued: item.Queued - sums.queued,
	})
}

func repairedFigures(item *reservation.KeptItem) reservation.RepairedFigures {
	return reservation.RepairedFigures{
		Reserved: item.Reserved, Queued: item.Queued, Filling: item.Filling,
	}
}

// count returns a SKU and what its reservations have open, both as of one moment.
func (s *Store) count(
	ctx context.Context, request reservation.RepairRequest,
) (item storedItem, sums openUnits, at moment, err error) {
	w := walk{store: s, stock: request.Stock, keys: s.keys.of(request.Stock)}
	h, err := s.readHead(ctx, w.keys)
	if err != nil {
		return item, sums, at, err
	}
	t := newTally(h.counts.reservations, 1, s.options.walkLimit)
	t.only = reservation.Some(request.SKU)
	t.beginRound(0)
	w.at = moment{sequence: h.sequence, epoch: h.epoch}
	w.event = func(event *reservation.Event) error {
		t.event(event)
		return nil
	}
	for class := range t.classes {
		t.beginClass(class)
		if err := w.countClass(ctx, t); err != nil {
			return item, sums, at, err
		}
	}
	name := request.SKU.String()
	items, _, at, err := s.readFigures(ctx, request.Stock, []string{name})
	if err != nil {
		return item, sums, at, err
	}
	if err := w.follow(ctx, at); err != nil {
		return item, sums, at, err
	}
	item = items[0]
	switch {
	case !item.exists:
		return item, sums, at, &reservation.Error{
			Reason: reservation.ReasonUnknownSKU, SKUs: []reservation.SKU{request.SKU},
		}
	case item.fault != "":
		return item, sums, at, unreadable("SKU "+name, item.fault)
	}
	return item, t.of(name), at, nil
}

// countClass adds the reservations of the present class to a tally.
func (w *walk) countClass(ctx context.Context, t *tally) error {
	return w.scan(ctx, func(found keysFound) error {
		var ids []string
		for _, id := range found.reservations {
			if t.isOfClass(id) {
				ids = append(ids, id)
			}
		}
		return w.records(ctx, ids, func(record *storedRecord) error {
			if record.fault != "" {
				return unreadable("reservation "+record.name, record.fault)
			}
			t.read(record)
			return nil
		})
	})
}

// unreadable refuses to count with a record that cannot be read.
func unreadable(what, why string) error {
	return &reservation.Error{
		Reason: reservation.ReasonRecordUnreadable, Cause: fmt.Errorf("%s: %s", what, why),
	}
}

// mend takes differences off a SKU's figures.
func (s *Store) mend(
	ctx context.Context, request reservation.RepairRequest, process string, at moment,
	off reservation.RepairedFigures,
) (reservation.RepairAnswer, error) {
	r, err := s.change(ctx, request.Stock, &operation{
		script: scriptRepair, lines: 1, bytes: requestOverhead,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.text(request.SKU.String())
			e.text(process)
			e.number(at.epoch)
			e.number(at.sequence)
			e.number(off.Reserved)
			e.number(off.Queued)
		},
	}, false)
	if err != nil {
		return reservation.RepairAnswer{}, err
	}
	answer := reservation.RepairAnswer{
		Before: r.repaired(), After: r.repaired(), Stamp: r.stamp(),
	}
	answer.Applied = answer.Before != answer.After
	if r.err != nil {
		return reservation.RepairAnswer{}, internal(r.err)
	}
	s.options.Logger.Warn("a SKU's figures were repaired", "stock", request.Stock.String(),
		"sku", request.SKU.String(), "before", answer.Before, "after", answer.After,
		"sequence", answer.Sequence)
	return answer, nil
}

func (r *reply) repaired() reservation.RepairedFigures {
	return reservation.RepairedFigures{Reserved: r.int(), Queued: r.int(), Filling: r.int()}
}
