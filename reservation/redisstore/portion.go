package redisstore

import (
	"unsafe"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// firstPortion and maxPortion are how many journal entries are read at once: few at first, for
	// an entry may have tens of thousands of lines (a sweep of large holds); at most more than a
	// stock writes while they gather.
	firstPortion = 8
	maxPortion   = 128
	// portionBytes is how much a read should bring at most, in memory.
	portionBytes = 1 << 20
)

// portion is how many entries of a journal the next read asks for. Redis cannot be asked for so
// many bytes, so it goes by what the last reads brought. The zero value asks for firstPortion.
type portion struct{ entries int }

func (p *portion) count() int64 {
	if p.entries == 0 {
		p.entries = firstPortion
	}
	return int64(p.entries)
}

// learn takes in what a read brought. The portion doubles at most, so that a read is never much
// larger than the one before.
func (p *portion) learn(entries, bytes int) {
	switch {
	case bytes > portionBytes:
		p.entries = max(1, p.entries*portionBytes/bytes)
	case entries == p.entries && 2*bytes <= portionBytes:
		p.entries = min(2*p.entries, maxPortion)
	}
}

// bytesOf says about how much memory events take.
func bytesOf(events []reservation.Event) int {
	bytes := len(events) * int(unsafe.Sizeof(reservation.Event{}))
	for i := range events {
		for _, line := range events[i].Lines {
			bytes += int(unsafe.Sizeof(line)) + len(line.SKU.String())
		}
	}
	return bytes
}
