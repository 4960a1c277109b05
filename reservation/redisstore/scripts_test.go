package redisstore

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bodyOf returns a file of lua/ without its comments, so that only code is looked at.
func bodyOf(t *testing.T, path string) string {
	t.Helper()
	var body strings.Builder
	for line := range strings.Lines(sourceOf(t, path)) {
		code, _, _ := strings.Cut(line, "--")
		body.WriteString(strings.TrimRight(code, " \n") + "\n")
	}
	return body.String()
}

func sourceOf(t *testing.T, path string) string {
	t.Helper()
	source, err := luaFiles.ReadFile("lua/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// header is what the comment at the top of a script says.
type header struct {
	keys  []string // the indexes after KEYS, such as "1" or "10.."
	args  []string // the names after ARGV[i] or in its list
	codes []string // the reply codes that stand under Returns
}

func parseHeader(source string) header {
	var h header
	inReturns := false
	for line := range strings.Lines(source) {
		text, isComment := strings.CutPrefix(line, "--")
		if !isComment {
			break
		}
		if found := regexp.MustCompile(`^ KEYS\[([0-9.]+)\]`).FindStringSubmatch(text); found != nil {
			h.keys = append(h.keys, found[1])
		}
		if found := regexp.MustCompile(`^ ARGV\[(\d+)\] (\w+)`).FindStringSubmatch(text); found != nil {
			h.args = append(h.args, found[1])
		}
		if strings.HasPrefix(text, " Returns") {
			inReturns = true
		} else if regexp.MustCompile(`^ [A-Z][a-z]+`).MatchString(text) {
			inReturns = false
		}
		if inReturns {
			h.codes = append(h.codes, regexp.MustCompile(`\b[A-Z][A-Z_]{1,}\b`).FindAllString(text, -1)...)
		}
	}
	return h
}

// codesIn returns the reply codes that a body answers with.
func codesIn(body string) []string {
	var codes []string
	for _, found := range regexp.MustCompile(`\bcode\.([A-Z_]+)`).FindAllStringSubmatch(body, -1) {
		codes = append(codes, found[1])
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// codesOf returns the reply codes that a body answers with, by itself or by a function of an
// include.
func codesOf(t *testing.T, body string) []string {
	t.Helper()
	codes := codesIn(body)
	for include := range strings.FieldsSeq(mutationIncludes) {
		functions := strings.Split(bodyOf(t, "include/"+include+".lua"), "\nlocal function ")
		for _, function := range functions[1:] {
			name, _, _ := strings.Cut(function, "(")
			if strings.Contains(body, name+"(") {
				codes = append(codes, codesIn(function)...)
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func TestScripts_HeaderSaysWhatTheBodyAnswers(t *testing.T) {
	t.Parallel()
	for _, name := range allScripts() {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			path := string(name) + ".lua"
			h, body := parseHeader(sourceOf(t, path)), bodyOf(t, path)
			// What a script makes only when it needs it is a part of it.
			for part := range strings.FieldsSeq(headerValue(sourceOf(t, path), "Machinery")) {
				if strings.HasPrefix(part, string(name)) {
					body += bodyOf(t, "include/"+part+".lua")
				}
			}
			table := codeTable(t)
			documented := slices.DeleteFunc(h.codes, func(word string) bool {
				_, isCode := table[word]
				return !isCode
			})
			slices.Sort(documented)
			if answered := codesOf(t, body); !slices.Equal(answered, slices.Compact(documented)) {
				t.Errorf("the body answers %v, the header lists %v", answered, documented)
			}
		})
	}
}

func TestScripts_HeaderNamesEveryKeyAndArgument(t *testing.T) {
	t.Parallel()
	fixed := parseHeader(sourceOf(t, "include/begin.lua"))
	fixed.args = append(fixed.args, parseHeader(sourceOf(t, "include/fields.lua")).args...)
	if len(fixed.keys) != fixedKeys {
		t.Errorf("include/begin.lua documents %d keys, the scripts get %d", len(fixed.keys), fixedKeys)
	}
	for _, name := range allScripts() {
		path := string(name) + ".lua"
		own, body := parseHeader(sourceOf(t, path)), bodyOf(t, path)
		indexes := regexp.MustCompile(`\b(KEYS|ARGV)\[(\d+)\]`).FindAllStringSubmatch(body, -1)
		for _, found := range indexes {
			known := slices.Concat(fixed.keys, own.keys)
			if found[1] == "ARGV" {
				known = slices.Concat(fixed.args, own.args)
			}
			if !slices.Contains(known, found[2]) {
				t.Errorf("%s uses %s and no header names it", path, found[0])
			}
		}
		takes := regexp.MustCompile(`\b(field|number|named_item)\(\)`).MatchString(body)
		if says := strings.Contains(sourceOf(t, path), "-- ARGV, per request:"); takes != says {
			t.Errorf("%s takes arguments: %v, its header says so: %v", path, takes, says)
		}
	}
}

// codeTable returns the reply codes of lua/include/codes.lua by name.
func codeTable(t *testing.T) map[string]replyCode {
	t.Helper()
	table := make(map[string]replyCode)
	entry := regexp.MustCompile(`(?m)^  ([A-Z_]+) = (\d+),`)
	for _, found := range entry.FindAllStringSubmatch(sourceOf(t, "include/codes.lua"), -1) {
		code, err := strconv.Atoi(found[2])
		if err != nil {
			t.Fatal(err)
		}
		table[found[1]] = replyCode(code)
	}
	return table
}

func TestReplyCodes_AreThoseOfTheScripts(t *testing.T) {
	t.Parallel()
	inGo := map[string]replyCode{
		"OK": codeOK, "REPLAYED": codeReplayed, "AGAIN": codeAgain, "TOO_LATE": codeTooLate,
		"RESERVATION_ID_REUSED": codeReservationIDReused, "REQUEST_ID_REUSED": codeRequestIDReused,
		"UNKNOWN_SKU": codeUnknownSKU, "UNKNOWN_RESERVATION": codeUnknownReservation,
		"RELEASED_BEFORE_RESERVED": codeReleasedBeforeReserved, "WRONG_STATE": codeWrongState,
		"MORE_THAN_OPEN": codeMoreThanOpen, "STOCK_ITEM_IN_USE": codeStockItemInUse,
		"MORE_THAN_COVERED": codeMoreThanCovered, "BACKORDERED_UNITS": codeBackorderedUnits,
		"NOT_ON_HAND": codeNotOnHand, "ON_HAND_BELOW_ZERO": codeOnHandBelowZero,
		"ON_HAND_DIFFERS": codeOnHandDiffers,
		"LINES_REFUSED":   codeLinesRefused, "FIGURE_OUT_OF_RANGE": codeFigureOutOfRange,
		"REPAIR_CONFLICT": codeRepairConflict, "STOCK_RESTORING": codeStockRestoring,
		"STOCK_NOT_EMPTY": codeStockNotEmpty, "STOCK_FENCED": codeStockFenced,
		"FENCE_DIFFERS": codeFenceDiffers,
	}
	inLua := codeTable(t)
	for name, code := range inLua {
		if inGo[name] != code {
			t.Errorf("%s is %d in the scripts and %d in Go", name, code, inGo[name])
		}
		reason, refused := code.reason()
		if refused && reason.String() != name {
			t.Errorf("code %s becomes the reason %s", name, reason)
		}
		if answers := code <= codeAgain; answers == refused {
			t.Errorf("code %s: is it a refusal? %v", name, refused)
		}
	}
	if len(inLua) != len(inGo) {
		t.Errorf("the scripts have %d codes, Go has %d", len(inLua), len(inGo))
	}
}

// TestScripts_WriteOnlyInTheWritePhase holds that no script calls a writing command outside the
// functions that finish runs, all reads and decisions being done.
func TestScripts_WriteOnlyInTheWritePhase(t *testing.T) {
	t.Parallel()
	writes := regexp.MustCompile(
		`'(HSET|HDEL|DEL|UNLINK|ZADD|ZREM|XADD|SET|SADD|EXPIRE|PEXPIREAT|HINCRBY)'`)
	function := regexp.MustCompile(`^local function (\w+)`)
	files := slices.Concat(strings.Fields(mutationIncludes), nil)
	files = append(files, "decide", "reserve_generally", "lazily", "mark")
	for i := range files {
		files[i] = "include/" + files[i] + ".lua"
	}
	for _, name := range batchOrder() {
		if name != scriptPurge { // deletes what nothing reads, chunk after chunk
			files = append(files, string(name)+".lua")
		}
	}
	for _, path := range files {
		within := ""
		for line := range strings.Lines(bodyOf(t, path)) {
			if found := function.FindStringSubmatch(line); found != nil {
				within = found[1]
			}
			if writes.MatchString(line) && !strings.HasPrefix(within, "write_") {
				t.Errorf("%s writes in %q: %s", path, within, strings.TrimSpace(line))
			}
		}
	}
}
