package redisstore

import "time"

// Stats is what an operator should watch besides calls and errors. What is said of stocks is of all
// registered ones, as the last whole scan found them, so every server says the same.
type Stats struct {
	// ScanTime is when the last whole scan of all stocks began, by this process's clock; zero
	// before the first. A scan takes place five times a second; one that is long past means that
	// what is due is not found.
	ScanTime time.Time
	// Stocks is how many stocks are registered.
	Stocks int
	// DueHolds is how many holds had expired and were not yet reclaimed. Calls treat them as
	// expired all the same; many that stay mean that the sweepers do not keep up.
	DueHolds int64
	// OldestCommitted is for how long, by the store's clock, the oldest COMMITTED reservation has
	// been firm; 0 when there is none. Each must end in Fulfill or Release (contract, section 2).
	OldestCommitted time.Duration
	// FencedStocks is how many stocks grant nothing because writes of theirs were lost.
	FencedStocks int
	// Losses counts how often what this server had seen acknowledged was found to be lost.
	Losses int64
	// MaintenanceFailures counts scans and turns of a sweeper that met an error.
	MaintenanceFailures int64
	// ClockStepsForward and ClockStepsBackward count how often the store's clock was seen more than
	// [ClockStep] away from where it should have been. What a step forward passed has expired.
	ClockStepsForward, ClockStepsBackward int64
	// Replicas is how many replicas the store had in step when they were counted last, and
	// UnreplicatedOperations how many operations it carried out whose outcome is unknown because too
	// few replicas had them in time; both 0 where no replica is waited for.
	Replicas, UnreplicatedOperations int64
}

// seen is what a scan found.
type seen struct {
	began    time.Time
	stocks   int
	dueHolds int64
	fenced   int
	away     map[*node]bool // nodes that did not answer
	// committed is for how long the oldest COMMITTED reservation was firm; 0: there is none.
	committed time.Duration
}

// take takes in a look at a stock; now is the clock of its node, ms.
func (f *seen) take(p peek, now int64) {
	f.stocks++
	f.dueHolds += p.held.Val()
	if p.fence() != "" {
		f.fenced++
	}
	if oldest := p.committed.Val(); len(oldest) > 0 {
		age := time.Duration(now-int64(oldest[0].Score)) * time.Millisecond
		f.committed = max(f.committed, age, 1) // it is there, however the clocks differ
	}
}

func (m *maintenance) publish(found seen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = found
}

// Stats returns the present figures; it asks nobody and costs nothing.
func (s *Store) Stats() Stats {
	m := s.maintenance
	m.mu.Lock()
	defer m.mu.Unlock()
	stats := Stats{
		ScanTime: m.seen.began, Stocks: m.seen.stocks, DueHolds: m.seen.dueHolds,
		MaintenanceFailures: m.failed, FencedStocks: m.seen.fenced, Losses: s.fences.noticedLosses(),
	}
	if m.seen.committed > 0 {
		stats.OldestCommitted = max(0, m.seen.committed+time.Since(m.seen.began))
	}
	for _, n := range s.engine.known() {
		forward, backward := n.clock.steps()
		stats.ClockStepsForward += forward
		stats.ClockStepsBackward += backward
		stats.Replicas += n.replicas.online.Load()
		stats.UnreplicatedOperations += n.replicas.missed.Load()
	}
	return stats
}
