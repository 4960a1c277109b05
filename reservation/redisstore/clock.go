package redisstore

import (
	"log/slog"
	"sync"
	"time"
)

// ClockStep is how far the store's clock may be from where it should be before that counts as a
// step. Slewing by NTP stays far below it between two answers, which are a second apart at most.
const ClockStep = time.Second

// clockLogInterval is how often steps are logged: two stores behind one address whose clocks differ
// take turns with each batch.
const clockLogInterval = time.Second

// storeClock guesses the store's clock: the last time it told plus what has passed since. The guess
// is never ahead of the store, for its time was told before it was heard.
type storeClock struct {
	logger *slog.Logger

	mu                sync.Mutex
	told              int64     // ms
	asked, heard      time.Time // monotonic: it was told between the two
	forward, backward int64     // steps so far
	logged            time.Time
}

// tell takes the time of an answer, ms, to something that was asked at a moment.
func (c *storeClock) tell(told int64, asked time.Time) {
	heard := time.Now()
	c.mu.Lock()
	if !c.heard.IsZero() {
		c.compare(told, asked, heard)
	}
	c.told, c.asked, c.heard = told, asked, heard
	c.mu.Unlock()
}

// compare finds steps. How long the two answers were on their way is not known, so that only what
// no delay explains is one; c.mu is held.
func (c *storeClock) compare(told int64, asked, heard time.Time) {
	latest := c.told + heard.Sub(c.asked).Milliseconds()   // that the store could tell by now
	earliest := c.told + asked.Sub(c.heard).Milliseconds() // that it could tell when it was asked
	switch {
	case told > latest+ClockStep.Milliseconds():
		c.forward++
		c.alarm("the store's clock stepped forward: holds that it passed have expired", told, latest)
	case told < earliest-ClockStep.Milliseconds():
		c.backward++
		c.alarm("the store's clock stepped backward: holds last longer by that", told, earliest)
	}
}

func (c *storeClock) alarm(what string, told, expected int64) {
	if c.logger == nil || time.Since(c.logged) < clockLogInterval {
		return
	}
	c.logged = time.Now()
	c.logger.Error(what, "told", timeOf(told), "expected", timeOf(expected))
}

// steps returns how many steps were seen.
func (c *storeClock) steps() (forward, backward int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forward, c.backward
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
