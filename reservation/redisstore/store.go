package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/holdfast-dev/holdfast/reservation"
)

// Store is a [reservation.Store] on Redis. It is safe for concurrent use; many of them, in many
// processes, may share one Redis.
type Store struct {
	options Options
	where   location // of a real store that is no cluster
	engine  engine
	client  redis.UniversalClient // for plain commands on keys, wherever they are
	keys    keyspace
	// stocksKey is the key of the set of stocks.
	stocksKey string
	encoders  encoderPool
	stocks    stocks
	feeds     feeds
	fences    fences
	server    any // options.Server, as an argument

	cluster     *cluster // the engine of a cluster; nil: it is none
	maintenance *maintenance
	watchClient redis.UniversalClient // its connections block

	closeEmbedded func() // of the embedded store; nil otherwise
	stop          context.CancelFunc
	background    sync.WaitGroup
}

var _ reservation.Store = (*Store)(nil)

// Open connects to the Redis or Valkey at options.URL. A store that is too old, evicts keys, keeps
// less than options.Durability asks, is a replica or cannot be reached is refused with an error
// that says what to change.
func Open(ctx context.Context, options Options) (*Store, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	texts, err := joinScripts(true, options)
	if err != nil {
		return nil, err
	}
	s := newStore(options)
	if isClusterURL(options.URL) {
		err = s.connectCluster(texts)
	} else {
		err = s.connect(texts)
	}
	if err != nil {
		return nil, err
	}
	if err := s.checkNow(ctx); err != nil {
		_ = errors.Join(s.client.Close(), s.watchClient.Close())
		return nil, err
	}
	s.startBackground() //nolint:contextcheck // it outlives the call that opens the store
	return s, nil
}

// connect makes the clients of a store that is one process.
func (s *Store) connect(texts []scriptText) error {
	where, err := locate(s.options.URL, s.options.CallTimeout)
	if err != nil {
		return err
	}
	where.config.OnConnect = s.onConnect
	if s.options.dial != nil {
		where.config.Dialer = s.options.dial
		// With a pool for pipelines, and one for all else, a run is the same again whoever comes first.
		where.config.PipelinePoolSize = 0
	}
	s.where, s.watchClient = where, where.forWatching().client()
	s.useSingle(where.client(), texts)
	return nil
}

// onConnect looks at the store on every new connection. The client runs it on those to Sentinels as
// well, which are no stores.
func (s *Store) onConnect(ctx context.Context, conn *redis.Conn) error {
	if s.where.isNamedBySentinels() {
		if is, err := isSentinel(ctx, conn); is || err != nil {
			return err
		}
	}
	_, err := s.greet(ctx, s.engine.known()[0], conn)
	return err
}

// useSingle makes a client's store the only one.
func (s *Store) useSingle(client *redis.Client, texts []scriptText) {
	s.client, s.engine = client, &single{newNode(client, texts, s.options)}
}

// clientLogger takes what the Redis client has to say about its connections. Calls report their own
// failures, so this is for looking closer.
type clientLogger struct{ logger *slog.Logger }

// Printf takes one message.
func (l clientLogger) Printf(ctx context.Context, format string, args ...any) {
	l.logger.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, args...))
}

// newStore returns a store that lacks its client. The client's logger is one for the whole process:
// the newest store has it.
func newStore(options Options) *Store {
	redis.SetLogger(clientLogger{options.Logger})
	s := &Store{options: options, keys: keyspace{options.Prefix}, server: options.Server}
	s.stocksKey = s.keys.stocks()
	s.fences = fences{
		logger: options.Logger, known: make(map[reservation.StockID]knownFence),
	}
	s.maintenance = newMaintenance(s)
	s.feeds.byStock = make(map[reservation.StockID]*feed)
	s.stocks = stocks{
		batchers: make(map[reservation.StockID]*batcher),
		open: func(stock reservation.StockID) *batcher {
			keys := s.keys.of(stock)
			return &batcher{
				stock: stock, keys: keys, fixed: keys.fixed(), send: s.sendBatch,
				limit: options.CallTimeout,
				hold:  s.stocks.hold, letGo: s.stocks.release,
			}
		},
	}
	return s
}

// Ready returns nil while the store can be reached and keeps what it must; of a cluster that is
// wanted of one primary, for a server that serves the stocks of some is better than none.
func (s *Store) Ready(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	defer cancel()
	nodes := s.engine.known()
	answers := make(chan error, len(nodes)) // one that hangs holds up nobody
	for _, n := range nodes {
		go func() { answers <- s.readyAt(asking, n) }()
	}
	err := errNotPrimary
	for range nodes {
		answer := <-answers
		if answer == nil {
			return nil
		}
		if !errors.Is(answer, errNotPrimary) {
			err = answer
		}
	}
	return s.failure(ctx, err)
}

// readyAt returns nil while a node can be reached and may be used.
func (s *Store) readyAt(ctx context.Context, n *node) error {
	if !n.isPrimary.Load() {
		return errNotPrimary
	}
	if err := n.health.err(); err != nil {
		return err
	}
	return n.client.Ping(ctx).Err()
}

// Close ends the background work and closes the connections. Calls must have ended before.
func (s *Store) Close(_ context.Context) error {
	s.stop()
	s.stopFeeds()
	s.background.Wait()
	err := errors.Join(s.client.Close(), s.watchClient.Close())
	if s.closeEmbedded != nil {
		s.closeEmbedded()
	}
	if err != nil {
		return fmt.Errorf("close connections: %w", err)
	}
	return nil
}

// startBackground starts the work that goes on between calls.
func (s *Store) startBackground() {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	if s.options.quiet {
		return
	}
	if s.closeEmbedded == nil { // the embedded one has nothing to be asked
		s.background.Go(func() { s.watchHealth(ctx) })
	}
	s.maintenance.start(ctx)
}

// change sends one mutating operation and returns its reply, or the refusal that it stands for.
// creates says that the call may be the first write to its stock.
func (s *Store) change(
	ctx context.Context, stock reservation.StockID, op *operation, creates bool,
) (*reply, error) {
	b := s.stocks.acquire(stock)
	defer s.stocks.release(b)
	if creates {
		if err := s.register(ctx, b); err != nil {
			return nil, err
		}
	}
	r, err := b.do(ctx, op)
	if err != nil {
		return nil, err
	}
	if r.sequence > 0 {
		s.registerWritten(ctx, b)
	}
	return r, r.refusal()
}

// readFresh runs a script that reads figures, so that no hold that is due counts in its answer: it
// reclaims what is due first, as any call may. Where that cannot be done, as on a store that takes
// no writes, the answer is what there is.
func (s *Store) readFresh(
	ctx context.Context, name scriptName, stock reservation.StockID, args ...any,
) (*reply, error) {
	r, err := s.read(ctx, name, stock, nil, args...)
	for r != nil && r.holdsDue {
		step, sweepErr := s.sweep(ctx, stock, true, false)
		if sweepErr != nil {
			return r, err
		}
		if !step.more {
			return s.read(ctx, name, stock, nil, args...)
		}
	}
	return r, err
}

// read runs one of the scripts that only read.
func (s *Store) read(
	ctx context.Context, name scriptName, stock reservation.StockID, keys []string, args ...any,
) (*reply, error) {
	fixed := s.keys.of(stock).fixed()
	keys = append(fixed[:], keys...)
	args = append(append(s.callHeader(), 1), args...)
	n, asked, answer, err := s.runRead(ctx, name, keys, args)
	if err != nil {
		return nil, s.readFailure(ctx, name, err)
	}
	replies, now, err := openAnswer(answer, 1)
	if err != nil {
		return nil, internal(err)
	}
	n.clock.tell(now, asked)
	r := new(reply)
	if err := r.open(now, replies[0]); err != nil {
		return nil, internal(err)
	}
	r.holdsDue = answer[1] == int64(1)
	return r, r.refusal()
}

// runRead runs a reading script where its stock is, within the time that a call may take.
func (s *Store) runRead(
	ctx context.Context, name scriptName, keys []string, args []any,
) (n *node, asked time.Time, answer []any, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.CallTimeout)
	defer cancel()
	for turns := 1; ; turns++ {
		if n, err = s.fitNode(ctx, keys[0]); err != nil {
			return nil, asked, nil, err
		}
		asked = time.Now()
		answer, err = s.readAt(ctx, n, name, keys, args)
		if err == nil || classify(err) != failedTurnedAway || !s.askAgain(ctx, turns) {
			return n, asked, answer, err
		}
	}
}

// readAt runs a reading script on a node.
func (s *Store) readAt(
	ctx context.Context, n *node, name scriptName, keys []string, args []any,
) ([]any, error) {
	set, err := s.scriptsOf(ctx, n)
	if err != nil {
		return nil, err
	}
	answer, err := n.client.EvalSha(ctx, set.byName[name].sha, keys, args...).Slice()
	if err == nil || classify(err) != failedNoScript {
		return answer, err
	}
	// The process is another one, or somebody flushed its scripts.
	conn := n.client.Conn()
	defer func() { _ = conn.Close() }() // it goes back to the others
	if set, err = s.greet(ctx, n, conn); err != nil {
		return nil, err
	}
	return conn.EvalSha(ctx, set.byName[name].sha, keys, args...).Slice()
}

// readFailure turns an error of a reading script into a reason. Nothing was changed whatever it
// was.
func (s *Store) readFailure(ctx context.Context, name scriptName, err error) error {
	var answered redis.Error
	if ok := asRedisError(err, &answered); ok && isScriptFault(err) && !isTurnedAway(err) {
		s.options.Logger.Error("a script failed", "script", name, "error", err)
		return internal(err)
	}
	return s.failure(ctx, err)
}
