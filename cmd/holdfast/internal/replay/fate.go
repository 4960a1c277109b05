package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// share places an invoice between 0 and 1 by its number alone, evenly over many.
func share(invoice string) float64 {
	sum := sha256.Sum256([]byte(invoice))
	return float64(binary.BigEndian.Uint64(sum[:8])) / math.MaxUint64
}

// fate returns what follows an order that was granted: its Commit, its Release, or nothing. It
// depends on the invoice's number alone, so a second run agrees.
func (o Options) fate(order *Entry) (next Entry, ok bool) {
	place := share(order.Name)
	switch {
	case place < o.CommitRate:
		return Entry{Kind: Placing, Name: order.Name}, true
	case place < o.CommitRate+o.CancelRate:
		return Entry{Kind: Abandoning, Name: order.Name}, true
	}
	return Entry{}, false
}
