package redisstore

const (
	// feedTurns is in how many steps a feed's watchers are told of news, one after another within
	// [feedGather]. Fifty that are woken at once keep every core from other calls for milliseconds.
	feedTurns = 20
	// turnWatchers is how many are told at once while there are few: they need not wait for turns.
	turnWatchers = 5
)

// turns has the watchers of a feed in groups that are told of news one after another.
type turns [feedTurns]turn

// turn is one group.
type turn struct {
	watchers int
	news     chan struct{} // closed when there are news; nil while nobody is in the group
}

// join puts a watcher into the first group while that has room, then into the smallest, and returns
// which.
func (t *turns) join() int {
	group := 0
	for i := range t {
		if t[0].watchers >= turnWatchers && t[i].watchers < t[group].watchers {
			group = i
		}
	}
	if t[group].watchers++; t[group].news == nil {
		t[group].news = make(chan struct{})
	}
	return group
}

// leave takes a watcher out of its group.
func (t *turns) leave(group int) {
	if t[group].watchers--; t[group].watchers == 0 {
		t[group].news = nil
	}
}

// tell wakes a group; false when nobody is in it.
func (t *turns) tell(group int) bool {
	if t[group].watchers == 0 {
		return false
	}
	close(t[group].news)
	t[group].news = make(chan struct{})
	return true
}

// tellAll wakes everybody.
func (t *turns) tellAll() {
	for group := range t {
		t.tell(group)
	}
}
