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
	inCode := append(fixed[:], space.stocks(), space.probe(),
		strings.Replace(keys.queue(mustSKU("x")), "queue:x", "queue:<sku>", 1),
		strings.Replace(keys.reservation(mustID("x")).String(), "res:x", "res:<id>", 1),
		strings.Replace(keys.request(mustRequest("x")).String(), "req:x", "req:<id>", 1))
	slices.Sort(documented)
	slices.Sort(inCode)
	if !slices.Equal(documented, inCode) {
		t.Errorf("the page has\n%v\nand the code\n%v", documented, inCode)
	}
}

// TestKeys_FieldsAreDocumented holds that every field of a reservation or a request that the
// scripts write stands in docs/keys.md, and every field of a policy.
func TestKeys_FieldsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/keys.md")
	if err != nil {
		t.Fatal(err)
	}
	record := regexp.MustCompile(`\[(?:#list|at) \+ 1\](?:, list\[at \+ 2\])? = '(\w)' \.\. i|` +
		`\{ '(h)', |'(s)', state`)
	found := record.FindAllStringSubmatch(bodyOf(t, "include/records.lua"), -1)
	request := regexp.MustCompile(`(?:'HSET', q\.key|text\([^)]*\)|q\.\w+), '(\w)'`)
	found = append(found, request.FindAllStringSubmatch(bodyOf(t, "include/requests.lua"), -1)...)
	policy := regexp.MustCompile(`'(\w\w)'[,\s}]`)
	fields := strings.SplitN(bodyOf(t, "set_policy.lua"), "POLICY_FIELDS = ", 2)[1]
	found = append(found, policy.FindAllStringSubmatch(strings.SplitN(fields, "\n", 2)[0], -1)...)
	names := make(map[string]bool)
	for _, match := range found {
		names[strings.Join(match[1:], "")] = true
	}
	for _, want := range []string{"h", "s", "l", "o", "x", "y", "v", "a", "b", "bm", "su"} {
		if !names[want] {
			t.Errorf("the scripts' field %q was not found: the pattern of this test is old", want)
		}
	}
	for name := range names {
		if !strings.Contains(string(page), "`"+name+"`") &&
			!strings.Contains(string(page), "`"+name+"<i>`") {
			t.Errorf("field %q is not documented", name)
		}
	}
}
