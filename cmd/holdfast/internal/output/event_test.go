package output

import (
	"strings"
	"testing"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
)

// TestEvent_StoreChangedClaimsNoLoss: what the event says is that something may have been lost.
func TestEvent_StoreChangedClaimsNoLoss(t *testing.T) {
	line := Event(&holdfastv1.Event{Type: holdfastv1.EventType_EVENT_TYPE_STORE_CHANGED})
	if !strings.Contains(line, "may be lost") {
		t.Errorf("got %q", line)
	}
}
