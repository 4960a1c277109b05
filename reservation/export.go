package reservation

import (
	"fmt"
	"time"
)

// ExportRequest asks for all of a stock as of one moment.
type ExportRequest struct {
	Stock StockID
}

// ExportPart is one thing that an export has to say; exactly one pointer is set. Parts are read one
// after the other while the stock moves, so what a part says is as of the step that read it. The
// amendments say what happened to it from then on until the export's moment.
type ExportPart struct {
	Default              *Policy // as of the export's moment
	Item                 *KeptItem
	Reservation          *KeptReservation
	Late                 bool // of Reservation: read later than the export's moment, see Born
	Request              *KeptRequest
	ItemAmendment        *ItemAmendment
	ReservationAmendment *ReservationAmendment
	Progress             *ExportProgress
	End                  *ExportEnd // last
}

// ExportProgress is how far an export is. Walked never passes Total, which is an estimate.
type ExportProgress struct {
	Walked int64
	Total  int64
}

// ExportEnd says as of which moment an export is, and how many parts of each kind it has.
type ExportEnd struct {
	Position     Position
	Epochs       []Position // where each epoch of the stock began
	Items        int64
	Reservations int64
	Requests     int64
	Amendments   int64
}

// ItemAmendment is what became of a SKU after it was read, up to the export's moment. A SKU that
// was not read begins at nothing.
type ItemAmendment struct {
	SKU SKU
	// Anew says that it was deleted: what follows begins at nothing.
	Anew bool
	// Gone says that it was deleted and did not come again.
	Gone     bool
	OnHand   int64 // units that came, less those that went
	Reserved int64
	Queued   int64
	Own      *Policy // as it is afterwards; nil: it did not change
}

// Apply amends a SKU; it is false for one that is gone.
func (a *ItemAmendment) Apply(item *KeptItem) (exists bool) {
	if a.Anew {
		*item = KeptItem{}
	}
	item.SKU = a.SKU
	item.OnHand += a.OnHand
	item.Reserved += a.Reserved
	item.Queued += a.Queued
	item.Filling = item.Due()
	if a.Own != nil {
		item.Own = *a.Own
	}
	return !a.Gone
}

// ReservationAmendment is what became of a reservation after it was read, up to the export's
// moment.
type ReservationAmendment struct {
	ID ReservationID
	// Born says that the reservation was read later than the export's moment, for it was made shortly
	// before: of what was read only what never changes counts, and Lines begin at nothing.
	Born       bool
	State      State     // 0: as it was
	ExpireTime time.Time // zero: as it was
	ForgetTime time.Time // zero: as it was, or none where State is not finished
	Term       int64     // 0: as it was
	TermTime   time.Time // of the grant of Term, where that is not the first
	// ByRelease says that it ended by a RELEASED without lines named: a whole Release, or a Reserve
	// that replaced it.
	ByRelease bool
	Lines     []LineAmendment
}

// LineAmendment is what became of a line: units that it gained, less those that it lost.
type LineAmendment struct {
	Index       int
	Covered     int64
	Backordered int64
	Fulfilled   int64
	Joined      int64 // when it went into the queue anew; 0: it did not
	// Again has what the grant of a further term told.
	Again Optional[GrantHints]
}

// Apply amends a reservation. It returns an error where the amendment is not one of it.
func (a *ReservationAmendment) Apply(r *KeptReservation) error {
	if a.Born {
		a.reset(r)
	}
	if a.State != 0 {
		r.State, r.ForgetTime, r.ByRelease = a.State, a.ForgetTime, a.ByRelease
	}
	if !a.ExpireTime.IsZero() {
		r.ExpireTime = a.ExpireTime
	}
	if a.Term != 0 {
		r.Term, r.TermTime = a.Term, a.TermTime
	}
	for i := range a.Lines {
		change := &a.Lines[i]
		if change.Index < 0 || change.Index >= len(r.Lines) {
			return fmt.Errorf("reservation %s has no line %d", r.ID, change.Index+1)
		}
		line := &r.Lines[change.Index]
		line.Covered += change.Covered
		line.Backordered += change.Backordered
		line.Fulfilled += change.Fulfilled
		if line.Covered < 0 || line.Backordered < 0 || line.Fulfilled < 0 {
			return fmt.Errorf("line %d of reservation %s loses more than it has", change.Index+1, r.ID)
		}
		if change.Joined != 0 {
			line.Joined = change.Joined
		}
		if change.Again.Set {
			line.Again = change.Again
		}
	}
	return nil
}

// reset takes a reservation back to before its grant.
func (a *ReservationAmendment) reset(r *KeptReservation) {
	r.State, r.ForgetTime, r.TermTime = 0, time.Time{}, time.Time{}
	r.ExpireTime, r.ByRelease = time.Time{}, false
	for i := range r.Lines {
		line := &r.Lines[i]
		line.Covered, line.Backordered, line.Fulfilled, line.Joined = 0, 0, 0, 0
		if a.Term <= 1 {
			line.Again = Optional[GrantHints]{}
		}
	}
}

// RestoreRequest says which stock to build from which export. The same id goes on where a restore
// was left off.
type RestoreRequest struct {
	Stock StockID
	// Export tells one export from another: 1-64 of A-Z a-z 0-9 . _ : -.
	Export RequestID
}

// RestoreAnswer says what a restore built.
type RestoreAnswer struct {
	Position     Position // that the stock stands at
	Items        int64
	Reservations int64
	Requests     int64
}
