package server_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/grpc/codes"

	holdfastv1 "github.com/holdfast-dev/holdfast/gen/holdfast/v1"
	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/server"
)

// allReasons are the domain's, by name.
func allReasons() map[string]reservation.Reason {
	out := map[string]reservation.Reason{}
	for reason := reservation.Reason(1); reason.String() != "UNKNOWN"; reason++ {
		out[reason.String()] = reason
	}
	return out
}

func TestReasons_AreTheProtosOneToOne(t *testing.T) {
	reasons := allReasons()
	for number, name := range holdfastv1.ErrorReason_name {
		if number == 0 {
			continue
		}
		short := strings.TrimPrefix(name, "ERROR_REASON_")
		if _, known := reasons[short]; !known {
			t.Errorf("%s of the proto is no reason of the domain", name)
		}
		delete(reasons, short)
	}
	for name := range reasons {
		t.Errorf("%s of the domain is not in the proto", name)
	}
}

// codeName writes a code as the gRPC documents do.
func codeName(code codes.Code) string {
	if code == codes.Canceled {
		return "CANCELLED"
	}
	var name strings.Builder
	for i, r := range code.String() {
		if i > 0 && unicode.IsUpper(r) {
			name.WriteByte('_')
		}
		name.WriteRune(unicode.ToUpper(r))
	}
	return name.String()
}

// TestErrorsPage_HasEveryReasonWithItsCode holds docs/errors.md and the table in status.go
// together.
func TestErrorsPage_HasEveryReasonWithItsCode(t *testing.T) {
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	section := strings.SplitN(strings.SplitN(string(page), "## Reasons", 2)[1], "## Metadata", 2)[0]
	row := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| ([^|]+) \\|")
	reasons := allReasons()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, match := range row.FindAllStringSubmatch(section, -1) {
		reason, known := reasons[match[1]]
		if !known {
			t.Errorf("the page has %s, which is no reason or stands there twice", match[1])
			continue
		}
		delete(reasons, match[1])
		want := "`" + codeName(server.CodeOf(ended, reason)) + "`"
		if reason == reservation.ReasonCallerGaveUp {
			want += " or `DEADLINE_EXCEEDED`"
		}
		if match[2] != want {
			t.Errorf("the page says %s for %s, the server %s", match[2], match[1], want)
		}
	}
	for name := range reasons {
		t.Errorf("the page lacks %s", name)
	}
}

// TestErrorsPage_HasEveryMetadataKey holds the keys that the tests of reasons meet against the
// page.
func TestErrorsPage_HasEveryMetadataKey(t *testing.T) {
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("status.go")
	if err != nil {
		t.Fatal(err)
	}
	details, err := os.ReadFile("status_details.go")
	if err != nil {
		t.Fatal(err)
	}
	added := regexp.MustCompile(`info\.add(?:Number|Count)?\("([a-z_]+)"|fact\{"([a-z_]+)"`)
	matches := added.FindAllStringSubmatch(string(source)+string(details), -1)
	if len(matches) < 10 {
		t.Fatalf("found only %d keys in the source", len(matches))
	}
	for _, match := range matches {
		if key := match[1] + match[2]; !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("the page lacks the key %s", key)
		}
	}
}
