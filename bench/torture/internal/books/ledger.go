package books

import (
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/answer"
)

// mostFindings bounds how many sentences are kept; all are counted.
const mostFindings = 20

// Counts are what the callers saw and what the books say.
type Counts struct {
	// Calls are tries of changes: Acknowledged + Refused + NothingDone + Unknown of them.
	Calls, Acknowledged, Refused, NothingDone, Unknown int64
	// Resolved are tries of Unknown whose outcome was found out.
	Resolved int64
	// Lost is what was acknowledged and is not there: orders, changes and units. Doubled is what is
	// there and nobody was told of, or more than once.
	Lost, Doubled int64
}

// Add adds counts up.
func (c *Counts) Add(other Counts) {
	c.Calls += other.Calls
	c.Acknowledged += other.Acknowledged
	c.Refused += other.Refused
	c.NothingDone += other.NothingDone
	c.Unknown += other.Unknown
	c.Resolved += other.Resolved
	c.Lost += other.Lost
	c.Doubled += other.Doubled
}

// order is one order of one caller. Only its caller, and later the resolver, touches it.
type order struct {
	stock, id string
	known     figures   // as the answers say
	expires   time.Time // of a hold: the latest that it may be
	open      *change   // one whose outcome is not known
	isGivenUp bool      // a Release with allow_missing was sent for it
	told      string    // the last answer
}

// supply is units that arrived or went by a request of the warehouse.
type supply struct {
	stock, sku string
	units      int64
	isDone     bool
	open       *change
}

// ledger is what all callers write down.
type ledger struct {
	mu       sync.Mutex
	counts   Counts
	orders   []*order
	supplies []*supply
	findings []string
	left     int64 // findings that were not kept
	mayLose  bool
}

// count takes an answer to one try.
func (l *ledger) count(a answer.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Calls++
	switch a.Verdict {
	case answer.Done:
		l.counts.Acknowledged++
	case answer.Refused:
		l.counts.Refused++
	case answer.NothingDone:
		l.counts.NothingDone++
	case answer.Unknown:
		l.counts.Unknown++
	case answer.Faulty:
		l.counts.Unknown++
		l.find("INTERNAL was answered: %v", a.Err)
	}
}

func (l *ledger) resolved(tries int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Resolved += int64(tries)
}

func (l *ledger) snapshot() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// enter puts an order into the books; false when they are full.
func (l *ledger) enter(o *order) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.orders) >= mostOrders {
		return false
	}
	l.orders = append(l.orders, o)
	return true
}

func (l *ledger) enterSupply(s *supply) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.supplies = append(l.supplies, s)
}

// find notes something that must not be; the lock is held.
func (l *ledger) find(format string, args ...any) {
	if len(l.findings) >= mostFindings {
		l.left++
		return
	}
	l.findings = append(l.findings, fmt.Sprintf(format, args...))
}

// Findf notes something that must not be.
func (l *ledger) Findf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.find(format, args...)
}

// lose and double note what the books and the stock do not agree on. Where the store may lose
// something, that is counted and no finding.
func (l *ledger) lose(n int64, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Lost += n
	if !l.mayLose {
		l.find("lost: "+format, args...)
	}
}

// disagree notes an answer that does not fit the ones before it: where the store may lose
// something, it has.
func (l *ledger) disagree(format string, args ...any) {
	if l.mayLose {
		l.lose(1, format, args...)
		return
	}
	l.Findf(format, args...)
}

func (l *ledger) double(n int64, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Doubled += n
	l.find("doubled: "+format, args...)
}

// Findings returns what must not be, in sentences.
func (l *ledger) Findings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := append([]string(nil), l.findings...)
	if l.left > 0 {
		found = append(found, fmt.Sprintf("and %d more", l.left))
	}
	return found
}
