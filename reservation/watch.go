package reservation

// Position is a place in a stock's journal: the sequence of an event, and in which life of the
// store (epoch, from 1) it stands. The zero value is before the first event.
type Position struct {
	Epoch    int64
	Sequence int64
}

// WatchRequest asks for a stock's events after a position; unset: those that come from now on.
type WatchRequest struct {
	Stock StockID
	After Optional[Position]
}

// EventBatch is events that follow each other without a gap, and where to go on from.
type EventBatch struct {
	Events   []Event
	Position Position
}
