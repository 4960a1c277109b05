package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/holdfast-dev/holdfast/bench/torture/internal/rig"
)

// Disturb does harm to a rig, one kind after the other at random, until ctx ends: such harm as
// loses answers and leaves the store running, for a store that starts anew tells of it in its
// journals, and histories do not have that.
func Disturb(ctx context.Context, r *rig.Rig, timeout time.Duration, seed uint64) error {
	s := &stage{
		Rig: r, options: Options{Timeout: timeout}, random: rand.New(rand.NewPCG(seed, 1)),
	}
	harms := []func() error{
		func() error { return loseAnswers(ctx, s) },
		func() error { return reset(ctx, s, s.toRedis()) },
		func() error { return cut(ctx, s, s.toRedis()) },
		func() error { return reset(ctx, s, s.toServer()) },
		func() error { return cut(ctx, s, s.toServer()) },
		func() error { return flushAndKill(ctx, s) },
		func() error { return killServer(ctx, s) },
	}
	var err error
	for ctx.Err() == nil && err == nil {
		err = harms[s.random.IntN(len(harms))]()
		rest(ctx, s.between(50*time.Millisecond, 150*time.Millisecond))
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
