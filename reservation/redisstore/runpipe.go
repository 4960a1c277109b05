package redisstore

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// runPipe runs a pipeline and returns the first error. Where the store refuses what a new
// connection is greeted with, the client (go-redis 9.23) returns that and leaves the commands as if
// they had been answered with nothing; here every one of them gets the error.
func runPipe(ctx context.Context, pipe redis.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	failed := func(cmd redis.Cmder) bool { return cmd.Err() != nil }
	if err != nil && !slices.ContainsFunc(cmds, failed) {
		for _, cmd := range cmds {
			cmd.SetErr(err)
		}
	}
	return err
}
