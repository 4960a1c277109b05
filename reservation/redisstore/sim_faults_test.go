package redisstore

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// simHarmKind is what happens to one command on its way, or to its answer.
type simHarmKind uint8

const (
	harmNone       simHarmKind = iota // a few milliseconds there and back
	harmSlow                          // a good part of the call's time
	harmLate                          // comes after its last moment
	harmDropBefore                    // the connection breaks, the command did not come
	harmDropAfter                     // it ran, the connection breaks
	harmSilence                       // it ran, no answer comes
	harmHalf                          // it ran, the connection breaks within the answer
	harmFlush                         // the scripts are gone when it comes
	harmRefusal                       // the store answers that it cannot
	harmPoison                        // a script of several requests fails before it wrote
	harmAgain                         // some requests of a script are to come again
	harmCopy                          // it is a copy that comes late
	harmKinds
)

func (k simHarmKind) String() string {
	return [...]string{
		harmNone: "none", harmSlow: "slow", harmLate: "late", harmDropBefore: "dropped before",
		harmDropAfter: "dropped after", harmSilence: "unanswered", harmHalf: "half an answer",
		harmFlush: "scripts flushed", harmRefusal: "refused by the store", harmPoison: "poisoned",
		harmAgain: "once more", harmCopy: "late copy",
	}[k]
}

// simHarm is what the seed has for one command.
type simHarm struct {
	kind          simHarmKind
	before, after time.Duration // on the way there and back
	copied        time.Duration // another copy comes after that; 0: none does
	text          string        // of a refusal
	bits          uint64        // of harmAgain: which requests
	bytes         uint64        // stands for the command
}

// simFaults decides about harm.
type simFaults struct {
	seed   uint64
	chance int // of a script call to come to harm, in a thousand
	copies int // of a call whose answer is lost to come again, in a hundred
}

func newSimFaults(seed uint64) simFaults {
	random := rand.New(rand.NewPCG(seed, 1))
	return simFaults{
		seed: seed, chance: []int{0, 30, 120, 300}[random.IntN(4)], copies: random.IntN(90),
	}
}

// of returns the harm for a command that comes at this moment: the same for the same seed, moment
// and bytes.
func (f simFaults) of(command []string, calm bool) simHarm {
	sum := fnv.New64a()
	for _, part := range command {
		_, _ = sum.Write([]byte(part))
		_, _ = sum.Write([]byte{0})
	}
	bytes := sum.Sum64()
	random := rand.New(rand.NewPCG(f.seed^bytes, uint64(time.Now().UnixNano())))
	within := func(from, to time.Duration) time.Duration {
		return from + time.Duration(random.Int64N(int64(to-from)))
	}
	harm := simHarm{
		bytes:  bytes,
		before: within(20*time.Microsecond, 4*time.Millisecond),
		after:  within(20*time.Microsecond, 4*time.Millisecond),
	}
	isScript := command[0] == "evalsha" || command[0] == "EVALSHA"
	odds := f.chance
	if !isScript { // a connection takes dozens of them to come up
		odds /= 20
	}
	if command[0][0] == 'z' { // a look is a pipeline of ten
		harm.before, harm.after = 0, 0
	}
	if calm || random.IntN(1000) >= odds {
		return harm
	}
	kinds := []simHarmKind{harmSlow, harmDropBefore, harmSilence}
	if isScript {
		kinds = []simHarmKind{
			harmSlow, harmLate, harmDropBefore, harmDropAfter, harmDropAfter, harmSilence, harmHalf,
			harmFlush, harmRefusal, harmPoison, harmAgain,
		}
	}
	harm.kind = kinds[random.IntN(len(kinds))]
	harm.bits = random.Uint64()
	harm.text = [...]string{
		"OOM command not allowed when used memory > 'maxmemory'.",
		"READONLY You can't write against a read only replica.",
		"NOREPLICAS Not enough good replicas to write.",
		"MISCONF Redis is configured to save RDB snapshots, but it cannot.",
		"LOADING Redis is loading the dataset in memory",
	}[random.IntN(5)]
	switch harm.kind {
	case harmSlow:
		harm.before, harm.after = within(0, simCallTimeout/2), within(0, simCallTimeout/2)
	case harmLate:
		harm.before = within(simCallTimeout, 4*simCallTimeout)
	case harmDropBefore, harmDropAfter, harmSilence, harmHalf:
		if isScript && random.IntN(100) < f.copies {
			harm.copied = harm.before + within(time.Millisecond, 3*simCallTimeout)
		}
	case harmNone, harmFlush, harmRefusal, harmPoison, harmAgain, harmCopy, harmKinds:
	}
	return harm
}

// breaks returns after how long a connection is heard to break that a command goes over.
func (f simFaults) breaks(command []string) time.Duration {
	sum := fnv.New64a()
	for _, part := range command {
		_, _ = sum.Write([]byte(part))
	}
	return time.Duration(sum.Sum64()%1_000_000) + 1
}

// simStrike is harm to the whole store at a moment of the run.
type simStrike struct {
	at   time.Duration
	name string
	do   func(s *simServer)
}

// strikes returns what the seed has in store.
func (f simFaults) strikes() []simStrike {
	random := rand.New(rand.NewPCG(f.seed, 2))
	if f.chance == 0 {
		return nil
	}
	var list []simStrike
	at := time.Duration(0)
	for range random.IntN(5) {
		at += time.Duration(random.Int64N(int64(time.Second))) + 1
		away := time.Duration(random.Int64N(int64(simCallTimeout)))
		loading := time.Duration(random.Int64N(int64(simCallTimeout)))
		step := time.Duration(random.Int64N(int64(2 * time.Second)))
		list = append(list, []simStrike{
			{at, "restart", func(s *simServer) { s.restart(away, loading) }},
			{at, "clients killed", func(s *simServer) { s.locked(s.killAll) }},
			{at, "scripts flushed", func(s *simServer) { s.locked(func() { clear(s.loaded) }) }},
			{at, "clock stepped", func(s *simServer) { s.locked(func() { s.skew += step }) }},
		}[random.IntN(4)])
	}
	return list
}

func (s *simServer) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}
