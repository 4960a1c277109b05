package redisstore

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Durability is what an acknowledged change survives.
type Durability uint8

const (
	// DurabilityNone promises nothing beyond the life of the store's process.
	DurabilityNone Durability = iota + 1
	// DurabilityFsync promises the store's disk: appendonly yes, appendfsync always, and
	// no-appendfsync-on-rewrite no. The default.
	DurabilityFsync
	// DurabilityReplica promises the store's disk as DurabilityFsync does, and besides that the memory
	// of [Options.Replicas] replicas.
	DurabilityReplica
)

// ParseDurability reads a durability by its name: none, fsync or replica.
func ParseDurability(name string) (Durability, error) {
	for _, d := range []Durability{DurabilityNone, DurabilityFsync, DurabilityReplica} {
		if d.String() == name {
			return d, nil
		}
	}
	return 0, fmt.Errorf("durability %q is unknown: choose none, fsync or replica", name)
}

// String returns the durability's name.
func (d Durability) String() string {
	switch d {
	case DurabilityNone:
		return "none"
	case DurabilityFsync:
		return "fsync"
	case DurabilityReplica:
		return "replica"
	}
	return "unknown"
}

const (
	// DefaultCallTimeout is how long one call may take in the store.
	DefaultCallTimeout = 2 * time.Second
	// defaultJournalCap is how many events a journal keeps at least.
	defaultJournalCap = 100_000
	// dialTimeout is how long a connection may take to come up.
	dialTimeout = time.Second
	// defaultLineBudget is how many queue lines one script works off, and how many lines of due holds
	// it reclaims: fewer than [reservation.LineBudget], which the contract allows, so that a step
	// stays short also on a slow core. Longer steps reclaim faster under load and make the wait
	// behind them longer: 50, 128 and 256 lines took 11.7, 7.9 and 7.3 s for 100,000 holds, with a p99
	// of 2.3, 2.5 and 4.4 times the calm one (bar B10, November 2026).
	defaultLineBudget = 72
	// poolSize bounds the connections to one store. A stock has one batch in flight, so this many
	// stocks are served at once; a store runs scripts one at a time anyway.
	poolSize = 16
	// bufferBytes is the size of a connection's buffers: a batch and its answers go through them.
	bufferBytes = 128 << 10
	// MaxReplicas is how many replicas may be asked to have a change before it is acknowledged.
	MaxReplicas = 16
)

// Options say which store to use and what it must promise.
type Options struct {
	// URL is redis:// or rediss://, or redis+sentinel:// or rediss+sentinel:// for a primary that
	// Sentinels name; it may hold passwords and is never logged.
	URL string
	// Prefix begins every key; it may not hold a brace. Default [DefaultPrefix].
	Prefix string
	// Durability is the least that the store must be set up for. Default [DurabilityFsync].
	Durability Durability
	// Replicas is how many replicas must have a change before it is acknowledged, 1 to [MaxReplicas];
	// only with [DurabilityReplica], where the default is 1.
	Replicas int
	// Retention is how long finished reservations and request ids are remembered. Default
	// [reservation.DefaultRetention].
	Retention time.Duration
	// CallTimeout is how long one call may take in the store: later it has no effect any more.
	// Default [DefaultCallTimeout].
	CallTimeout time.Duration
	// Server names this process in what a stock keeps of a loss: 1-64 of A-Z a-z 0-9 . _ : -. Default:
	// the host's name and the process id.
	Server string
	// Logger gets what an operator should know. Default: nothing is logged.
	Logger *slog.Logger

	clock string // for tests: takes the place of lua/include/clock.lua
	// mutate, for tests, changes the text of a script's file.
	mutate func(file, text string) string
	quiet  bool // for tests: does nothing by itself between calls
	// dial, for tests, takes the place of the network.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	// walkLimit is [defaultWalkLimit] but in tests, which want several passes.
	walkLimit int
	// lineBudget is [defaultLineBudget] but in tests against the model.
	lineBudget int
	// journalCap is [defaultJournalCap] but in tests that fold a long journal from its first event.
	journalCap int64
}

// ConfigurationError is why [Open] refuses what it was given: options that cannot be, or a store
// that is reached and is not set up as it must be. A retry fails until somebody changes one of
// them.
type ConfigurationError struct {
	what  string
	cause error // nil where what says it all
}

// Error returns a sentence that says what to change.
func (e *ConfigurationError) Error() string { return e.what }

// Unwrap returns the cause, nil where there is none.
func (e *ConfigurationError) Unwrap() error { return e.cause }

func misconfigured(format string, args ...any) error {
	return &ConfigurationError{what: fmt.Sprintf(format, args...)}
}

// withDefaults fills in what is unset and refuses what cannot be.
func (o Options) withDefaults() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if strings.ContainsAny(o.Prefix, "{}") {
		return o, misconfigured("the key prefix may not hold a brace: braces mark the stock in a key")
	}
	if o.Durability == 0 {
		o.Durability = DurabilityFsync
	}
	if o.Durability == DurabilityReplica && o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.Durability != DurabilityReplica && o.Replicas != 0 {
		return o, misconfigured("replicas are only waited for with --durability replica")
	}
	if o.Replicas < 0 || o.Replicas > MaxReplicas {
		return o, misconfigured("the number of replicas is %d, must be 1 to %d", o.Replicas,
			MaxReplicas)
	}
	if o.Retention == 0 {
		o.Retention = reservation.DefaultRetention
	}
	if o.Retention < reservation.MinRetention || o.Retention > reservation.MaxRetention {
		return o, misconfigured("the retention is %v, must be %v to %v", o.Retention,
			reservation.MinRetention, reservation.MaxRetention)
	}
	if o.Server == "" {
		o.Server = serverName()
	}
	if !regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`).MatchString(o.Server) {
		return o, misconfigured("the server's name is %q, must be 1-64 of A-Z a-z 0-9 . _ : -",
			o.Server)
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.lineBudget == 0 {
		o.lineBudget = defaultLineBudget
	}
	if o.journalCap == 0 {
		o.journalCap = defaultJournalCap
	}
	if o.walkLimit == 0 {
		o.walkLimit = defaultWalkLimit
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// serverName returns the host's name and the process id.
func serverName() string {
	const longestHost = 48
	host, _ := os.Hostname() // without one the process id has to do
	host = regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(host, "-")
	return fmt.Sprintf("%s:%d", host[:min(len(host), longestHost)], os.Getpid())
}

// clientOptions sets every option of the client that matters here, each with its reason.
func clientOptions(url string, callTimeout time.Duration) (*redis.Options, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		// The parser's error would repeat the URL, and with it the password.
		return nil, misconfigured("the Redis URL is not understood: it must look like " +
			"redis://[user:password@]host:port[/database] or rediss://… for TLS")
	}
	// Our own retry knows which calls may be sent again; a blind one replays a whole pipeline.
	options.MaxRetries = -1
	// Without it a call outlives its context's deadline by the read timeout.
	options.ContextTimeoutEnabled = true
	options.DialTimeout = dialTimeout
	options.DialerRetries = 1
	options.ReadTimeout = callTimeout
	options.WriteTimeout = callTimeout
	options.PoolSize = poolSize
	// One pool: the client's second one, for pipelines, would keep connections to a store that was
	// demoted, which no look ever meets. The buffers are those that it would have.
	options.PipelinePoolSize = -1
	options.ReadBufferSize, options.WriteBufferSize = bufferBytes, bufferBytes
	options.MaxActiveConns = poolSize
	options.PoolTimeout = callTimeout
	// Answers are integers, strings and lists: RESP2 has all of them and less to parse.
	options.Protocol = 2
	// The connection check asks for what it needs; Redis 7.0 does not know CLIENT SETINFO.
	options.DisableIdentity = true
	// For Redis Enterprise only, and it needs RESP3.
	options.MaintNotificationsConfig = &maintnotifications.Config{
		Mode: maintnotifications.ModeDisabled,
	}
	return options, nil
}
