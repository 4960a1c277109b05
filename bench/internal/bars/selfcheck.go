package bars

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-dev/holdfast/bench/internal/arm"
	"github.com/holdfast-dev/holdfast/bench/internal/conform"
	"github.com/holdfast-dev/holdfast/bench/internal/lab"
	"github.com/holdfast-dev/holdfast/bench/internal/pgstore"
)

// conformCalls is how many random calls each arm answers as the model does before it is measured.
const conformCalls = 400

// SelfCheck holds every arm that keeps anything against the model of the contract.
func SelfCheck(ctx context.Context, in *lab.Lab, plan Plan) (err error) {
	scope := in.Scope()
	defer func() { err = errors.Join(err, scope.Close()) }()
	redis, err := scope.Redis(ctx, lab.RedisOptions{})
	if err != nil {
		return err
	}
	postgres, err := scope.Postgres(ctx)
	if err != nil {
		return err
	}
	url, err := postgres.Database(ctx, "conform")
	if err != nil {
		return err
	}
	if err := pgstore.Prepare(ctx, url); err != nil {
		return err
	}
	all := conform.Abilities{Partial: true, Fills: true, Expires: true}
	for i, checked := range []struct {
		config arm.Config
		can    conform.Abilities
	}{
		{arm.Config{Arm: arm.Ours, Store: redis.URL}, all},
		{arm.Config{Arm: arm.Naive, Store: redis.URL}, conform.Abilities{}},
		{arm.Config{Arm: arm.Postgres, Store: url, Pool: 2}, all},
		{arm.Config{Arm: arm.PostgresBatched, Store: url, Pool: 2, Lanes: 1}, all},
	} {
		server, err := scope.Serve(ctx, checked.config, nil)
		if err != nil {
			return err
		}
		oracle, err := scope.Serve(ctx, arm.Config{Arm: arm.Model}, nil)
		if err != nil {
			return err
		}
		// Each arm in a stock of its own.
		seed := uint64(i + 1)
		err = conform.Check(ctx, server.Conn, oracle.Conn, checked.can, seed, conformCalls)
		if err != nil {
			return fmt.Errorf("arm %s does not do the contract's work: %w", checked.config.Arm, err)
		}
	}
	plan.Say(fmt.Sprintf("every arm answers %d random calls as the contract's model does",
		conformCalls))
	return nil
}
