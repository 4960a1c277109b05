package reservation

import "context"

// Store keeps stocks. Each mutation is atomic within its stock; every error is an [*Error] and a refused
// call leaves no trace. Repeats are as the contract, section 4, says. It is safe for concurrent use.
type Store interface {
	// Reserve promises units; a repeat with the same content replays the first answer.
	Reserve(ctx context.Context, request ReserveRequest) (ReserveAnswer, error)
	// Check says what Reserve would answer.
	Check(ctx context.Context, request CheckRequest) (CheckAnswer, error)
	// Release gives units back.
	Release(ctx context.Context, request ReleaseRequest) (ReleaseAnswer, error)
	// Get returns a reservation as it is now.
	Get(ctx context.Context, stock StockID, id ReservationID) (GetAnswer, error)

	// Restock adds units that arrived; a repeat with the same content replays the first answer.
	Restock(ctx context.Context, request RestockRequest) (RestockAnswer, error)
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
}
