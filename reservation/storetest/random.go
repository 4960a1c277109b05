package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
)

// The environment that replays or lengthens the random histories.
const (
	seedVariable  = "HOLDFAST_SEED"
	stepsVariable = "HOLDFAST_STEPS"
	defaultSteps  = 4_000
	// A look at everything is due after this many steps, and the less often the longer the journals
	// are: after one more step for so many events.
	stepsPerLook  = 100
	eventsPerStep = 100
	stepsShown    = 25
)

// runRandom runs one history of a new seed, or the one that the environment names.
func runRandom(t *testing.T, open func(t *testing.T) Subject) {
	seed := rand.Uint64()
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", seedVariable, err)
		}
	}
	steps := defaultSteps
	if text := os.Getenv(stepsVariable); text != "" {
		var err error
		if steps, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", stepsVariable, err)
		}
	}
	RunRandom(t, open, seed, steps)
}

// RunRandom drives a store and the model through the same random history, call by call. It compares
// every answer and refusal at once, and from time to time everything that the two hold.
func RunRandom(t *testing.T, open func(t *testing.T) Subject, seed uint64, steps int) {
	t.Helper()
	t.Logf("replay with: %s", replayCommand(t, seed, steps))
	subject := open(t)
	p := &pair{
		subject: subject,
		oracle: model.New(model.Options{
			Retention: reservation.DefaultRetention,
			Now:       subject.Now,
		}),
		tally: map[string]int{},
	}
	g := newGenerator(seed)
	p.onRefusedReserve = g.forget
	for range steps {
		stock, texts := g.next()
		if !p.steps(t, stock, texts) {
			return
		}
		if p.made >= p.nextLook && !p.compareStocks(t, g.stocks) {
			return
		}
	}
	p.compareStocks(t, g.stocks)
	p.logTally(t)
}

// replayCommand is what runs this very history again.
func replayCommand(t *testing.T, seed uint64, steps int) string {
	pkg := "."
	if dir, err := os.Getwd(); err == nil {
		for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
				continue
			}
			if within, err := filepath.Rel(root, dir); err == nil {
				pkg = "./" + filepath.ToSlash(within)
			}
			break
		}
	}
	return fmt.Sprintf("%s=%d %s=%d go test %s -run '^%s$'", seedVariable, seed,
		stepsVariable, steps, pkg, strings.ReplaceAll(t.Name(), "/", "$/^"))
}

// pair is a store and the model, told the same.
type pair struct {
	subject Subject
	oracle  *model.Model
	made    int
	// nextLook is the step after which everything is compared again.
	nextLook int
	last     []string       // the last steps, as a scenario writes them
	tally    map[string]int // what came of the calls, by verb and reason

	onRefusedReserve func(id string)
}

// steps runs steps of one stock and says whether the history can go on.
func (p *pair) steps(t *testing.T, stock reservation.StockID, texts []string) bool {
	t.Helper()
	for _, text := range texts {
		p.note(stock, text)
		if d, advances := advance(text); advances {
			p.subject.Advance(d)
			continue
		}
		if !p.call(t, stock, text) {
			return false
		}
	}
	p.made++
	return true
}

func (p *pair) note(stock reservation.StockID, text string) {
	const longest = 200
	if len(text) > longest {
		text = text[:longest] + " ..."
	}
	p.last = append(p.last, fmt.Sprintf("on %s: %s", stock, text))
	p.last = p.last[max(0, len(p.last)-stepsShown):]
}

func (p *pair) call(t *testing.T, stock reservation.StockID, text string) bool {
	t.Helper()
	c, err := parseCall(stock, text)
	if err != nil {
		t.Fatalf("the generator wrote nonsense: %v", err)
	}
	want, err := c.outcome(t.Context(), p.oracle)
	if err != nil {
		t.Errorf("the model: %v", err)
		return false
	}
	got, err := c.outcome(t.Context(), p.subject)
	if err != nil {
		t.Errorf("step %d: %v\n%s", p.made, err, p.history())
		return false
	}
	p.count(c, want)
	isReused := want.Refusal != nil && want.Refusal.Reason == reservation.ReasonReservationIDReused
	if c.verb == "reserve" && want.Refusal != nil && !isReused {
		p.onRefusedReserve(strings.Fields(text)[1])
	}
	if difference := diff(want, got); difference != "" {
		t.Errorf("step %d: %s\nmodel:\n  %s\nstore:\n  %s\n(-model +store)\n%s%s", p.made, text,
			strings.Join(want.print(), "\n  "), strings.Join(got.print(), "\n  "),
			difference, p.history())
		return false
	}
	return true
}

func (p *pair) history() string {
	return "last steps:\n  " + strings.Join(p.last, "\n  ")
}

func (p *pair) count(c call, result outcome) {
	came := "ok"
	if result.Refusal != nil {
		came = result.Refusal.Reason.String()
		for _, refusal := range result.Refusal.Refusals {
			p.tally["line "+refusal.Reason.String()]++
		}
	} else if text := result.print()[0]; strings.HasPrefix(text, "replayed") {
		came = "replayed"
	} else if c.isHousekeeping() {
		came = text
	}
	p.tally[c.verb+" "+came]++
}

// compareStocks holds everything that the store keeps against the model and the contract.
func (p *pair) compareStocks(t *testing.T, stocks []reservation.StockID) bool {
	t.Helper()
	p.nextLook = p.made + stepsPerLook
	for _, stock := range stocks {
		want := snapshotOf(t, p.oracle, stock)
		p.nextLook += len(want.Events) / eventsPerStep
		got := snapshotOf(t, p.subject, stock)
		if difference := diff(want, got); difference != "" {
			t.Errorf("after step %d, stock %s (-model +store):\n%s", p.made, stock, difference)
		}
		requireSound(t, p.subject, stock, got)
	}
	if t.Failed() {
		t.Log(p.history())
	}
	return !t.Failed()
}

// logTally shows what the history met, so that a reader can tell a history from a stroll.
func (p *pair) logTally(t *testing.T) {
	t.Helper()
	var met []string
	for _, name := range slices.Sorted(maps.Keys(p.tally)) {
		met = append(met, fmt.Sprintf("%s %d", name, p.tally[name]))
	}
	t.Logf("met: %s", strings.Join(met, ", "))
}
