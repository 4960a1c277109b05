package reservation

import (
	"fmt"
	"strings"
	"time"
)

// FenceID tells one fence of a stock from others: the epoch that it began and the store's time,
// such as "4-1764018000000". One that is widened by a further loss has another id. The zero value
// names none.
type FenceID struct{ name string }

// ParseFenceID reads a fence's id as [FenceID.String] writes it.
func ParseFenceID(name string) (FenceID, error) {
	if name == "" {
		return FenceID{}, errEmpty
	}
	epoch, ms, _ := strings.Cut(name, "-")
	if !isFenceNumber(epoch) || !isFenceNumber(ms) {
		return FenceID{}, fmt.Errorf("%.64q is no fence's id, such as 4-1764018000000", name)
	}
	return FenceID{name}, nil
}

// isFenceNumber says whether a text is a whole number that Lua keeps exactly.
func isFenceNumber(text string) bool {
	const mostDigits = 15
	return text != "" && len(text) <= mostDigits && strings.Trim(text, "0123456789") == ""
}

// String returns the id.
func (id FenceID) String() string { return id.name }

// Fence says that writes of a stock which were acknowledged are lost (contract, I8). While it
// stands, Reserve, Check and a Commit that reacquires are [ReasonStockFenced].
type Fence struct {
	ID FenceID
	// Since is when the first loss was noticed, NoticedTime when the latest was; both store time.
	Since       time.Time
	NoticedTime time.Time
	// Seen is the furthest position that was acknowledged and is lost.
	Seen Position
	// KeptSequence is the sequence up to which the stock still had what led to Seen.
	KeptSequence int64
	// Found is where the stock stood when the latest loss was noticed; where that is further than
	// KeptSequence, others had already written over the loss.
	Found Position
	// LostEvents is how many events are lost at most, from 1 on.
	LostEvents int64
	// Server is who had seen them.
	Server string
}

// LiftedFence is the fence of a stock that was lifted last.
type LiftedFence struct {
	ID       FenceID
	LiftTime time.Time // store time
}

// FenceAnswer is whether a stock is fenced.
type FenceAnswer struct {
	Fence     Optional[Fence]
	Lifted    Optional[LiftedFence]
	Position  Position // of the stock's journal now
	StoreTime time.Time
}

// ListFencesRequest asks for a page of the stocks that are fenced.
type ListFencesRequest struct {
	Limit int    // how many stocks are looked at, about; 1 to [MaxPageSize]
	After uint64 // [FencesAnswer.Next] of the page before; 0: the first
}

// FencedStock is a stock and its fence.
type FencedStock struct {
	Stock StockID
	Fence Fence
}

// FencesAnswer is a page of the stocks that are fenced. It may be empty while more follow, and a
// stock may stand on two pages.
type FencesAnswer struct {
	Stocks    []FencedStock
	Next      uint64 // 0: there are no more
	StoreTime time.Time
}

// LiftFenceRequest lets a stock grant again whose fence is this one.
type LiftFenceRequest struct {
	Stock StockID
	Fence FenceID
}

// LiftFenceAnswer says when the fence was lifted: now, or before where this is a repeat.
type LiftFenceAnswer struct {
	LiftTime time.Time // store time
	Stamp
}
