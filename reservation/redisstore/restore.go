package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// restoreParts and restoreLines bound what one step of a restore writes.
	restoreParts = 64
	restoreLines = 1_000
)

// errExportIncomplete refuses an export that ends early or does not have what its end says.
var errExportIncomplete = errors.New("the export is not complete")

// Restore builds a stock, which must be empty, from an export's parts: first all amendments, then
// the others, then the end; next returns them and then io.EOF. Until it is done nobody else can
// write to the stock (STOCK_RESTORING). A restore that failed is begun again with the same export
// and goes on; see lua/restore.lua. Parts that do not hang together are an invalid request.
func (s *Store) Restore(
	ctx context.Context, request reservation.RestoreRequest,
	next func() (reservation.ExportPart, error),
) (reservation.RestoreAnswer, error) {
	r := &restore{
		store: s, request: request,
		reservations: make(map[reservation.ReservationID]*reservation.ReservationAmendment),
		items:        make(map[reservation.SKU]*reservation.ItemAmendment),
	}
	if err := r.flushPart(ctx, func(e *encoder) { e.text("begin") }, 0); err != nil {
		return reservation.RestoreAnswer{}, err
	}
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			return r.answer, r.done(ctx)
		}
		if err != nil {
			return reservation.RestoreAnswer{}, err
		}
		if err := r.take(ctx, part); err != nil {
			return reservation.RestoreAnswer{}, err
		}
	}
}

// restore is one under way.
type restore struct {
	store   *Store
	request reservation.RestoreRequest
	answer  reservation.RestoreAnswer
	read    reservation.ExportEnd // what came, to hold against what the end says
	end     *reservation.ExportEnd

	reservations map[reservation.ReservationID]*reservation.ReservationAmendment
	items        map[reservation.SKU]*reservation.ItemAmendment

	parts []func(e *encoder) // of the next step
	lines int                // in parts
	bytes int                // of parts, roughly
}

// malformedExport refuses an export.
func malformedExport(format string, arguments ...any) error {
	return &reservation.Error{
		Reason: reservation.ReasonInvalidRequest, Cause: fmt.Errorf(format, arguments...),
	}
}

// take takes one part.
func (r *restore) take(ctx context.Context, part reservation.ExportPart) error {
	switch {
	case r.end != nil:
		return malformedExport("something follows on the end")
	case part.ReservationAmendment != nil:
		r.reservations[part.ReservationAmendment.ID] = part.ReservationAmendment
		return r.amended()
	case part.ItemAmendment != nil:
		r.items[part.ItemAmendment.SKU] = part.ItemAmendment
		return r.amended()
	case part.Item != nil:
		r.read.Items++
		return r.item(ctx, *part.Item)
	case part.Reservation != nil:
		r.read.Reservations++
		return r.reservation(ctx, part)
	case part.Request != nil:
		r.read.Requests++
		r.answer.Requests++
		return r.add(ctx, encodeRequest(part.Request), 0, requestOverhead)
	case part.Default != nil:
		return r.add(ctx, encodeDefault(*part.Default), 0, requestOverhead)
	case part.End != nil:
		r.end = part.End
	}
	return nil
}

// amended counts an amendment.
func (r *restore) amended() error {
	r.read.Amendments++
	if r.read.Amendments > maxAmendments {
		return malformedExport("it has more than %d amendments", maxAmendments)
	}
	if r.read.Items+r.read.Reservations > 0 {
		return malformedExport("amendments must come first")
	}
	return nil
}

// item adds a SKU as it was at the export's moment.
func (r *restore) item(ctx context.Context, item reservation.KeptItem) error {
	if amendment, there := r.items[item.SKU]; there {
		delete(r.items, item.SKU)
		if !amendment.Apply(&item) {
			return nil
		}
	}
	return r.addItem(ctx, &item)
}

// addItem adds a SKU whose figures can be.
func (r *restore) addItem(ctx context.Context, item *reservation.KeptItem) error {
	for _, units := range []int64{item.OnHand, item.Reserved, item.Queued, item.Filling} {
		if units < 0 || units > reservation.MaxFigure {
			return malformedExport("a figure of %s would be %d", item.SKU, units)
		}
	}
	r.answer.Items++
	return r.add(ctx, encodeItem(item), 0, requestOverhead)
}

// reservation adds a reservation as it was at the export's moment.
func (r *restore) reservation(ctx context.Context, part reservation.ExportPart) error {
	kept := *part.Reservation
	amendment, there := r.reservations[kept.ID]
	if there && amendment.Born && !part.Late {
		return nil // one of this id that was forgotten before
	}
	if there {
		if err := amendment.Apply(&kept); err != nil {
			return malformedExport("%w", err)
		}
	}
	r.answer.Reservations++
	return r.add(ctx, encodeReservation(&kept), len(kept.Lines),
		requestOverhead+len(kept.Lines)*2*lineOverhead)
}

// done adds the SKUs that were made after all were read, and the end.
func (r *restore) done(ctx context.Context) error {
	if r.end == nil {
		return malformedExport("%w: it has no end", errExportIncomplete)
	}
	for _, amendment := range r.items {
		var item reservation.KeptItem
		if !amendment.Apply(&item) {
			continue
		}
		if err := r.addItem(ctx, &item); err != nil {
			return err
		}
	}
	if r.read.Items != r.end.Items || r.read.Reservations != r.end.Reservations ||
		r.read.Requests != r.end.Requests || r.read.Amendments != r.end.Amendments {
		return malformedExport("%w: it has %+v, its end says %+v", errExportIncomplete, r.read, *r.end)
	}
	r.answer.Position = r.end.Position
	// Before the end, so that no crash leaves a stock that nobody sweeps.
	b := r.store.stocks.acquire(r.request.Stock)
	defer r.store.stocks.release(b)
	if err := r.store.register(ctx, b); err != nil {
		return err
	}
	if err := r.add(ctx, encodeEnd(r.end), 0, requestOverhead); err != nil {
		return err
	}
	return r.flush(ctx)
}

// add adds a part to the next step, and takes the step before it where it does not fit.
func (r *restore) add(ctx context.Context, part func(e *encoder), lines, size int) error {
	if len(r.parts) > 0 && (len(r.parts) >= restoreParts || r.lines+lines > restoreLines ||
		r.bytes+size > maxBatchBytes/2) {
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	r.parts = append(r.parts, part)
	r.lines += lines
	r.bytes += size
	return nil
}

// flushPart takes a step of one part.
func (r *restore) flushPart(ctx context.Context, part func(e *encoder), lines int) error {
	if err := r.add(ctx, part, lines, requestOverhead); err != nil {
		return err
	}
	return r.flush(ctx)
}

// flush takes the next step. A step may be taken again: it writes the same.
func (r *restore) flush(ctx context.Context) error {
	if len(r.parts) == 0 {
		return nil
	}
	parts, lines, size := r.parts, r.lines, r.bytes
	r.parts, r.lines, r.bytes = nil, 0, 0
	_, err := r.store.change(ctx, r.request.Stock, &operation{
		script: scriptRestore, repeatable: true, lines: lines, bytes: size,
		encode: func(e *encoder, notAfter int64) {
			e.number(notAfter)
			e.text(r.request.Export.String())
			e.count(len(parts))
			for _, part := range parts {
				part(e)
			}
		},
	}, false)
	return err
}
