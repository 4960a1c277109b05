package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

const (
	// waitShare is which part of a call's time a batch waits for replicas: what they lack then is
	// sent again by its id, and waited for again, while there is time.
	waitShare = 4
	// probeShare is the same of a probe, behind which nobody waits. At a waitShare a busy machine's
	// replicas were refused at start.
	probeShare = 2
	// maxReplicaLag is how long ago a replica may have reported last to be counted. Replicas report
	// every second.
	maxReplicaLag = 5
)

// replicas is what is known of the store's replicas, where a change is acknowledged only when they
// have it.
type replicas struct {
	// behind says that it is not known, or not true, that they get what is written in time.
	behind atomic.Bool
	online atomic.Int64 // connected and heard of lately
	missed atomic.Int64 // operations that they did not have in time
}

// errNotHeld is why the outcome of an operation is unknown that the primary carried out: the
// replicas did not say in time that they have it.
var errNotHeld = errors.New("too few replicas said in time that they have it")

// waitsForReplicas says whether the store acknowledges only what replicas have.
func (s *Store) waitsForReplicas() bool { return s.options.Durability == DurabilityReplica }

// waitTimeout is how long replicas may take, a share of a call's time; never 0, which would be for
// ever.
func (s *Store) waitTimeout(share time.Duration) time.Duration {
	return max(time.Millisecond, s.options.CallTimeout/share)
}

// addWait ends a batch with a wait for replicas, where it has something that they must have. It
// goes over the batch's connection, for the store counts what that connection has written. A script
// that only repeats writes for that reason; see lua/include/mark.lua.
func (s *Store) addWait(
	ctx context.Context, pipe redis.Pipeliner, groups []*group, batch []*operation,
) {
	if !s.waitsForReplicas() {
		return
	}
	for _, op := range batch {
		if op.wantsReplicas() {
			wait := pipe.Do(ctx, s.waitCommand(waitShare)...)
			for _, g := range groups {
				g.wait = wait
			}
			return
		}
	}
}

// waitCommand asks for the replicas' word that they have what this connection wrote. WAITAOF, which
// would ask for their disks, is not for batches: see docs/decisions/0006-replica.md.
func (s *Store) waitCommand(share time.Duration) []any {
	return []any{"wait", s.options.Replicas, s.waitTimeout(share).Milliseconds()}
}

// areHeld says whether as many replicas as are asked for have what was sent before the wait.
func (s *Store) areHeld(wait *redis.Cmd) bool {
	if wait == nil {
		return true
	}
	counted, err := wait.Int()
	return err == nil && counted >= s.options.Replicas
}

// wantsReplicas says whether an operation is acknowledged only when replicas have it. What the
// sweep reclaims and the purge forgets is found due again by whoever comes after a failover.
func (op *operation) wantsReplicas() bool {
	return !op.reads && op.script != scriptSweep && op.script != scriptPurge
}

// isAcknowledgedBy says whether an answer tells that the operation is done, now or before.
func (op *operation) isAcknowledgedBy(r *reply) bool {
	return op.wantsReplicas() && (r.code == codeOK || r.code == codeReplayed)
}

// isAcknowledgedBy says whether replies tell of any operation that it is done: then the wait behind
// them, if replicas answered it, was for that and for all that was written before.
func (g *group) isAcknowledgedBy(replies []any) bool {
	for i, op := range g.ops {
		values, _ := replies[i].([]any)
		if !op.wantsReplicas() || len(values) == 0 {
			continue
		}
		if code := values[0]; code == int64(codeOK) || code == int64(codeReplayed) {
			return g.wait != nil
		}
	}
	return false
}

// settleUnheld handles an operation that the primary carried out and too few replicas have: it may
// be lost with the primary, so its outcome is unknown. It is sent again by its id while there is
// time, and is acknowledged if replicas have by then what that repeats.
func (s *Store) settleUnheld(b *batcher, g *group, op *operation) (again []*operation) {
	op.lose()
	if op.repeatable && op.tries < maxTries && s.hasTimeLeft(b, op) {
		return []*operation{op}
	}
	n := b.node.Load()
	n.replicas.missed.Add(1)
	if g.wait.Err() == nil { // they were asked, and too few answered
		n.replicas.behind.Store(true)
		n.health.set(s.unfitBehind())
	}
	op.finish(nil, errNotHeld)
	return nil
}

// unfitBehind says what may be done about replicas that do not keep up.
func (s *Store) unfitBehind() error {
	return unfit(reservation.ReasonStoreNotDurable,
		"fewer than %d replicas acknowledge within %v what is written, as --durability replica needs: "+
			"see that they run and are reached, or start Holdfast with fewer --replicas or with "+
			"--durability fsync", s.options.Replicas, s.waitTimeout(probeShare))
}

// judgeReplicas says why a store's replicas are too few, nil when they are not.
func (s *Store) judgeReplicas(n *node, info map[string]string) error {
	if !s.waitsForReplicas() {
		return nil
	}
	online := countReplicas(info)
	n.replicas.online.Store(int64(online))
	if online < s.options.Replicas {
		return unfit(reservation.ReasonStoreNotDurable,
			"Redis has %d replicas in step and --durability replica needs %d: connect replicas to it "+
				"(replicaof), or start Holdfast with fewer --replicas or with --durability fsync",
			online, s.options.Replicas)
	}
	return nil
}

// countReplicas counts the replicas in INFO that are in step and were heard of lately.
func countReplicas(info map[string]string) (online int) {
	for n := 0; ; n++ {
		told, ok := info["slave"+strconv.Itoa(n)]
		if !ok {
			return online
		}
		fields := make(map[string]string)
		for field := range strings.SplitSeq(told, ",") {
			name, value, _ := strings.Cut(field, "=")
			fields[name] = value
		}
		lag, err := strconv.Atoi(fields["lag"])
		if fields["state"] == "online" && err == nil && lag <= maxReplicaLag {
			online++
		}
	}
}

// confirm has replicas acknowledge a write where it is not known that they do: at the start, with a
// new primary, and after they did not. What INFO says of them does not show it.
func (s *Store) confirm(ctx context.Context, n *node, conn pipeliner, process string) error {
	if !s.waitsForReplicas() {
		return nil
	}
	if set := n.scripts.present(); set == nil || set.process != process {
		n.replicas.behind.Store(true)
	}
	if !n.replicas.behind.Load() {
		return nil
	}
	pipe := conn.Pipeline()
	write := pipe.Set(ctx, s.keys.probe(), process, 0)
	wait := pipe.Do(ctx, s.waitCommand(probeShare)...)
	_ = runPipe(ctx, pipe) // each command's own error is looked at
	var answered redis.Error
	switch err := errors.Join(write.Err(), wait.Err()); {
	case err == nil && s.areHeld(wait):
		n.replicas.behind.Store(false)
		return nil
	case err == nil:
		return s.unfitBehind()
	case asRedisError(err, &answered):
		// It takes no writes now, being full for instance, so that there is nothing to acknowledge.
		return nil
	default:
		return fmt.Errorf("ask replicas for their word: %w", err)
	}
}
