package redisstore

import (
	"context"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// ownProcess stands in a test's meta for the run_id of the process that answers.
const ownProcess = "own"

// fenceRule is a meta, what a server had seen of the stock, and what comes of it.
type fenceRule struct {
	meta   map[string]string // beside threeEpochs; "-" takes a field out
	seen   reservation.Position
	by     string        // the process that began its epoch
	age    time.Duration // of the answer in which it was seen
	empty  bool          // the store has nothing of the stock
	fenced bool
	want   reservation.Fence // but for its times and the server
}

// threeEpochs is a stock that three processes wrote, the last of which answers.
func threeEpochs() map[string]string {
	return map[string]string{
		"run_id": ownProcess, "epoch": "3", "sequence": "100", "e1": "0", "e2": "50", "e3": "80",
		"p1": "first", "p2": "second", "p3": ownProcess,
	}
}

func at(epoch, sequence int64) reservation.Position {
	return reservation.Position{Epoch: epoch, Sequence: sequence}
}

// lostOf is a fence: what was seen, what was kept, where the stock was found.
func lostOf(
	seen reservation.Position, kept int64, found reservation.Position,
) reservation.Fence {
	return reservation.Fence{
		Seen: seen, KeptSequence: kept, Found: found, LostEvents: seen.Sequence - kept,
	}
}

// fenceRules are all of them by name.
func fenceRules() map[string]fenceRule {
	own := ownProcess
	rules := make(map[string]fenceRule)
	rule := func(name string, rule fenceRule, meta ...string) {
		rule.meta = make(map[string]string)
		for pair := range slices.Chunk(meta, 2) {
			rule.meta[pair[0]] = pair[1]
		}
		rules[name] = rule
	}
	well := func(seen reservation.Position, by string) fenceRule {
		return fenceRule{seen: seen, by: by}
	}
	lost := func(seen reservation.Position, by string, kept int64) fenceRule {
		return fenceRule{seen: seen, by: by, fenced: true, want: lostOf(seen, kept, at(3, 100))}
	}
	rule("nothing was seen", well(at(0, 0), ""))
	rule("all was seen", well(at(3, 100), own))
	rule("an earlier position of the present epoch was seen", well(at(3, 90), own))
	rule("more than there is in the present epoch was seen", lost(at(3, 101), own, 100))
	rule("an earlier epoch was seen to its end", well(at(2, 80), "second"))
	rule("the first epoch was seen to its end", well(at(1, 50), "first"))
	rule("an earlier epoch was seen beyond its end", lost(at(2, 81), "second", 80))
	rule("the first epoch was seen beyond its end", lost(at(1, 51), "first", 50))
	rule("a later epoch was seen", lost(at(4, 90), "fourth", 80))
	rule("an epoch of the present number was another's", lost(at(3, 90), "third", 80))
	rule("an epoch of an earlier number was another's", lost(at(2, 70), "other", 50))

	restarted := []string{"run_id", "third", "p3", "third"}
	rule("restarted, and all was seen", well(at(3, 100), "third"), restarted...)
	rule("restarted, and more than there is was seen", lost(at(3, 101), "third", 100), restarted...)
	rule("restarted, and a later epoch was seen", lost(at(4, 120), own, 100), restarted...)

	rule("an older version did not say who began the epoch", well(at(2, 80), "second"), "p2", "-")
	rule("it did not, and the epoch was seen beyond its end", lost(at(2, 81), "second", 80),
		"p2", "-")
	rule("the store does not know how the epoch ended", lost(at(2, 70), "second", 50), "e3", "-")
	rule("the store does not know the epoch", lost(at(2, 70), "second", 0), "e2", "-", "p2", "-")

	before := fenceRule{seen: at(3, 101), by: own, age: time.Minute}
	rule("it was seen before a fence was lifted or a restore", before, "settled", "ago")
	rule("it was seen after a fence was lifted or a restore", lost(at(3, 101), own, 100),
		"settled", "ago")

	rule("the store has nothing of the stock", fenceRule{
		seen: at(1, 5), by: own, empty: true, fenced: true, want: lostOf(at(1, 5), 0, at(0, 0)),
	})
	rule("nothing was seen of a stock of which there is nothing", fenceRule{empty: true})
	rule("an export is being restored", well(at(9, 900), "other"), "restoring", "export")
	rule("restored, and all was seen", well(at(3, 100), "restored"),
		"run_id", "restored", "p1", "-", "p2", "-", "p3", "-")
	return rules
}

// open opens a store for a rule, with the stock as its meta says, and the SKU "mug".
func (f fenceRule) open(t *testing.T, open func(*testing.T, Options) *Store) *Store {
	t.Helper()
	s := open(t, Options{quiet: true, mutate: mutationOf(os.Getenv(mutantVariable))})
	process := only(s).scripts.present().process
	stock := mustStock("")
	keys := s.keys.of(stock)
	ctx := context.Background()
	if !f.empty {
		meta := threeEpochs()
		maps.Copy(meta, f.meta)
		for name, value := range meta {
			switch value {
			case "-":
				continue
			case ownProcess:
				value = process
			case "ago":
				ago := only(s).clock.now() - (30 * time.Second).Milliseconds()
				value = strconv.FormatInt(ago, 10)
			}
			if err := s.client.HSet(ctx, keys.meta(), name, value).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.client.HSet(ctx, keys.items(), "mug", "10 0").Err(); err != nil {
			t.Fatal(err)
		}
	}
	f.show(s, process)
	return s
}

// show makes a store remember what the rule says was seen.
func (f fenceRule) show(s *Store, process string) {
	by := f.by
	if by == ownProcess {
		by = process
	}
	b := s.stocks.acquire(mustStock(""))
	defer s.stocks.release(b)
	b.seen = seenPosition{}
	b.seen.see(standing{
		Position: f.seen, process: by, now: only(s).clock.now() - f.age.Milliseconds(),
	})
	b.isSeen.Store(f.seen.Sequence > 0)
}

// fenceIn returns a stock's fence, without what differs from run to run, as the store keeps it.
func fenceIn(t *testing.T, s *Store) (fence reservation.Fence, fenced bool) {
	t.Helper()
	text := s.client.HGet(context.Background(), s.keys.of(mustStock("")).meta(), fencedField).Val()
	if text == "" {
		return fence, false
	}
	fence = must(fenceOf(text))
	if fence.Server != s.options.Server {
		t.Errorf("the fence names the server %q, which is %q", fence.Server, s.options.Server)
	}
	fence.ID, fence.Since, fence.NoticedTime, fence.Server = reservation.FenceID{},
		time.Time{}, time.Time{}, ""
	return fence, true
}

// TestFence_Rules holds what a server had seen against what the store has, rule by rule. It needs
// no Redis, so that the mutants can run it.
func TestFence_Rules(t *testing.T) {
	t.Parallel()
	stores := map[string]func(*testing.T, Options) *Store{"embedded": openEmbedded}
	if realServer != nil {
		stores["on Redis"] = openReal
	}
	for name, open := range stores {
		for what, rule := range fenceRules() {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				s := rule.open(t, open)
				_, err := s.Reserve(t.Context(), reserveOf("o", "mug"))
				fence, fenced := fenceIn(t, s)
				if fenced != rule.fenced || fenced && fence != rule.want {
					t.Fatalf("fenced: %v, as %+v\nwant    %v, as %+v", fenced, fence, rule.fenced,
						rule.want)
				}
				if (reservation.ReasonOf(err) == reservation.ReasonStockFenced) != fenced {
					t.Errorf("Reserve answers %v", err)
				}
				if fenced {
					rule.whileFenced(t, s)
				}
			})
		}
	}
}

// whileFenced holds what is true of every fence: the server that noticed goes on from where the
// stock is, another one that had seen less adds nothing and one that had seen more does, the fence
// that was looked at is lifted and no other, and then nobody notices the same loss again.
func (f fenceRule) whileFenced(t *testing.T, s *Store) {
	t.Helper()
	ctx, stock, process := t.Context(), mustStock(""), only(s).scripts.present().process
	first := must(s.Fence(ctx, stock))
	if again := must(s.Fence(ctx, stock)); again.Fence != first.Fence {
		t.Errorf("it was noticed again: %+v, first %+v", again.Fence.Value, first.Fence.Value)
	}
	// A server that has seen nothing of the loss is told of the fence as well.
	fenceRule{}.show(s, process)
	_, err := s.Reserve(ctx, reserveOf("while-fenced", "mug"))
	wantReason(t, err, reservation.ReasonStockFenced)
	f.show(s, process) // another server that had seen the same
	if same := must(s.Fence(ctx, stock)); same.Fence != first.Fence {
		t.Errorf("the same loss changed the fence: %+v, first %+v", same.Fence.Value, first.Fence.Value)
	}
	more := f
	more.seen.Sequence += 3
	more.show(s, process)
	wider := must(s.Fence(ctx, stock)).Fence.Value
	if wider.Seen != more.seen || wider.LostEvents != first.Fence.Value.LostEvents+3 ||
		wider.Since != first.Fence.Value.Since {
		t.Errorf("a loss of 3 more makes it %+v of %+v", wider, first.Fence.Value)
	}
	beyond := more
	beyond.seen.Epoch += 5
	beyond.show(s, process) // a server that had seen an epoch beyond the fence's own
	before := s.Stats().Losses
	last := must(s.Fence(ctx, stock)).Fence.Value
	if again := must(s.Fence(ctx, stock)).Fence.Value; last.Seen != beyond.seen || again != last ||
		s.Stats().Losses != before+1 {
		t.Errorf("a later epoch makes it %+v, then %+v, and %d losses of %d", last, again,
			s.Stats().Losses, before)
	}
	_, err = s.LiftFence(ctx, reservation.LiftFenceRequest{
		Stock: stock, Fence: must(reservation.ParseFenceID("1-1")),
	})
	wantReason(t, err, reservation.ReasonFenceDiffers)
	lift := reservation.LiftFenceRequest{Stock: stock, Fence: last.ID}
	lifted := must(s.LiftFence(ctx, lift))
	if again := must(s.LiftFence(ctx, lift)); again.LiftTime != lifted.LiftTime {
		t.Errorf("lifted at %v, and again at %v", lifted.LiftTime, again.LiftTime)
	}
	stale := more
	stale.seen.Sequence += 9
	stale.age = time.Minute
	stale.show(s, process) // a server that had seen still more and was idle
	after := must(s.Fence(ctx, stock))
	if after.Fence.Set || after.Lifted.Value.ID != last.ID {
		t.Errorf("after lifting: %+v", after)
	}
}
