package redisstore

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// maxAmendments bounds what an export remembers of the changes while it walks, and a restore of
// what it is told first: about 200 MB. A stock that changes more meanwhile is too busy for it.
const maxAmendments = 300_000

// Export hands all of a stock as of one moment to deliver, while it sells. It walks as Audit does:
// each part is as of the step that read it, and what the journal tells of it afterwards is gathered
// and delivered as amendments in the end; see docs/decisions/0002-audit.md. It ends early with
// deliver's error, and with a reason where the store or a record cannot be read.
func (s *Store) Export(
	ctx context.Context, request reservation.ExportRequest,
	deliver func(reservation.ExportPart) error,
) error {
	keys := s.keys.of(request.Stock)
	if _, err := s.fitNode(ctx, keys.meta()); err != nil {
		return err
	}
	x := &export{
		deliver:  deliver,
		walk:     walk{store: s, stock: request.Stock, keys: keys},
		amended:  make(map[reservation.ReservationID]*reservation.ReservationAmendment),
		again:    make(map[reservation.ReservationID]struct{}),
		requests: make(map[reservation.RequestID]struct{}),
		items:    make(map[reservation.SKU]*reservation.ItemAmendment),
	}
	x.walk.event = x.event
	return x.run(ctx)
}

// export is one under way.
type export struct {
	walk

	deliver func(reservation.ExportPart) error
	tally   *tally
	end     reservation.ExportEnd

	walked, total int64
	ended         bool // the export's moment is behind

	amended map[reservation.ReservationID]*reservation.ReservationAmendment
	// again names the reservations that got their units again meanwhile: what that told is read in
	// the end.
	again    map[reservation.ReservationID]struct{}
	requests map[reservation.RequestID]struct{} // made meanwhile
	items    map[reservation.SKU]*reservation.ItemAmendment
	// cursor is the last SKU that was read: those up to it are known, as they come in the order of
	// their bytes. empty: none was.
	cursor       string
	stockDefault reservation.Policy
}

func (x *export) run(ctx context.Context) error {
	h, err := x.store.readHead(ctx, x.keys)
	if err != nil {
		return err
	}
	x.at = moment{sequence: h.sequence, epoch: h.epoch}
	x.tally = newTally(h.counts.reservations, 1, x.store.options.walkLimit)
	x.tally.only = reservation.Some(reservation.SKU{}) // its sums are not wanted
	x.total = h.counts.reservations + h.counts.requests + h.counts.skus
	x.tally.beginRound(0)
	for class := range x.tally.classes {
		x.tally.beginClass(class)
		if err := x.keysOnce(ctx, class); err != nil {
			return err
		}
	}
	if err := x.itemPages(ctx); err != nil {
		return err
	}
	// Here is the moment of the export: every reservation and SKU is known as of x.at.
	return x.finish(ctx)
}

// keysOnce delivers the reservations of a class, and in the first pass the request ids.
func (x *export) keysOnce(ctx context.Context, class uint64) error {
	return x.scan(ctx, func(found keysFound) error {
		var ids []string
		for _, id := range found.reservations {
			if x.tally.isOfClass(id) {
				ids = append(ids, id)
			}
		}
		if err := x.records(ctx, ids, x.record); err != nil {
			return err
		}
		if class == 0 {
			if err := x.requestsNamed(ctx, found.requests); err != nil {
				return err
			}
			ids = append(ids, found.requests...)
		}
		return x.walkedOn(len(ids))
	})
}

// record delivers a reservation as it was read, once.
func (x *export) record(record *storedRecord) error {
	if record.fault != "" {
		return unreadable("reservation "+record.name, record.fault)
	}
	amendment, isAmended := x.amended[record.ID]
	isBorn := isAmended && amendment.Born
	if !record.exists || x.tally.knows(record.name) && !isBorn {
		return nil
	}
	x.tally.read(record)
	if isBorn {
		// What happened to it so far is in what was read.
		delete(x.amended, record.ID)
		delete(x.again, record.ID)
	}
	x.end.Reservations++
	return x.deliver(reservation.ExportPart{Reservation: &record.KeptReservation})
}

// requestsNamed delivers request ids; what they hold never changes.
func (x *export) requestsNamed(ctx context.Context, names []string) error {
	for chunk := range slices.Chunk(names, recordsAtOnce) {
		requests, at, err := x.store.readRequests(ctx, x.stock, chunk)
		if err != nil {
			return err
		}
		if !x.ended { // later than its moment nothing is followed any more
			if err := x.follow(ctx, at); err != nil {
				return err
			}
		}
		for i := range requests {
			q := &requests[i]
			switch {
			case q.fault != "":
				return unreadable("request "+q.name, q.fault)
			case !q.exists:
				continue
			}
			delete(x.requests, q.ID)
			x.end.Requests++
			if err := x.deliver(reservation.ExportPart{Request: &q.KeptRequest}); err != nil {
				return err
			}
		}
	}
	return nil
}

// itemPages delivers the SKUs in the order of their bytes.
func (x *export) itemPages(ctx context.Context) error {
	from := "-"
	for {
		names, err := x.skusFrom(ctx, from)
		if err != nil {
			return err
		}
		items, stockDefault, at, err := x.store.readFigures(ctx, x.stock, names)
		if err != nil {
			return err
		}
		// SKUs up to here that were not listed are new: what events tell of them is all there is.
		x.cursor = maxName
		if len(names) == recordsAtOnce {
			x.cursor = names[len(names)-1]
		}
		if err := x.follow(ctx, at); err != nil {
			return err
		}
		x.stockDefault = stockDefault
		for i := range items {
			if err := x.item(&items[i], names[i]); err != nil {
				return err
			}
		}
		if err := x.walkedOn(len(names)); err != nil || x.cursor == maxName {
			return err
		}
		from = "(" + x.cursor
	}
}

// maxName stands behind every name: no UTF-8 has the byte.
const maxName = "\xff"

func (x *export) item(item *storedItem, name string) error {
	switch {
	case item.fault != "":
		return unreadable("SKU "+name, item.fault)
	case !item.exists:
		return nil
	}
	delete(x.items, item.SKU) // it is in what was read
	x.end.Items++
	return x.deliver(reservation.ExportPart{Item: &item.KeptItem})
}

// finish delivers what happened since each part was read, and what was made too late to be read
// before.
func (x *export) finish(ctx context.Context) error {
	h, err := x.store.present(ctx, x.stock)
	if err != nil {
		return err
	}
	if h.epoch != x.at.epoch {
		return unavailable(errStoreChanged)
	}
	x.ended = true
	x.end.Position = reservation.Position{Epoch: x.at.epoch, Sequence: x.at.sequence}
	for epoch := int64(1); epoch <= x.at.epoch; epoch++ {
		x.end.Epochs = append(x.end.Epochs, reservation.Position{
			Epoch: epoch, Sequence: h.began[epoch],
		})
	}
	if err := x.late(ctx); err != nil {
		return err
	}
	if err := x.amendments(); err != nil {
		return err
	}
	var made []string
	for id := range x.requests {
		made = append(made, id.String())
	}
	if err := x.requestsNamed(ctx, made); err != nil {
		return err
	}
	if err := x.deliver(reservation.ExportPart{Default: &x.stockDefault}); err != nil {
		return err
	}
	if err := x.deliver(reservation.ExportPart{
		Progress: &reservation.ExportProgress{Walked: x.total, Total: x.total},
	}); err != nil {
		return err
	}
	return x.deliver(reservation.ExportPart{End: &x.end})
}

// late reads, later than the export's moment, what never changes of reservations that were made
// shortly before it, and what a further grant told.
func (x *export) late(ctx context.Context) error {
	var ids []string
	for id, amendment := range x.amended {
		if _, again := x.again[id]; again || amendment.Born {
			ids = append(ids, id.String())
		}
	}
	for len(ids) > 0 {
		records, _, err := x.store.readRecords(ctx, x.stock, ids[:min(len(ids), recordsAtOnce)])
		if err != nil {
			return err
		}
		for i := range records {
			if err := x.lateRecord(&records[i]); err != nil {
				return err
			}
		}
		ids = ids[len(records):]
	}
	return nil
}

func (x *export) lateRecord(record *storedRecord) error {
	id, err := reservation.ParseReservationID(record.name)
	if err != nil {
		return internal(err)
	}
	switch {
	case record.fault != "":
		return unreadable("reservation "+record.name, record.fault)
	case !record.exists: // its retention ended meanwhile: it would be forgotten anyway
		delete(x.amended, id)
		return nil
	}
	amendment := x.amended[id]
	if _, again := x.again[id]; again {
		for i := range amendment.Lines {
			line := &amendment.Lines[i]
			if line.Index < len(record.Lines) {
				line.Again = record.Lines[line.Index].Again
			}
		}
	}
	if !amendment.Born {
		return nil
	}
	x.end.Reservations++
	return x.deliver(reservation.ExportPart{Reservation: &record.KeptReservation, Late: true})
}

func (x *export) amendments() error {
	x.end.Amendments = int64(len(x.amended) + len(x.items))
	for _, amendment := range x.amended {
		if err := x.deliver(reservation.ExportPart{ReservationAmendment: amendment}); err != nil {
			return err
		}
	}
	for _, amendment := range x.items {
		if err := x.deliver(reservation.ExportPart{ItemAmendment: amendment}); err != nil {
			return err
		}
	}
	return nil
}

// walkedOn counts what was looked at and says so from time to time.
func (x *export) walkedOn(n int) error {
	before := x.walked / progressEvery
	x.walked = min(x.walked+int64(n), x.total)
	if x.walked/progressEvery == before {
		return nil
	}
	return x.deliver(reservation.ExportPart{
		Progress: &reservation.ExportProgress{Walked: x.walked, Total: x.total},
	})
}

// forgetTime returns the end of the retention of what finished at a time.
func (x *export) forgetTime(finished time.Time) time.Time {
	return finished.Add(x.store.options.Retention)
}
