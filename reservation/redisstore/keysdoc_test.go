package redisstore

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestKeys_AreThoseOfTheDocument holds keys.go and docs/keys.md together.
func TestKeys_AreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	row := regexp.MustCompile("(?m)^\\| `(hf:[^`]+)`")
	for _, found := range row.FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, found[1])
	}
	space := keyspace{DefaultPrefix}
	keys := space.of(mustStock("S"))
	fixed := keys.fixed()
	inCode := append(fixed[:], space.stocks(),
		strings.Replace(keys.queue(mustSKU("x")), "queue:x", "queue:<sku>", 1),
		strings.Replace(keys.reservation(mustID("x")), "res:x", "res:<id>", 1),
		strings.Replace(keys.request(mustRequest("x")), "req:x", "req:<id>", 1))
	slices.Sort(documented)
	slices.Sort(inCode)
	if !slices.Equal(documented, inCode) {
		t.Errorf("the page has\n%v\nand the code\n%v", documented, inCode)
	}
}

// TestKeys_RecordFieldsAreDocumented holds that every field that a script writes into a
// reservation, a request or a SKU stands in docs/keys.md.
func TestKeys_RecordFieldsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	field := regexp.MustCompile(`append_pair\(list, '(\w)'|(?:'HSET'[^)]*|local list = \{)\s*'(\w)'`)
	found := field.FindAllStringSubmatch(bodyOf(t, "include/records.lua"), -1)
	if len(found) < 8 {
		t.Fatalf("found only %d fields", len(found))
	}
	for _, match := range found {
		name := match[1] + match[2]
		if !strings.Contains(string(page), "`"+name+"`") &&
			!strings.Contains(string(page), "`"+name+"<i>`") {
			t.Errorf("field %q is not documented", name)
		}
	}
}
