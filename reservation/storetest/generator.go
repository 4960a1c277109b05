package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
)

// generator writes random steps. Its pools are small, so that ids collide, replays meet changed
// content and queues grow; its odds keep the stocks between plenty and nothing.
type generator struct {
	random *rand.Rand
	stocks []reservation.StockID
	skus   []string
	told   int        // steps so far: ids drift with it, so that new ones keep coming
	past   []string   // calls with an id, to be repeated
	stock  int        // of the step that is being written
	recent [2][]asked // by the last Reserves, for each stock
}

// asked is a reservation id and the words of the lines that it asked for.
type asked struct {
	id    string
	lines []string
}

// windowOfIDs is how many reservation ids are in use at a time.
const windowOfIDs = 40

func newGenerator(seed uint64) *generator {
	g := &generator{random: rand.New(rand.NewPCG(seed, 0))}
	for _, name := range []string{"", "north-1.a"} {
		stock, err := reservation.ParseStockID(name)
		if err != nil {
			panic(fmt.Sprintf("stock id %q: %v", name, err))
		}
		g.stocks = append(g.stocks, stock)
	}
	// Names that a store might take for something of its own, and an order by bytes that is not the
	// one of any language.
	for _, name := range []string{"MUG", "mug", "a b", "Zoë", "{x}:%d", "100%*,\"'\\", "z"} {
		sku, err := reservation.ParseSKU(name)
		if err != nil {
			panic(fmt.Sprintf("SKU %q: %v", name, err))
		}
		g.skus = append(g.skus, escape(sku))
	}
	return g
}

// next returns the stock and the texts of the next steps.
func (g *generator) next() (reservation.StockID, []string) {
	g.told++
	g.stock = 0
	if g.chance(20) {
		g.stock = 1
	}
	texts := g.write()
	for _, text := range texts {
		if isRepeatable(text) && len(texts) == 1 {
			g.past = append(g.past, text)
		}
	}
	g.past = g.past[max(0, len(g.past)-windowOfIDs):]
	return g.stocks[g.stock], texts
}

// odds are parts of a thousand, in the order of the cases of write.
func (g *generator) write() []string {
	type choice struct {
		odds  int
		write func() string
	}
	if g.random.IntN(1000) < 8 {
		return g.burst()
	}
	if g.chance(3) {
		return g.plot()
	}
	if g.chance(15) && len(g.past) > 0 {
		return []string{g.repeat()}
	}
	choices := []choice{
		{300, g.reserve},
		{60, func() string { return "check" + g.lines(6) + g.partial() }},
		{80, func() string { return "release " + g.known() + g.pick("", "", " allow_missing") }},
		{80, func() string { return g.someLines("release ") }},
		{110, func() string { return "commit " + g.known() + g.pick("", "", " reacquire") }},
		{50, func() string { return "extend " + g.known() + g.ttl() }},
		{80, func() string { return "fulfill " + g.known() }},
		{80, func() string { return g.someLines("fulfill ") }},
		{50, g.adjust},
		{25, g.setStock},
		{20, g.reservations},
		{15, func() string { return g.backorders() }},
		{50, func() string { return "get " + g.known() }},
		{110, func() string { return "restock " + g.requestID() + g.lines(3) }},
		{80, func() string { return "set-policy " + g.sku() + g.policy(true) }},
		{15, func() string { return "set-default" + g.policy(false) }},
		{10, func() string { return "get-policy " + g.sku() }},
		{5, func() string { return "get-default" }},
		{20, func() string { return "items " + g.sku() + " " + g.sku() + " " + g.sku() }},
		{15, g.list},
		{10, func() string { return "set-policy ghost" + g.policy(true) }},
		{20, func() string { return "delete " + g.pick("ghost", "ghost", g.sku()) }},
		{10, func() string { return "sweep" }},
		{10, func() string { return "drain" }},
		{10, func() string { return "purge" }},
	}
	if g.chance(6) {
		// What comes next meets holds that ran out and were not reclaimed.
		return []string{g.advance(), g.pick("get "+g.known(), "release "+g.known(), "sweep",
			"commit "+g.known(), "commit "+g.known()+" reacquire", "commit "+g.known()+" reacquire",
			"extend "+g.known()+g.ttl(), "fulfill "+g.known(), g.reservations(),
			g.backorders(), g.someLines("fulfill "),
			"drain", "restock "+g.requestID()+g.lines(2), "items "+g.sku(),
			g.someLines("release "))}
	}
	total := 0
	for _, c := range choices {
		total += c.odds
	}
	at := g.random.IntN(total)
	for _, c := range choices {
		if at -= c.odds; at < 0 {
			return []string{c.write()}
		}
	}
	panic("the odds add up to their total")
}

// isRepeatable says whether a call has an id.
func isRepeatable(text string) bool {
	verb, _, _ := strings.Cut(text, " ")
	return slices.Contains([]string{
		"reserve", "release", "restock", "commit", "extend", "fulfill", "adjust", "set-stock",
	}, verb)
}

// repeat is a past call again, seldom with one word less or changed.
func (g *generator) repeat() string {
	text := g.past[g.random.IntN(len(g.past))]
	words := strings.Fields(text)
	if at := len(words) - 1; at > 2 && g.chance(25) {
		switch {
		case words[0] != "reserve":
			if strings.Contains(words[at-1], "*") {
				words = words[:at]
			}
		case !strings.Contains(words[at], "*"):
			words = words[:at]
		case g.chance(50):
			words = append(words, g.pick("partial", "ttl=7s", "replaces="+g.known()))
		default:
			words[2], words[at] = words[at], words[2]
		}
	}
	return strings.Join(words, " ")
}

func (g *generator) advance() string {
	return "advance " + g.pick(
		"1ms", "999ms", "1s", "1s", "1500ms", "2s", "2s", "10s", "10s", "1m", "1h", "12h",
		"23h59m59s999ms", "24h")
}

// advance reads a step of the clock.
func advance(text string) (time.Duration, bool) {
	rest, advances := strings.CutPrefix(text, "advance ")
	if !advances {
		return 0, false
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		panic(fmt.Sprintf("step %q: %v", text, err))
	}
	return d, true
}

func (g *generator) id() string {
	return fmt.Sprintf("o%d", g.told/windowOfIDs*(windowOfIDs/4)+g.random.IntN(windowOfIDs))
}

// known returns the id of a recent Reserve, seldom any.
func (g *generator) known() string {
	if !g.knows() || g.chance(10) {
		return g.id()
	}
	return g.oneRecent().id
}

func (g *generator) knows() bool { return len(g.recent[g.stock]) > 0 }

func (g *generator) oneRecent() asked {
	return g.recent[g.stock][g.random.IntN(len(g.recent[g.stock]))]
}

// forget takes a refused Reserve out of the recent ones, for nothing would come of its id.
func (g *generator) forget(id string) {
	g.recent[g.stock] = slices.DeleteFunc(g.recent[g.stock], func(a asked) bool {
		return a.id == id
	})
}

func (g *generator) requestID() string {
	return fmt.Sprintf("r%d", g.told/windowOfIDs*(windowOfIDs/4)+g.random.IntN(windowOfIDs))
}

func (g *generator) sku() string {
	if g.chance(3) {
		return g.pick("unknown", "ghost")
	}
	return g.skus[g.random.IntN(len(g.skus))]
}

func (g *generator) lines(most int) string {
	var text strings.Builder
	for range 1 + g.random.IntN(most) {
		fmt.Fprintf(&text, " %s*%s", g.sku(),
			g.pick("1", "2", "2", "3", "4", "4", "5", "6", "8", "12", "20"))
	}
	return text.String()
}

func (g *generator) partial() string { return g.pick("", "", " partial") }

func (g *generator) chance(percent int) bool { return g.random.IntN(100) < percent }

func (g *generator) pick(of ...string) string { return of[g.random.IntN(len(of))] }
