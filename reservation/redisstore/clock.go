package redisstore

import (
	"sync"
	"time"
)

// storeClock guesses the store's clock: the last time it told plus what has passed since. The guess
// is never ahead of the store, for its time was told before it was heard.
type storeClock struct {
	mu    sync.Mutex
	told  int64     // ms
	heard time.Time // monotonic
}

// tell takes the time of an answer, ms.
func (c *storeClock) tell(told int64) {
	heard := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told, c.heard = told, heard
}

// now returns the guess, ms; 0 before the store was ever heard.
func (c *storeClock) now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heard.IsZero() {
		return 0
	}
	return c.told + time.Since(c.heard).Milliseconds()
}

// timeOf turns milliseconds of store time into a time; 0 is the zero time.
func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
