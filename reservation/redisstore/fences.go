package redisstore

import (
	"log/slog"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// mostKnownFences bounds how many fenced stocks a server names in its log. All of them are counted.
const mostKnownFences = 10_000

// fences raises the alarm, once for each fence of a stock: whichever server noticed the loss, each
// sees the fence in an answer or with its next scan.
type fences struct {
	logger *slog.Logger

	mu     sync.Mutex
	known  map[reservation.StockID]knownFence
	losses int64 // that this server had seen
}

// knownFence is a fence that the log has.
type knownFence struct {
	text string
	at   time.Time // when it was last seen, by this server's clock
}

// note takes in what an answer says of a stock's fence.
func (f *fences) note(stock reservation.StockID, now standing) {
	if now.noticed {
		f.mu.Lock()
		f.losses++
		f.mu.Unlock()
	}
	if now.fence != "" {
		f.see(stock, now.fence)
	}
}

// see logs a fence that is not known yet.
func (f *fences) see(stock reservation.StockID, text string) {
	f.mu.Lock()
	before, isKnown := f.known[stock]
	if isKnown || len(f.known) < mostKnownFences {
		f.known[stock] = knownFence{text: text, at: time.Now()}
	}
	tells := before.text != text && (isKnown || len(f.known) < mostKnownFences)
	f.mu.Unlock()
	if !tells {
		return
	}
	fence, err := fenceOf(text)
	if err != nil {
		f.logger.Error("a fence cannot be read", "stock", stock.String(), "error", err)
		return
	}
	f.logger.Error("acknowledged writes of a stock are lost: it grants nothing until its fence is "+
		"lifted", "stock", stock.String(), "fence", fence.ID.String(),
		"lost_events_at_most", fence.LostEvents, "seen", fence.Seen, "kept", fence.KeptSequence,
		"server", fence.Server)
}

// lifted forgets a fence that this server lifted.
func (f *fences) lifted(request reservation.LiftFenceRequest) {
	f.mu.Lock()
	delete(f.known, request.Stock)
	f.mu.Unlock()
	f.logger.Warn("the fence of a stock was lifted: it grants again", "stock",
		request.Stock.String(), "fence", request.Fence.String())
}

// scanned forgets those that a scan did not find any more, which began at a moment.
func (f *fences) scanned(began time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for stock, fence := range f.known {
		if fence.at.Before(began) {
			delete(f.known, stock)
			f.logger.Info("a stock is not fenced any more", "stock", stock.String())
		}
	}
}

// noticedLosses returns how often what this server had seen was found to be lost.
func (f *fences) noticedLosses() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.losses
}
