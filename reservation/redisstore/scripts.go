package redisstore

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed lua/*.lua lua/include/*.lua
var luaFiles embed.FS

// scriptName names a file of lua/ without its ending.
type scriptName string

// The scripts, in the order in which a batch sends them: what gives back comes before what takes.
const (
	scriptSweep           scriptName = "sweep"
	scriptPurge           scriptName = "purge"
	scriptRelease         scriptName = "release"
	scriptRestock         scriptName = "restock"
	scriptSetPolicy       scriptName = "set_policy"
	scriptDeleteItem      scriptName = "delete_item"
	scriptAdjust          scriptName = "adjust"
	scriptSetStock        scriptName = "set_stock"
	scriptFulfill         scriptName = "fulfill"
	scriptExtend          scriptName = "extend"
	scriptCommit          scriptName = "commit"
	scriptReserve         scriptName = "reserve"
	scriptReadReservation scriptName = "read_reservation"
	scriptReadItems       scriptName = "read_items"

	scriptListReservations scriptName = "list_reservations"
	scriptListBackorders   scriptName = "list_backorders"

	scriptRepair    scriptName = "repair"
	scriptRestore   scriptName = "restore"
	scriptLiftFence scriptName = "lift_fence"

	scriptReadRecords  scriptName = "read_records"
	scriptReadFigures  scriptName = "read_figures"
	scriptReadRequests scriptName = "read_requests"
	scriptAuditQueue   scriptName = "audit_queue"
)

// batchOrder is the order of the scripts within one batch.
func batchOrder() []scriptName {
	return []scriptName{
		scriptSweep, scriptPurge, scriptRelease, scriptRestock, scriptAdjust, scriptSetStock,
		scriptFulfill, scriptExtend, scriptSetPolicy, scriptDeleteItem, scriptRepair, scriptRestore,
		scriptLiftFence, scriptCommit, scriptReserve,
	}
}

// allScripts returns every script.
func allScripts() []scriptName {
	return append(batchOrder(), scriptReadReservation, scriptReadItems, scriptListReservations,
		scriptListBackorders, scriptReadRecords, scriptReadFigures, scriptReadRequests,
		scriptAuditQueue)
}

// machinery is the include that is a function: its body is the includes that the header's line
// "Machinery" names, which a script calls only when it needs them.
const machinery = "machinery"

// embeddedInclude stands before the scripts for the embedded store, which lacks what is in it.
const embeddedInclude = "embedded"

// mutationIncludes is what "-- Include: mutation" stands for, in order.
const mutationIncludes = "codes clock begin tools fields journal fence policy_rules items " +
	"thresholds policies grants records queue lapses requests on_hand named rest finish"

// scriptText is one Lua script but for the run_id of the store's process.
type scriptText struct {
	name       scriptName
	head, body string // before and after the run_id's line
}

// joinScripts joins every script with its includes. A real server gets the shebang line, by which
// it refuses cross-slot access and, before the script runs, a store that is full or read-only;
// miniredis cannot parse it.
func joinScripts(shebang bool, options Options) ([]scriptText, error) {
	names := allScripts()
	texts := make([]scriptText, len(names))
	for i, name := range names {
		var err error
		if texts[i], err = joinScript(name, shebang, options); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

func joinScript(name scriptName, shebang bool, options Options) (scriptText, error) {
	body, err := luaFiles.ReadFile("lua/" + string(name) + ".lua")
	if err != nil {
		return scriptText{}, fmt.Errorf("script %s: %w", name, err)
	}
	text := scriptText{name: name}
	if shebang {
		text.head = "#!lua"
		if flags := headerValue(string(body), "Flags"); flags != "" {
			text.head += " flags=" + strings.ReplaceAll(flags, " ", ",")
		}
		text.head += "\n"
	}
	var joined strings.Builder
	if !shebang {
		if err := joinInclude(&joined, embeddedInclude, options); err != nil {
			return scriptText{}, fmt.Errorf("script %s: %w", name, err)
		}
	}
	includes := strings.Replace(headerValue(string(body), "Include"), "mutation", mutationIncludes, 1)
	for include := range strings.FieldsSeq(includes) {
		switch {
		case include == "clock" && options.clock != "":
			joined.WriteString(options.clock)
		case include == machinery:
			joined.WriteString("local function " + machinery + "()\n")
			for part := range strings.FieldsSeq(headerValue(string(body), "Machinery")) {
				if err := joinInclude(&joined, part, options); err != nil {
					return scriptText{}, fmt.Errorf("script %s: %w", name, err)
				}
			}
			joined.WriteString("end\n")
		default:
			if err := joinInclude(&joined, include, options); err != nil {
				return scriptText{}, fmt.Errorf("script %s: %w", name, err)
			}
			if include == "finish" && options.Durability == DurabilityReplica {
				if err := joinMark(&joined, string(body), options); err != nil {
					return scriptText{}, fmt.Errorf("script %s: %w", name, err)
				}
			}
		}
	}
	joined.WriteString(options.mutated(string(name)+".lua", body))
	text.body = joined.String()
	return text, nil
}

// joinMark adds what has a script write where it only repeats; see lua/include/mark.lua.
func joinMark(joined *strings.Builder, body string, options Options) error {
	okRepeats := headerValue(body, "Repeats") != "only REPLAYED"
	fmt.Fprintf(joined, "local ok_repeats = %t\n", okRepeats)
	return joinInclude(joined, "mark", options)
}

func joinInclude(joined *strings.Builder, include string, options Options) error {
	path := "include/" + include + ".lua"
	text, err := luaFiles.ReadFile("lua/" + path)
	if err != nil {
		return fmt.Errorf("include: %w", err)
	}
	joined.WriteString(options.mutated(path, text))
	return nil
}

// mutated returns a file's text, changed where a test wants it so.
func (o Options) mutated(file string, text []byte) string {
	if o.mutate == nil {
		return string(text)
	}
	return o.mutate(file, string(text))
}

// headerValue returns what stands behind "-- <name>:" in a script's header; empty when it is not
// there.
func headerValue(source, name string) string {
	for line := range strings.Lines(source) {
		if value, ok := strings.CutPrefix(line, "-- "+name+": "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
