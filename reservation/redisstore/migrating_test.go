package redisstore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/reservation"
)

// movedKeys returns which keys are moved before a call: none, each one, and all of them.
func (m *moving) movedKeys() [][]string {
	names := slices.Sorted(maps.Keys(m.before))
	moved := [][]string{nil}
	for _, key := range names {
		if key != m.keys.base+"clock" { // the test's own
			moved = append(moved, []string{key})
		}
	}
	return append(moved, names)
}

// outcomes are what came of calls to a slot on the move.
type outcomes struct {
	done               map[string]bool // calls that were carried out with some keys moved, or none
	turnedAway, within int             // how often; and how often by the script itself
	findings           []string
}

func (o *outcomes) findf(format string, args ...any) {
	o.findings = append(o.findings, fmt.Sprintf(format, args...))
}

// judgeAll makes every call with every choice of moved keys.
func (m *moving) judgeAll() outcomes {
	o := outcomes{done: map[string]bool{}}
	m.reset()
	settled := m.contents()
	calls := m.calls()
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		m.reset()
		after := m.run(name, calls[name])
		if m.answered != nil {
			m.t.Fatalf("%s in a settled slot: %v", name, m.answered)
		}
		reply := fmt.Sprint(m.reply)
		for _, gone := range m.movedKeys() {
			m.reset()
			m.must(m.cluster.BeginMove(m.t.Context(), m.slot, m.from, m.to))
			m.must(m.cluster.MoveNamed(m.t.Context(), m.from, m.to, gone...))
			m.judge(&o, fmt.Sprintf("%s with %q moved", name, gone),
				without(settled, gone), without(after, gone), m.run(name, calls[name]))
			if m.answered == nil {
				o.done[name] = true
				if got := fmt.Sprint(m.reply); got != reply {
					o.findf("%s with %q moved is answered %s, want %s", name, gone, got, reply)
				}
			}
		}
	}
	return o
}

// without returns what is left where some keys have moved.
func without(contents map[string]string, gone []string) map[string]string {
	left := maps.Clone(contents)
	for _, key := range gone {
		delete(left, key)
	}
	return left
}

// judge holds what the keys hold after a call against what they held before, and against what they
// hold after it where nothing moves.
func (m *moving) judge(o *outcomes, name string, before, after, got map[string]string) {
	want := before
	switch {
	case m.answered == nil:
		want = after
	case !isTurnedAway(m.answered):
		o.findf("%s: %v", name, m.answered)
	default:
		o.turnedAway++
		if isElsewhere(m.answered.Error()) {
			o.within++
		}
		err := m.readFailure(m.t.Context(), scriptReadRecords, m.answered)
		if reservation.ReasonOf(err) != reservation.ReasonStoreUnavailable {
			o.findf("%s is told as %v", name, err)
		}
	}
	if difference := cmp.Diff(want, got); difference != "" {
		o.findf("%s (%v) is half done, or done otherwise:\n%s", name, m.answered, difference)
	}
}

// TestCluster_NoScriptIsHalfDoneWhileItsSlotMoves runs every script in a slot that is MIGRATING,
// with nothing moved, with each one key moved, and with all of them: it does all that it does
// elsewhere, or it is turned away and every key is as it was.
func TestCluster_NoScriptIsHalfDoneWhileItsSlotMoves(t *testing.T) {
	t.Parallel()
	m := newMoving(t, nil)
	o := m.judgeAll()
	for _, finding := range o.findings {
		t.Error(finding)
	}
	t.Logf("%d calls, %d were carried out with little moved, turned away %d times, %d of them "+
		"by the script", len(m.calls()), len(o.done), o.turnedAway, o.within)
	if len(o.done) < 20 || o.within < 50 {
		t.Error("the test shows too little")
	}
}

// movingMutants are scripts of which it was forgotten that their slot may move.
func movingMutants() []mutant {
	return []mutant{
		{
			name: "queues are written unseen", file: "include/finish.lua",
			old: "    look_at_queues()\n", new: "",
		},
		{
			name: "what is left of a reservation is deleted first", file: "include/records.lua",
			old: "    unpack_call('HSET', r.key, list, 2)\n",
			new: "    if r.forgotten then redis.call('UNLINK', r.key) end\n" +
				"    unpack_call('HSET', r.key, list, 2)\n",
		},
		{
			name: "a policy is cleared before it is set", file: "include/policies.lua",
			old: "  unpack_call('HSET', KEYS[2], set, 2)\n  unpack_call('HDEL', KEYS[2], cleared, 1)\n",
			new: "  unpack_call('HDEL', KEYS[2], cleared, 1)\n  unpack_call('HSET', KEYS[2], set, 2)\n",
		},
		{
			name: "purge deletes what it has not seen", file: "purge.lua",
			old: "    redis.call('EXISTS', unpack(keys))\n", new: "",
		},
		{
			name: "a record that has moved is told as damaged", file: "read_records.lua",
			old: "  raise_elsewhere(reply)\n", new: "",
		},
		{
			name: "a waiting line that has moved is told as gone", file: "audit_queue.lua",
			old: "    raise_elsewhere(waits)\n", new: "",
		},
	}
}

// TestMutants_OfMovingSlotsAreFound has each found in the long form (make mutants); in the short
// one it sees to it that the list fits the scripts.
func TestMutants_OfMovingSlotsAreFound(t *testing.T) {
	t.Parallel()
	for _, mutant := range movingMutants() {
		t.Run(mutant.name, func(t *testing.T) {
			if !strings.Contains(sourceOf(t, mutant.file), mutant.old) {
				t.Fatalf("%s does not have %q any more: change the mutant with it", mutant.file,
					mutant.old)
			}
			if !longForm() {
				t.Skip("in the long form: make mutants")
			}
			m := newMoving(t, func(file, text string) string {
				if file != mutant.file {
					return text
				}
				return strings.Replace(text, mutant.old, mutant.new, 1)
			})
			if found := m.judgeAll().findings; len(found) == 0 {
				t.Error("it survived")
			} else {
				t.Logf("%.300s", found[0])
			}
		})
	}
}
