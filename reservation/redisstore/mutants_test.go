package redisstore

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// mutantVariable names the mutant that a test process runs with. Such a process has no Redis: a
// mutant may loop for ever, and would hold up every other test.
const mutantVariable = "HOLDFAST_TEST_MUTANT"

// mutantTimeout is how long a mutant may run; one that loops is found by that.
const mutantTimeout = 45 * time.Second

// mutant is a fault put into the scripts. The suite must find every one: a rule that can be taken
// out unnoticed is not tested.
type mutant struct {
	name string // what is broken
	file string
	old  string
	new  string
	// stories are the scenario files that find it; none: the random histories do;
	// "concurrent" and "races": the callers who fight for the same units, and for the same holds;
	// "fence": the rules of the fence.
	stories string
}

// mutants is the list. Add one with each rule that the scripts learn.
func mutants() []mutant {
	return []mutant{
		{
			"Reserve grants a known id again", "include/reserve_generally.lua",
			"if r.exists then", "if false then", "replay",
		},
		{
			"other content under a known id is replayed", "include/reserve_generally.lua",
			"if r.fingerprint ~= fingerprint then", "if false then", "replay",
		},
		{
			"a lost line does not refuse the others", "include/reserve_generally.lua",
			"#refused == 0 or (partial and any), worse", "any, worse", "section3",
		},
		{
			"the last one in is the first one out", "include/grants.lua",
			"score = sequence * 1024 + i", "score = -sequence * 1024 + i", "section3",
		},
		{
			"lines of one order wait in reverse", "include/grants.lua",
			"score = sequence * 1024 + i", "score = sequence * 1024 + 1023 - i", "section3",
		},
		{
			"freed units do not go to the queue", "include/queue.lua",
			"it.F = it.F + math.min(free, waiting)", "it.F = it.F", "replay",
		},
		{
			"lost units stay promised to the queue", "include/queue.lua",
			"it.F = it.F - math.min(-free, it.F)", "it.F = it.F", "replaces",
		},
		{
			"a released line stays in the queue", "include/queue.lua",
			"if backordered > 0 and line.backordered == 0 then", "if false then", "queue",
		},
		{
			"a due hold is filled", "include/queue.lua",
			"if is_due(r) then\n    line_budget", "if false then\n    line_budget", "due",
		},
		{
			"the queue is worked off without a bound", "include/queue.lua",
			"line_budget = line_budget - 1", "line_budget = line_budget", "backlog",
		},
		{
			"holds expire a millisecond early", "include/records.lua",
			"r.expires <= now", "r.expires <= now + 1", "expiry",
		},
		{
			"holds expire a millisecond late", "include/records.lua",
			"r.expires <= now", "r.expires < now", "expiry",
		},
		{
			"an expired hold makes answers worse", "include/finish.lua",
			"more_due = reclaim_due()", "more_due = false", "replay",
		},
		{
			"one round of reclaiming must do", "include/reserve_generally.lua",
			"if more_due and worse then", "if false then", "backlog",
		},
		{
			"the sequence skips one", "include/journal.lua",
			"redis.call('HSET', KEYS[1], 'sequence', last)",
			"redis.call('HSET', KEYS[1], 'sequence', last + 1)", "replay",
		},
		{
			"a release is not in the journal", "release.lua",
			"event[4] = text(r.state)\n    emit(event)", "event[4] = text(r.state)", "replay",
		},
		{
			"the floor may be passed by one", "include/reserve_generally.lua",
			"available - quantity >= p.floor", "available - quantity >= p.floor - 1", "partial|section3",
		},
		{
			"the floor cannot be reached", "include/reserve_generally.lua",
			"available - quantity >= p.floor", "available - quantity > p.floor", "section3",
		},
		{
			"a lone Reserve grants a known id again", loneFile,
			"if #flat == 0 then return nil end", "", "replay",
		},
		{
			"a lone Reserve passes over what is due", loneFile,
			"if redis.call('ZCOUNT', KEYS[5], '-inf', now_text) > 0 then", "if false then", "",
		},
		{
			"a lone Reserve does not look at purchase rules", loneFile,
			"if not policy.plain or", "if", "policy",
		},
		{
			"a lone Reserve takes what is not there", loneFile,
			"after < 0 or after <= policy.edge", "false", "section3",
		},
		{
			"a lone Reserve crosses a threshold unnoticed", loneFile,
			"(policy.low and before >= policy.low and after < policy.low)", "false", "thresholds",
		},
		{
			"a lone Reserve comes before who waits", loneFile,
			"or string.byte(own_text) == 32 then", "then", "queue|replaces|shortfall|backlog",
		},
		{
			"the plainest holds take from the queue what they free", "include/lapses.lua",
			"if it.Q > 0 or not it.exists then return false end", "", "expiry|due|queue",
		},
		{
			"a lone Reserve is granted in spite of a fence", loneFile,
			"or meta[4] or meta[5] then", "or meta[4] then", "fence",
		},
		{
			"a lone Reserve does not look for a loss", loneFile,
			"if ARGV[7] ~= '0' and", "if false and", "fence",
		},
		{
			"a hold lapses twice", "include/lapses.lua",
			"not records[id] and not lapses[id] and", "not records[id] and", "races",
		},
		{
			"the plainest orders may pass the floor by one", "reserve.lua",
			"(p.floor and after < p.floor) or", "(p.floor and after < p.floor - 1) or", "section3",
		},
		{
			"the plainest orders are never backordered", "reserve.lua",
			"waits[i] = before > 0 and quantity - before or quantity", "waits[i] = 0", "section3",
		},
		{
			"the plainest orders are backordered where that is denied", "reserve.lua",
			"(p.floor and after < p.floor) or it.mark", "it.mark", "section3",
		},
		{
			"the plainest orders do not join the queue", "reserve.lua",
			"queue_up(it, id, i, sequence)", "", "queue",
		},
		{
			"the plainest orders cross no threshold", "reserve.lua",
			"if after <= p.edge or p.low then", "if false then", "thresholds",
		},
		{
			"two orders of one id in a batch are both granted", "include/grants.lua",
			"records[id] = nil -- it may have been looked for", "", "concurrent",
		},
		{
			"the budget counts holds, not lines", "include/queue.lua",
			"return math.max(1, r.count)", "return 1", "due",
		},
		{
			"a loss is a shortfall while holds are due", "adjust.lua",
			"if more_due and takes(asked) then", "if false then", "due",
		},
		{
			"a replay by lines is of the present term", "include/requests.lua",
			"term = tonumber(term)", "term = r.term", "release",
		},
		{
			"the release that ended a reservation cannot be repeated", "release.lua",
			"r.by_release = true", "r.by_release = false", "release",
		},
		{
			"what a hold on the way frees is not looked at again", "include/queue.lua",
			"if work_off_one(it, {}) ~= NOTHING then\n        i = 1",
			"if work_off_one(it, {}) ~= NOTHING then\n        i = i",
			"", // the random histories: it takes more due holds than one round reclaims
		},
		{
			"whoever comes after the stock is gone is not backordered", "include/decide.lua",
			"math.max(before, own, 0)", "math.max(granted, own, 0)", "replay",
		},
		{
			"a cart edit goes to the end of the queue", "include/decide.lua",
			"math.max(before, own, 0)", "math.max(before, 0)", "replaces",
		},
		{
			"lines of one SKU do not see each other", "include/decide.lua",
			"it.R = it.R + granted\n", "it.R = it.R + 0 * granted\n", "section3",
		},
		{
			"a Restock counts twice", "restock.lua", "if q.exists then", "if false then", "replay",
		},
		{
			"a release before the reserve is forgotten", "include/reserve_generally.lua",
			"if r.term == 0 then", "if false then", "release",
		},
		{
			"finished reservations are remembered for ever", "include/records.lua",
			"if r.forget > 0 and r.forget <= now then", "if false then", "retention",
		},
		{
			"request ids are remembered for ever", "include/requests.lua",
			"tonumber(fields[4]) > now", "true", "retention",
		},
		{
			"units that are not there ship", "fulfill.lua",
			"refused = refused or missing(r, plan)", "refused = refused", "shortfall",
		},
		{
			"units that wait ship", "fulfill.lua",
			"if ship(r, ask[1], ask[2], plan) > 0 then", "if false then", "fulfill",
		},
		{
			"Fulfill does not look for units due to it", "fulfill.lua",
			"if not bring_up(r) then return { code.AGAIN } end", "", "",
		},
		{
			"an adjustment takes on hand below zero", "adjust.lua",
			"function(_, sum) return sum < 0 end", "function() return false end", "onhand",
		},
		{
			"a count ignores what was expected", "set_stock.lua",
			"ask[3] and ask[3] ~= ask[1].H", "false", "onhand",
		},
		{
			"an expired hold is committed", "commit.lua",
			"if is_due(r) then lapse(r) end\n  if r.state == EXPIRED and again",
			"if r.state == EXPIRED and again", "due",
		},
		{
			"reacquire ignores the floor", "commit.lua",
			"p.tracked and p.floor and", "false and", "reacquire",
		},
		{
			"a reservation that is reacquired keeps its old place", "include/queue.lua",
			"it.requeued[member] = true", "it.requeued[member] = nil", "requeue",
		},
		{
			"a shortfall is not told", "include/thresholds.lua",
			"if short > befores[3 * i] then", "if false then", "shortfall",
		},
		{
			"a policy's default is not inherited", "include/policy_rules.lua",
			"mode = own.bm or default.bm or '1'", "mode = own.bm or '1'", "policy",
		},
		{
			"untracked SKUs run out", "include/reserve_generally.lua",
			"if not p.tracked then return quantity end", "", "untracked",
		},
		{
			"nobody looks for a loss", "include/fence.lua",
			"if seen_sequence > 0 and not restoring and", "if false and", "fence",
		},
		{
			"a loss in the present epoch is not noticed", "include/fence.lua",
			"seen_sequence > first_sequence or ARGV[8]", "ARGV[8]", "fence",
		},
		{
			"one event that is lost is not noticed", "include/fence.lua",
			"or seen_sequence > kept then", "or seen_sequence > kept + 1 then", "fence",
		},
		{
			"who has seen everything has seen a loss", "include/fence.lua",
			"or seen_sequence > kept then", "or seen_sequence >= kept then", "fence",
		},
		{
			"a loss that was written over is not noticed", "include/fence.lua",
			"process == meta[1] and first_sequence\n    end",
			"process == meta[1] and first_sequence\n    end\n" +
				"    if n < epoch then return first_sequence end", "fence",
		},
		{
			"an epoch that the store does not have is taken for an earlier one", "include/fence.lua",
			"return n < epoch and began and ends",
			"return n > epoch and first_sequence or began and ends", "fence",
		},
		{
			"an epoch that began nowhere counts", "include/fence.lua",
			"n < epoch and began and ends", "n < epoch and ends", "fence",
		},
		{
			"an epoch that ended nowhere counts", "include/fence.lua",
			"and ends and (not began_by or began_by == seen_process) and tonumber(ends)",
			"and (not began_by or began_by == seen_process) and tonumber(ends or first_sequence)", "fence",
		},
		{
			"the present epoch's number used again is not noticed", "include/fence.lua",
			"return seen_process == meta[1] and first_sequence", "return first_sequence", "fence",
		},
		{
			"an earlier epoch's number used again is not noticed", "include/fence.lua",
			"(not began_by or began_by == seen_process)", "true", "fence",
		},
		{
			"an older version's epochs are taken for another's", "include/fence.lua",
			"(not began_by or began_by == seen_process)", "began_by == seen_process", "fence",
		},
		{
			"a loss is noticed again after lifting", "lift_fence.lua",
			"{ 'settled', now_text, 'lifted', lifted }", "{ 'lifted', lifted }", "fence",
		},
		{
			"what was seen before a lift or a restore still counts", "include/fence.lua",
			"if tonumber(ARGV[9]) <=", "if 0 <", "fence",
		},
		{
			"who noticed notices for ever", "include/fence.lua",
			"standing[2], standing[3] = 1, 1", "standing[3] = 1", "fence",
		},
		{
			"a fence is lifted that nobody looked at", "lift_fence.lua",
			"if fence_id() == fence then", "if fence_id() then", "fence",
		},
		{
			"lifting cannot be repeated", "lift_fence.lua",
			"if not fenced and last == fence then", "if false then", "fence",
		},
		{
			"a further loss is not added to the fence", "include/fence.lua",
			"return n < told_epoch or n == told_epoch and seen_sequence <= tonumber(told_sequence)",
			"return true", "fence",
		},
		{
			"the same loss changes the fence", "include/fence.lua",
			"if not is_told() then", "if true then", "fence",
		},
		{
			"a fence does not stop Reserve", "include/reserve_generally.lua",
			"if fenced then return { code.STOCK_FENCED } end\n  if unknown then return unknown end\n" +
				"  local replaced", "if unknown then return unknown end\n  local replaced", "fence",
		},
		{
			"a fence does not stop the plainest orders", "reserve.lua",
			"not unknown and not fenced and", "not unknown and", "fence",
		},
	}
}

// shortForm names the mutants that `make test` runs: one of each of the rules that matter most.
func shortForm() []string {
	return []string{
		"Reserve grants a known id again", "a lost line does not refuse the others",
		"the last one in is the first one out", "holds expire a millisecond early",
		"the sequence skips one", "a loss that was written over is not noticed",
	}
}

// mutationOf returns the change that a mutant makes; nil for no name.
func mutationOf(name string) func(file, text string) string {
	for _, m := range mutants() {
		if m.name == name {
			return func(file, text string) string {
				if file != m.file {
					return withoutLone(file, text)
				}
				return strings.Replace(text, m.old, m.new, 1)
			}
		}
	}
	return nil
}

// loneFile is the short way of one plain Reserve by itself, which is all that a history sends that
// is made call by call.
const loneFile = "include/lone.lua"

// withoutLone takes that way out, so that such calls go by the rules that batches go by.
func withoutLone(file, text string) string {
	if file != loneFile {
		return text
	}
	return strings.Replace(text, "if count == 1 then", "if false then", 1)
}

// TestMutants_AreKilled runs the suite against each mutant, in a process of its own, and wants it
// to fail.
func TestMutants_AreKilled(t *testing.T) {
	t.Parallel()
	if os.Getenv(mutantVariable) != "" {
		t.Skip("this process is a mutant")
	}
	places := make(chan struct{}, 2)
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(sourceOf(t, m.file), m.old) {
				t.Fatalf("%s does not have %q any more: change the mutant with it", m.file, m.old)
			}
			places <- struct{}{}
			defer func() { <-places }()
			if !longForm() && !slices.Contains(shortForm(), m.name) {
				t.Skip("in the long form: make mutants")
			}
			if output, survived := runMutant(t, m); survived {
				t.Errorf("it survived:\n%s", output)
			}
		})
	}
}

// runMutant runs what finds a mutant until the first failure.
func runMutant(t *testing.T, m mutant) (output string, survived bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), mutantTimeout)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	run := exec.CommandContext(ctx, program, "-test.failfast", "-test.parallel", "1",
		"-test.run", "^TestStore_Embedded$/^scenarios$/^("+m.stories+")$")
	switch m.stories {
	case "":
		run.Args[len(run.Args)-1] = "^TestStore_Embedded$/^random$"
	case "fence":
		run.Args[len(run.Args)-1] = "^TestFence_Rules$/^embedded$"
	case "concurrent", "races":
		run.Args[len(run.Args)-1] = "^TestStore_Embedded$/^" + m.stories + "$"
	}
	run.Env = append(os.Environ(), mutantVariable+"="+m.name)
	run.Stdout, run.Stderr = &printed, &printed
	err = run.Run()
	if err != nil && ctx.Err() == nil && !strings.Contains(printed.String(), "--- FAIL") {
		t.Fatalf("the mutant's process did not run its tests: %v\n%s", err, &printed)
	}
	return printed.String(), err == nil
}
