package redisstore

import "testing"

// TestTurns_FewAreToldAtOnceAndManyOneAfterAnother joins watchers: the first are of one group,
// later ones spread, and who leaves makes room.
func TestTurns_FewAreToldAtOnceAndManyOneAfterAnother(t *testing.T) {
	t.Parallel()
	var turns turns
	for n := range turnWatchers {
		if group := turns.join(); group != 0 {
			t.Errorf("watcher %d is of group %d", n, group)
		}
	}
	for range (feedTurns - 1) * turnWatchers {
		turns.join()
	}
	for group := range turns {
		if got := turns[group].watchers; got != turnWatchers {
			t.Errorf("%d watchers are of group %d", got, group)
		}
	}
	turns.leave(7)
	if group := turns.join(); group != 7 {
		t.Errorf("the next is of group %d, want the smallest", group)
	}
}

// TestTurns_ToldIsWhoIsInTheGroup tells one group: its watchers wake, those of another do not, and
// an empty one has nobody to be told.
func TestTurns_ToldIsWhoIsInTheGroup(t *testing.T) {
	t.Parallel()
	var turns turns
	for range turnWatchers + 1 {
		turns.join()
	}
	first, second := turns[0].news, turns[1].news
	if !turns.tell(0) || turns.tell(2) {
		t.Error("group 0 has nobody, or group 2 somebody")
	}
	select {
	case <-first:
	default:
		t.Error("group 0 was not told")
	}
	select {
	case <-second:
		t.Error("group 1 was told with group 0")
	default:
	}
	turns.tellAll()
	select {
	case <-second:
	default:
		t.Error("group 1 was not told with all")
	}
	turns.leave(1)
	if turns.tell(1) {
		t.Error("group 1 is empty")
	}
}
