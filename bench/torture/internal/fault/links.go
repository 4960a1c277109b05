package fault

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

// slowest is how long a slow connection holds something up at most: longer than callers wait.
func slowest(timeout time.Duration) time.Duration { return timeout * 3 / 2 }

// links returns what is done to connections: to those between servers and store, and to those
// between callers and servers.
func links() []Scenario {
	var list []Scenario
	for _, link := range []struct {
		name string
		of   func(s *stage) *rig.Proxy
	}{
		{"redis-link", (*stage).toRedis},
		{"client-link", (*stage).toServer},
	} {
		list = append(list,
			Scenario{
				Name: link.name + "-reset", Durability: fsync, felt: disturbed,
				harm: func(ctx context.Context, s *stage) error {
					return reset(ctx, s, link.of(s))
				},
			},
			Scenario{
				Name: link.name + "-slow", Durability: fsync, felt: disturbed, isSlow: true,
				harm: func(ctx context.Context, s *stage) error {
					return slow(ctx, s, link.of(s))
				},
			},
			Scenario{
				Name: link.name + "-cut", Durability: fsync, felt: disturbed,
				harm: func(ctx context.Context, s *stage) error {
					return cut(ctx, s, link.of(s))
				},
			},
		)
	}
	return list
}

// toRedis returns one server's way to the store.
func (s *stage) toRedis() *rig.Proxy { return s.ToRedis[s.random.IntN(len(s.ToRedis))] }

// toServer returns the callers' way to one server.
func (s *stage) toServer() *rig.Proxy { return s.ToServers[s.random.IntN(len(s.ToServers))] }

// spoil has a toxic work for a while.
func spoil(ctx context.Context, proxy *rig.Proxy, toxic rig.Toxic, d time.Duration) error {
	mend, err := proxy.Add(toxic)
	if err != nil {
		return err
	}
	rest(ctx, d)
	return mend(ctx)
}

// either returns one of the ways through a proxy.
func (s *stage) either() rig.Direction {
	if s.random.IntN(2) == 0 {
		return rig.Requests
	}
	return rig.Answers
}

// between returns a random time.
func (s *stage) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.random.Int64N(int64(most-least)))
}

// reset resets connections when something comes through, or closes all and refuses others for a
// moment.
func reset(ctx context.Context, s *stage, proxy *rig.Proxy) error {
	var err error
	if s.random.IntN(3) == 0 {
		mend := proxy.Cut()
		rest(ctx, s.between(10*time.Millisecond, 60*time.Millisecond))
		err = mend()
	} else {
		err = spoil(ctx, proxy, rig.Toxic{
			Kind: "reset_peer", Direction: s.either(),
			Attributes: map[string]int{"timeout": s.random.IntN(10)},
		}, s.between(20*time.Millisecond, 100*time.Millisecond))
	}
	rest(ctx, s.between(30*time.Millisecond, 120*time.Millisecond))
	return err
}

// slow holds everything up, for longer than callers wait or for less, and hands it on in crumbs.
func slow(ctx context.Context, s *stage, proxy *rig.Proxy) error {
	way := s.either()
	crumbs, err := proxy.Add(rig.Toxic{Kind: "slicer", Direction: way, Attributes: map[string]int{
		"average_size": 200, "size_variation": 100, "delay": 50, // microseconds
	}})
	if err != nil {
		return err
	}
	most := slowest(s.options.Timeout)
	half := int((most / 2).Milliseconds())
	err = spoil(ctx, proxy, rig.Toxic{Kind: "latency", Direction: way, Attributes: map[string]int{
		"latency": half, "jitter": half - 1,
	}}, s.between(most/2, most))
	err = errors.Join(err, crumbs(ctx))
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	return err
}

// cut ends connections in the midst of a message.
func cut(ctx context.Context, s *stage, proxy *rig.Proxy) error {
	err := spoil(ctx, proxy, rig.Toxic{
		Kind: "limit_data", Direction: s.either(),
		Attributes: map[string]int{"bytes": 1 + s.random.IntN(3_000)},
	}, s.between(30*time.Millisecond, 120*time.Millisecond))
	rest(ctx, s.between(30*time.Millisecond, 120*time.Millisecond))
	return err
}

// loseAnswers has the store do what it is asked and nobody hear of it.
func loseAnswers(ctx context.Context, s *stage) error {
	err := spoil(ctx, s.toRedis(), rig.Toxic{
		Kind: "timeout", Direction: rig.Answers, Attributes: map[string]int{"timeout": 20},
	}, s.between(40*time.Millisecond, 120*time.Millisecond))
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	return err
}

// delay holds up what one server sends to the store, for longer than the callers wait, and then
// hands it on. Through the other server it can be seen meanwhile whether anything was done, and
// that is final.
func delay(ctx context.Context, s *stage) error {
	if s.random.IntN(3) == 0 {
		return freeze(ctx, s)
	}
	late := s.options.Timeout + s.between(150*time.Millisecond, 400*time.Millisecond)
	err := spoil(ctx, s.ToRedis[0], rig.Toxic{
		Kind: "latency", Direction: rig.Requests,
		Attributes: map[string]int{"latency": int(late.Milliseconds())},
	}, late+s.between(300*time.Millisecond, 500*time.Millisecond))
	rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	return err
}
