package client

import (
	"strings"

	"google.golang.org/grpc/metadata"
)

// IsReplayed says whether a call's response metadata marks its answer as the first one given again.
func IsReplayed(header metadata.MD) bool {
	return strings.Join(header.Get("holdfast-replayed"), "") == "true"
}

// StateNow returns the state that a replayed Reserve's reservation is in by now; empty where the
// response metadata has none.
func StateNow(header metadata.MD) string {
	return strings.Join(header.Get("holdfast-state"), "")
}
