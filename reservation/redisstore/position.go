package redisstore

import (
	"strconv"

	"github.com/holdfast-dev/holdfast/reservation"
)

// mostKeptStocks bounds for how many stocks that are neither in use nor registered a server
// remembers where they were, at about 1 kB each. Only a stock that was ever written to has a
// position, so that naming others costs nothing. Past the bound one that is forgotten is noticed by
// other servers only, when what they saw is lost.
const mostKeptStocks = 100_000

// seenPosition is the last position of a stock that this server saw acknowledged: an answer that
// told of it came in. It is the sender's own.
type seenPosition struct {
	reservation.Position

	process string // run_id of the store's process that began the epoch
	time    int64  // store time of the answer, ms
	// named is the epoch and the process as the scripts compare them; it changes with an epoch.
	named any
}

// standing is where an answer says that a stock is.
type standing struct {
	reservation.Position

	process string // that began the epoch
	now     int64  // ms
	// anew says that it counts whatever was seen before: what is lost is known, or the stock was
	// restored.
	anew    bool
	noticed bool   // what this server had seen was found to be lost
	fence   string // as it is kept; empty: there is none
}

// standingOf reads the end of a script's answer; see lua/include/fence.lua.
func standingOf(set *scriptSet, answer []any) (standing, error) {
	r := reply{values: answer}
	now := standing{now: r.int(), process: set.process}
	now.Epoch, now.Sequence = r.int(), r.int()
	_ = r.list() // the replies
	if r.more() {
		rest := reply{values: r.list()}
		now.process = rest.text()
		now.anew, now.noticed = rest.int() == 1, rest.int() == 1
		now.fence = rest.text()
		r.err = rest.err
	}
	return now, r.err
}

// see takes in where a stock is. Answers may be read in another order than they were given, so
// that one which is behind counts only where the store says so.
func (p *seenPosition) see(now standing) {
	switch {
	case now.anew, now.Epoch > p.Epoch:
		if now.anew { // maybe by the clock of another node
			p.time = now.now
		}
		p.Position, p.process = now.Position, now.process
		p.named = strconv.FormatInt(now.Epoch, 10) + " " + now.process
	case now.Epoch == p.Epoch && now.process == p.process:
		p.Sequence = max(p.Sequence, now.Sequence)
	default:
		return
	}
	p.time = max(p.time, now.now)
}

// tell adds to the arguments of a script call what this server has seen of the stock, and who it
// is.
func (e *encoder) tell(p *seenPosition, server any) []any {
	named := p.named
	if named == nil {
		named = ""
	}
	e.args = append(e.args, p.Sequence, named, p.time, server)
	return e.args
}
