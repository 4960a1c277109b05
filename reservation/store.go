package reservation

import "context"

// Store keeps stocks. Each mutation is atomic within its stock; every error is an [*Error] and a
// refused call leaves no trace. Repeats are as the contract, section 4, says. It is safe for
// concurrent use.
type Store interface {
	// Reserve promises units; a repeat with the same content replays the first answer.
	Reserve(ctx context.Context, request ReserveRequest) (ReserveAnswer, error)
	// Check says what Reserve would answer.
	Check(ctx context.Context, request CheckRequest) (CheckAnswer, error)
	// Release gives units back.
	Release(ctx context.Context, request ReleaseRequest) (ReleaseAnswer, error)
	// Commit makes a hold firm; of a firm or fulfilled reservation it changes nothing.
	Commit(ctx context.Context, request CommitRequest) (ChangeAnswer, error)
	// Extend counts a hold's expiry anew from now.
	Extend(ctx context.Context, request ExtendRequest) (ChangeAnswer, error)
	// Fulfill ships covered units; a whole one of a fulfilled reservation changes nothing.
	Fulfill(ctx context.Context, request FulfillRequest) (ChangeAnswer, error)
	// Get returns a reservation as it is now.
	Get(ctx context.Context, stock StockID, id ReservationID) (GetAnswer, error)
	// Reservations pages through the reservations in one state.
	Reservations(ctx context.Context, request ListReservationsRequest) (ReservationsAnswer, error)

	// Restock adds units that arrived; a repeat with the same content replays the first answer.
	Restock(ctx context.Context, request RestockRequest) (RestockAnswer, error)
	// Adjust corrects on hand by deltas; a repeat with the same content replays the first answer.
	Adjust(ctx context.Context, request AdjustRequest) (OnHandAnswer, error)
	// SetStock takes a count over; a repeat with the same content replays the first answer.
	SetStock(ctx context.Context, request SetStockRequest) (OnHandAnswer, error)
	// Backorders pages through the lines that wait.
	Backorders(ctx context.Context, request BackordersRequest) (BackordersAnswer, error)
	// SetPolicy changes a SKU's own policy and creates the SKU; a repeat changes nothing.
	SetPolicy(ctx context.Context, stock StockID, sku SKU, change PolicyChange) (PolicyAnswer, error)
	// Policy returns a SKU's own policy and the one in force.
	Policy(ctx context.Context, stock StockID, sku SKU) (PolicyAnswer, error)
	// SetDefaultPolicy changes the stock's default policy; a repeat changes nothing.
	SetDefaultPolicy(ctx context.Context, stock StockID, change PolicyChange) (PolicyAnswer, error)
	// DefaultPolicy returns the stock's default policy.
	DefaultPolicy(ctx context.Context, stock StockID) (PolicyAnswer, error)
	// Items returns the figures of 1 to [MaxPageSize] SKUs in the order asked for.
	Items(ctx context.Context, stock StockID, skus []SKU) (ItemsAnswer, error)
	// List pages through the stock's SKUs.
	List(ctx context.Context, request ListRequest) (ListAnswer, error)
	// DeleteItem forgets a SKU that has nothing on hand, reserved or queued.
	DeleteItem(ctx context.Context, stock StockID, sku SKU) (Stamp, error)
	// Watch hands a stock's events to deliver, in order and without a gap, until ctx ends, deliver
	// returns an error or the store cannot be read. The first batch is empty and says where it
	// begins.
	Watch(ctx context.Context, request WatchRequest, deliver func(EventBatch) error) error
}
