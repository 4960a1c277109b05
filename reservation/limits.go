package reservation

import "time"

// The limits of the contract, section 2. A breach is [ReasonInvalidRequest] and changes nothing.
const (
	// MaxStockIDLength is the longest stock id, in bytes.
	MaxStockIDLength = 64
	// MaxSKULength is the longest SKU, in bytes.
	MaxSKULength = 64
	// MaxIDLength is the longest reservation or request id, in bytes.
	MaxIDLength = 64
	// MaxLines is the most lines of one request. A 2,000-line Reserve kept Redis busy for 8 ms
	// (measured November 2026): hence half of it.
	MaxLines = 1_000
	// MaxQuantity is the most units of one line.
	MaxQuantity = 1_000_000_000
	// MaxFigure is the largest size of any stored figure. Lua numbers are doubles: 10^12 prints
	// exactly and sums of such figures stay exact.
	MaxFigure = 1_000_000_000_000
	// MinTTL is the shortest hold.
	MinTTL = time.Second
	// MaxTTL is the longest hold.
	MaxTTL = 30 * 24 * time.Hour
	// MaxSubstitutes is the most substitutes of one SKU.
	MaxSubstitutes = 8
	// MaxPageSize is the most items of one page or one batch read.
	MaxPageSize = 1_000
	// DefaultPageSize is the page size where none is asked for.
	DefaultPageSize = 100
	// MaxFills is the most filled reservations that the answer to one restock names.
	MaxFills = 100
	// DefaultRetention is how long a finished reservation and a request id are remembered.
	DefaultRetention = 24 * time.Hour
	// MinRetention is the shortest retention that may be chosen.
	MinRetention = time.Hour
	// MaxRetention is the longest retention that may be chosen.
	MaxRetention = 30 * 24 * time.Hour
	// DefaultStockID is what an empty stock id means.
	DefaultStockID = "default"
	// LineBudget is how many queue lines one step writes, and how many lines of due holds it
	// reclaims; the last hold of a step may pass it: 256 reclaims of three lines took 2.6 ms in Redis
	// (measured November 2026).
	LineBudget = 256
	// MaxPageLines is after how many lines of its reservations a page of them ends, so that no page
	// keeps the store busy for long.
	MaxPageLines = 1_000
)
