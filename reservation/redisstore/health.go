package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// healthInterval is how often the store's settings are looked at again, besides on every new
// connection; unfitInterval while it is not fit for use, so that it is not missed for long.
const (
	healthInterval = time.Second
	unfitInterval  = 100 * time.Millisecond
)

// oldestRedis is the first release that checks a script's flags before it runs (scripts with a
// shebang).
const oldestRedis = 7

// health is whether the store may be used.
type health struct {
	mu      sync.Mutex
	verdict error // nil: fit for use
}

// err returns why the store may not be used, as a [reservation.Error]; nil when it may.
func (h *health) err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.verdict
}

func (h *health) set(verdict error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.verdict = verdict
}

// errUnfit marks errors of a store that answers but may not be used.
var errUnfit = errors.New("store is not fit for use")

// unfit makes the verdict on a store; what says what to change.
func unfit(reason reservation.Reason, what string, args ...any) error {
	return &reservation.Error{
		Reason: reason,
		Cause:  &ConfigurationError{what: fmt.Sprintf(what, args...), cause: errUnfit},
	}
}

// greet asks over a connection which process answers and what it keeps, loads the scripts that this
// process lacks and returns them. conn stays the same connection from command to command.
func (s *Store) greet(ctx context.Context, n *node, conn *redis.Conn) (*scriptSet, error) {
	if s.closeEmbedded != nil { // it is the same for ever, and has no INFO to speak of
		set := n.scripts.present()
		return set, loadMissing(ctx, conn, set)
	}
	process, err := s.inspect(ctx, n, conn)
	n.isPrimary.Store(!errors.Is(err, errNotPrimary))
	if errors.Is(err, errNotPrimary) {
		n.health.set(nil) // what was wrong with it as a primary is looked at when it is one again
	}
	if err == nil {
		err = s.confirm(ctx, n, conn, process)
	}
	if err != nil {
		var verdict *reservation.Error
		if errors.Is(err, errUnfit) && errors.As(err, &verdict) {
			n.health.set(verdict)
			// Nobody else is to get this connection: the next one may lead to another process.
			_ = conn.Do(ctx, "QUIT").Err() // gone already is as good
		}
		return nil, err
	}
	set, err := n.scripts.meet(process)
	if err != nil {
		return nil, err
	}
	n.health.set(nil)
	return set, loadMissing(ctx, conn, set)
}

// inspect asks the store what it is and holds it against what it must be.
func (s *Store) inspect(
	ctx context.Context, n *node, conn redis.Cmdable,
) (process string, err error) {
	asked := time.Now()
	pipe := conn.Pipeline()
	infoCmd := pipe.Info(ctx)
	timeCmd := pipe.Time(ctx)
	configCmd := pipe.Do(ctx, "CONFIG", "GET", "maxmemory-policy", "appendonly", "appendfsync",
		"no-appendfsync-on-rewrite")
	_ = runPipe(ctx, pipe) // each command's own error is looked at
	if err := infoCmd.Err(); err != nil {
		return "", fmt.Errorf("ask the store what it is: %w", err)
	}
	if told, err := timeCmd.Result(); err == nil {
		n.clock.tell(told.UnixMilli(), asked)
	}
	info := parseInfo(infoCmd.Val())
	settings, err := settingsOf(configCmd, info)
	if err != nil {
		return "", err
	}
	if err := judgeMode(info, s.cluster != nil); err != nil {
		return "", err
	}
	if err := judge(info, settings, s.options.Durability); err != nil {
		return "", err
	}
	return info["run_id"], s.judgeReplicas(n, info)
}

// parseInfo reads INFO's lines of "name:value".
func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			info[name] = value
		}
	}
	return info
}

// settingsOf returns the settings that matter. Where CONFIG is forbidden, as hosted stores do, INFO
// tells some of them; appendfsync stays unknown there.
func settingsOf(config *redis.Cmd, info map[string]string) (map[string]string, error) {
	settings := map[string]string{"maxmemory-policy": info["maxmemory_policy"]}
	if info["aof_enabled"] == "1" {
		settings["appendonly"] = "yes"
	}
	flat, err := config.StringSlice()
	var refused redis.Error
	switch {
	case err == nil:
	case asRedisError(err, &refused):
		return settings, nil
	default:
		return nil, fmt.Errorf("ask the store for its settings: %w", err)
	}
	for i := 0; i+1 < len(flat); i += 2 {
		settings[flat[i]] = flat[i+1]
	}
	return settings, nil
}

// judge says why a store may not be used, nil when it may.
func judge(info, settings map[string]string, durability Durability) error {
	major, _, _ := strings.Cut(info["redis_version"], ".")
	if version, err := strconv.Atoi(major); err != nil || version < oldestRedis {
		return unfit(reservation.ReasonStoreUnavailable,
			"Redis %s is too old: use Redis %d.0 or newer, or Valkey", info["redis_version"], oldestRedis)
	}
	if saysSentinel(info) {
		return unfit(reservation.ReasonStoreUnavailable, "this is a Sentinel and not a Redis: "+
			"name it as redis+sentinel://[user:password@]host:port/primary[/database]")
	}
	if info["role"] == "slave" {
		return unfit(reservation.ReasonStoreUnavailable,
			"this Redis is a replica: point Holdfast at its primary")
	}
	if policy := settings["maxmemory-policy"]; policy != "noeviction" {
		return unfit(reservation.ReasonStoreUnavailable,
			"Redis would evict keys when it is full, and stock with them (maxmemory-policy is %q): "+
				"set maxmemory-policy to noeviction", policy)
	}
	switch durability {
	case DurabilityNone:
		return nil
	case DurabilityFsync, DurabilityReplica:
		return judgeFsync(settings, durability)
	}
	return nil
}

// judgeMode says why a store cannot be used in the way that the URL says. That a node of a cluster
// is a replica is nothing to mend.
func judgeMode(info map[string]string, asCluster bool) error {
	isCluster := info["cluster_enabled"] == "1"
	switch {
	case isCluster && !asCluster:
		return unfit(reservation.ReasonStoreUnavailable,
			"this Redis is a node of a cluster: name the cluster, as in redis+cluster://host:port")
	case !isCluster && asCluster:
		return unfit(reservation.ReasonStoreUnavailable,
			"this Redis is not part of a cluster: name it as in redis://host:port")
	case isCluster && info["role"] == "slave":
		return errNotPrimary
	}
	return nil
}

// judgeFsync says why a store does not keep every acknowledged change on disk. Replicas do not make
// up for it: a primary that comes back before one of them is promoted has only its own file, and
// they copy what it has.
func judgeFsync(settings map[string]string, durability Durability) error {
	const otherwise = ", or start Holdfast with --durability none if you can lose acknowledged changes"
	if settings["appendonly"] != "yes" {
		return unfit(reservation.ReasonStoreNotDurable,
			"Redis keeps no append-only file, and --durability %v needs one: set appendonly to yes"+
				otherwise, durability)
	}
	if fsync, ok := settings["appendfsync"]; ok && fsync != "always" {
		return unfit(reservation.ReasonStoreNotDurable,
			"Redis does not write to disk before it answers (appendfsync is %q): "+
				"set appendfsync to always"+otherwise, fsync)
	}
	if onRewrite, ok := settings["no-appendfsync-on-rewrite"]; ok && onRewrite != "no" {
		return unfit(reservation.ReasonStoreNotDurable,
			"Redis stops writing to disk while it rewrites its append-only file: "+
				"set no-appendfsync-on-rewrite to no"+otherwise)
	}
	return nil
}

// checkNow looks at the store once, for the start.
func (s *Store) checkNow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.CallTimeout+dialTimeout)
	defer cancel()
	if s.cluster != nil {
		return s.checkCluster(ctx)
	}
	n := s.engine.known()[0]
	err := n.client.Ping(ctx).Err()
	if verdict := n.health.err(); verdict != nil {
		return verdict
	}
	if err == nil {
		return nil
	}
	return s.cannotUse(s.where.String(), err)
}

// cannotUse says why the store at a place does not serve.
func (s *Store) cannotUse(place string, err error) error {
	var answered redis.Error
	if asRedisError(err, &answered) && isRefusedLogin(err) {
		return misconfigured("%s does not take the user, password or database of "+
			"--redis (HOLDFAST_REDIS_URL): %v", place, answered)
	}
	if s.where.isNamedBySentinels() && errors.Is(err, redis.Nil) {
		return misconfigured("the Sentinels at %s know no primary %q: correct its name in --redis "+
			"(HOLDFAST_REDIS_URL)", strings.Join(s.where.sentinels, ", "), s.where.primary)
	}
	return fmt.Errorf("cannot use %s: %w; "+
		"start it, or correct --redis (HOLDFAST_REDIS_URL)", place, err)
}

// isRefusedLogin says whether a store refuses who asks, or the database that is asked for.
func isRefusedLogin(err error) bool {
	for _, refusal := range []string{
		"WRONGPASS", "NOAUTH", "NOPERM", "DB index is out of range", "AUTH <password>",
	} {
		if strings.Contains(err.Error(), refusal) {
			return true
		}
	}
	return false
}

// watchHealth looks at the store's settings from time to time: someone may change them.
func (s *Store) watchHealth(ctx context.Context) {
	ticker := time.NewTicker(unfitInterval)
	defer ticker.Stop()
	looked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if s.isFit() && time.Since(looked) < healthInterval {
			continue
		}
		looked = time.Now()
		s.lookAtAll(ctx)
	}
}

// isFit says whether every node was fit for use when it was last looked at.
func (s *Store) isFit() bool {
	for _, n := range s.engine.known() {
		if n.health.err() != nil {
			return false
		}
	}
	return true
}

// loadMissing loads those scripts of a set that the process at a connection does not have.
func loadMissing(ctx context.Context, conn redis.Cmdable, set *scriptSet) error {
	names := allScripts()
	shas := make([]string, len(names))
	for i, name := range names {
		shas[i] = set.byName[name].sha
	}
	loaded, err := conn.ScriptExists(ctx, shas...).Result()
	if err != nil {
		return fmt.Errorf("look for the scripts: %w", err)
	}
	pipe := conn.Pipeline()
	for i, name := range names {
		if !loaded[i] {
			pipe.ScriptLoad(ctx, set.byName[name].source)
		}
	}
	if err := runPipe(ctx, pipe); err != nil {
		return fmt.Errorf("load the scripts: %w", err)
	}
	return nil
}

// asRedisError says whether err is an answer of the store, not of the connection.
func asRedisError(err error, answered *redis.Error) bool {
	return errors.As(err, answered) && !errors.Is(err, redis.Nil)
}

// isScriptFault says whether an answer is about the script itself, not about the state of the
// store.
func isScriptFault(err error) bool {
	return strings.HasPrefix(err.Error(), "ERR ") || strings.HasPrefix(err.Error(), "WRONGTYPE") ||
		strings.HasPrefix(err.Error(), "HF")
}
