package server

import (
	"os"
	"runtime/debug"
)

// gcPercent is how far the heap of a serving process grows between two collections, in percent of
// what lives. That is a few MiB, and a call allocates some 15 KiB, so that Go's own 100 collects
// dozens of times a second: a third of a call's processor time (bar B1, November 2026).
const gcPercent = 400

// CollectSeldom has the garbage collected less often than Go does by itself, unless GOGC says how
// often; GOMEMLIMIT still bounds the memory. For a process that serves and does little else.
func CollectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
