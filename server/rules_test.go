package server_test

import (
	"testing"

	"buf.build/go/protovalidate"

	"github.com/holdfast-dev/holdfast/server"
)

// TestRules_OfTheProtoAgreeWithTheParser: callers may check a request by the rules in the proto
// before they send it, so the rules must say what the server will. What only the server can know is
// listed at its edge.
func TestRules_OfTheProtoAgreeWithTheParser(t *testing.T) {
	for _, test := range allEdges() {
		byRules := protovalidate.Validate(test.request)
		_, byParser := server.Parse(test.request)
		switch {
		case test.parserOnly != "":
			if byRules != nil {
				t.Errorf("%s of %T is the parser's only (%s), but the rules see it: %v",
					test.name, test.request, test.parserOnly, byRules)
			}
		case (byRules == nil) != (byParser == nil):
			t.Errorf("%s of %T: the rules say %v, the parser says %v",
				test.name, test.request, byRules, byParser)
		}
	}
}
