package reservation

// FindingType names a breach of the contract, section 6. The names are those of the proto enum.
type FindingType uint8

// The findings, from what a repair mends to what only people can judge.
const (
	// FindingReservedDiffers is a reserved figure that is not the open counted units of the SKU's
	// reservations (I2). Repair mends it.
	FindingReservedDiffers FindingType = iota + 1
	// FindingQueuedDiffers is a queued figure that is not the backordered units of the SKU's
	// reservations (I2). Repair mends it.
	FindingQueuedDiffers
	// FindingFillingDiffers is a filling figure that does not follow from the others by the rule of
	// section 3. Repair mends it.
	FindingFillingDiffers
	// FindingOnHandNegative is less than nothing on hand (I1). Somebody counts.
	FindingOnHandNegative
	// FindingFigureOutOfRange is a figure whose size passes [MaxFigure].
	FindingFigureOutOfRange
	// FindingRecordMalformed is a SKU, a reservation or a request id that cannot be read, or that
	// breaks the rules of its state.
	FindingRecordMalformed
	// FindingSKUMissing is a line that holds counted units of a SKU that the stock does not have.
	FindingSKUMissing
	// FindingQueueEntryMissing is a line that waits and stands in no queue: nothing would fill it.
	FindingQueueEntryMissing
	// FindingQueueEntryStray is an entry of a queue whose line does not wait there.
	FindingQueueEntryStray
	// FindingQueueOrder is an entry of a queue at a place that its grant did not give it (I5).
	FindingQueueOrder
	// FindingIndexEntryMissing is a record that its index does not list.
	FindingIndexEntryMissing
	// FindingIndexEntryStray is an entry of an index without its record, or in the wrong index.
	FindingIndexEntryStray
	// FindingIndexPlace is an entry of an index at the wrong place, such as a hold that would expire
	// at another time than its own.
	FindingIndexPlace
	// FindingJournalGap is a sequence that no event of the journal has (I7).
	FindingJournalGap
	// FindingJournalEnd is a journal whose last event is not the stock's sequence (I7).
	FindingJournalEnd
	// FindingJournalShort is a journal that has lost events which it should still keep (I7).
	FindingJournalShort
	// FindingJournalMalformed is an event that cannot be read, or cannot follow on those before it.
	FindingJournalMalformed
	// FindingJournalDisagrees is a SKU or a reservation that is not what the journal, folded from
	// the first event, makes of it (I7).
	FindingJournalDisagrees
)

// String returns the finding's name on the wire.
func (t FindingType) String() string {
	names := [...]string{
		"UNKNOWN", "RESERVED_DIFFERS", "QUEUED_DIFFERS", "FILLING_DIFFERS", "ON_HAND_NEGATIVE",
		"FIGURE_OUT_OF_RANGE", "RECORD_MALFORMED", "SKU_MISSING", "QUEUE_ENTRY_MISSING",
		"QUEUE_ENTRY_STRAY", "QUEUE_ORDER", "INDEX_ENTRY_MISSING", "INDEX_ENTRY_STRAY", "INDEX_PLACE",
		"JOURNAL_GAP", "JOURNAL_END", "JOURNAL_SHORT", "JOURNAL_MALFORMED", "JOURNAL_DISAGREES",
	}
	if int(t) >= len(names) {
		return names[0]
	}
	return names[t]
}

// Finding is one breach: what it is about, what is, and what should be. The subjects are texts, not
// ids, for a damaged store may hold names that are none.
type Finding struct {
	Type        FindingType
	SKU         string
	Reservation string
	Request     string
	Line        int // of the reservation, from 1; 0: not about one line
	// What is the figure, the field or the index that the finding is about, such as "reserved".
	What string
	// Is and ShouldBe are values in words: a number, a time in milliseconds, a state.
	Is       string
	ShouldBe string
}

// AuditRequest asks for every breach of a stock.
type AuditRequest struct {
	Stock StockID
}

// AuditReport is one thing that an audit has to say: a finding, or else how far it is.
type AuditReport struct {
	Finding Optional[Finding]
	// Walked and Total count records and journal entries looked at. Total is an estimate made at the
	// beginning, for the stock moves; Walked never passes it.
	Walked int64
	Total  int64
}

// AuditSummary ends an audit that has seen everything.
type AuditSummary struct {
	Position Position // of the journal when the audit ended
	Findings int64
	SKUs     int64 // looked at
	// Reservations counts those looked at, finished ones too.
	Reservations int64
	// Folded says that the journal was folded from its first event and held against the records; it
	// is false where the journal was trimmed, or has more than an audit keeps in memory.
	Folded bool
}

// RepairRequest asks for a SKU's reserved, queued and filling to be counted anew from its
// reservations. Without Apply nothing is changed.
type RepairRequest struct {
	Stock StockID
	SKU   SKU
	Apply bool
}

// RepairedFigures are the figures that a repair mends, in units.
type RepairedFigures struct {
	Reserved int64
	Queued   int64
	Filling  int64
}

// RepairAnswer is what a repair found and, where it was applied, did. Before and After are equal
// when there was nothing to mend.
type RepairAnswer struct {
	Before  RepairedFigures
	After   RepairedFigures
	Applied bool // an event REPAIRED is in the journal
	Stamp
}
