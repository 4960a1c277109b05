package fault

import "context"

// Scenario is one kind of harm.
type Scenario struct {
	// Name is how tests, the table and docs/guarantees.md call it.
	Name string
	// Durability is what the servers were told to promise.
	Durability string

	// harm does it once and mends it.
	harm func(ctx context.Context, s *stage) error
	// felt says whether the harm did anything to anybody so far.
	felt func(ctx context.Context, s *stage) (bool, error)
	// prepare comes before the callers, afterwards after what they left open was resolved.
	prepare    func(ctx context.Context, s *stage) (any, error)
	afterwards func(ctx context.Context, s *stage) error

	replicated  bool // the store has a replica
	sentinel    bool // the servers ask a Sentinel for the store
	servers     int
	twoVersions bool
	redis       []string // arguments
	isSlow      bool     // requests may be long on their way; see slowest
	halfCancel  bool
	impatient   bool
	mayLose     bool // the durability promises nothing over this
	cluster     bool // the store is a Redis Cluster, with many stocks
}

const (
	fsync   = "fsync"
	none    = "none"
	replica = "replica"
)

// Scenarios returns all of them.
func Scenarios() []Scenario {
	list := []Scenario{
		{Name: "answer-lost", Durability: fsync, harm: loseAnswers, felt: reconnected},
		{
			Name: "late-request", Durability: fsync, harm: delay, felt: leftUnknown, servers: 2,
			impatient: true,
		},
	}
	list = append(append(list, links()...), failovers()...)
	list = append(list, clusters()...)
	return append(list,
		Scenario{
			Name: "server-killed", Durability: fsync, harm: killServer, felt: leftUnknown, servers: 2,
		},
		Scenario{
			Name: "redis-killed-fsync", Durability: fsync, harm: killRedis, felt: disturbed,
		},
		Scenario{
			Name: "redis-killed-none", Durability: none, harm: killRedisAfterSave, felt: lost,
			prepare: beginWitness, afterwards: isLossNoticed, mayLose: true, servers: 2,
		},
		Scenario{
			Name: "scripts-flushed-clients-killed", Durability: fsync, harm: flushAndKill,
			felt: answered("NOSCRIPT"),
		},
		Scenario{Name: "oom", Durability: fsync, harm: fill, felt: answered("OOM")},
		Scenario{Name: "readonly", Durability: fsync, harm: demote, felt: turnedAway},
		Scenario{
			Name: "noreplicas", Durability: fsync, harm: demandReplicas,
			felt: answered("NOREPLICAS"),
		},
		Scenario{
			Name: "misconf", Durability: fsync, harm: failSnapshot, felt: answered("MISCONF"),
			redis: []string{"--save", "86400 1"},
		},
		Scenario{
			Name: "loading", Durability: fsync, harm: killRedis, felt: answered("LOADING"),
			prepare: growFile,
		},
		Scenario{
			Name: "callers-cancel", Durability: fsync, harm: callersCancel, felt: leftUnknown,
			halfCancel: true,
		},
		Scenario{
			Name: "two-versions", Durability: fsync, harm: deploy, felt: sawBothVersions,
			twoVersions: true,
		},
	)
}

// Named returns the scenario of a name.
func Named(name string) (Scenario, bool) {
	for _, scenario := range Scenarios() {
		if scenario.Name == name {
			return scenario, true
		}
	}
	return Scenario{}, false
}

// leftUnknown says that a caller did not learn the outcome of a call.
func leftUnknown(_ context.Context, s *stage) (bool, error) {
	return s.books.Counts().Unknown > 0, nil
}

// turnedAway says that a caller was told that nothing was done.
func turnedAway(_ context.Context, s *stage) (bool, error) {
	return s.books.Counts().NothingDone > 0, nil
}

// disturbed says that a caller was told either.
func disturbed(_ context.Context, s *stage) (bool, error) {
	counts := s.books.Counts()
	return counts.NothingDone+counts.Unknown > 0, nil
}

// answered says that the store answered with an error that begins with a word.
func answered(word string) func(context.Context, *stage) (bool, error) {
	return func(ctx context.Context, s *stage) (bool, error) {
		n, err := s.Redis.Errors(ctx, word)
		return n > 0, err
	}
}

// reconnected says that servers had to connect to the store again.
func reconnected(ctx context.Context, s *stage) (bool, error) {
	n, err := s.Redis.Count(ctx, "stats", "total_connections_received")
	const atStart = 24 // the pools of a server when nothing breaks
	return n > atStart, err
}
