// Package pgstore is a store over PostgreSQL, as good as that design honestly gets: what Holdfast
// is measured against. It has the calls that the bars need.
package pgstore

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-dev/holdfast/reservation"
)

//go:embed schema.sql
var schema string

//go:embed reserve.sql
var reserveFunction string

//go:embed reserve_one.sql
var reserveOneFunction string

//go:embed stock.sql
var stockFunctions string

// callTimeout is how long a call may take: later it has no effect any more.
const callTimeout = 2 * time.Second

// Options say how to reach a database.
type Options struct {
	URL string
	// Pool is how many connections there are.
	Pool int
	// Lanes is how many batches of a stock are under way at once; 0: every reservation is a call of
	// its own.
	Lanes int
}

// Store is a store over PostgreSQL. It has Reserve, Restock, SetPolicy, SetDefaultPolicy and Items;
// a call of another kind panics.
type Store struct {
	reservation.Store
	options Options
	pool    *pgxpool.Pool

	mu       sync.Mutex
	stocks   map[reservation.StockID]int64
	batchers map[int64]*batcher
}

// Prepare makes the tables and functions in an empty database.
func Prepare(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is under way
	for _, text := range []string{schema, reserveFunction, reserveOneFunction, stockFunctions} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return fmt.Errorf("make the tables and functions: %w", err)
		}
	}
	return nil
}

// Empty forgets everything that a database holds.
func Empty(ctx context.Context, url string) error {
	return run(ctx, url, "TRUNCATE stock, item, reservation, queue, request, journal")
}

// Settle tells the planner what a stock looks like that was just filled, as the server's own
// housekeeping would in time: planned for an empty table, every call would read all of its SKUs.
func Settle(ctx context.Context, url string) error {
	return run(ctx, url, "VACUUM (ANALYZE) stock, item")
}

func run(ctx context.Context, url, statement string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is under way
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// Open connects to a prepared database.
func Open(ctx context.Context, options Options) (*Store, error) {
	config, err := pgxpool.ParseConfig(options.URL)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	config.MaxConns, config.MinConns = int32(options.Pool), int32(options.Pool)
	// One plan for all calls: the tables are known, and nothing is planned twice.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	// The tables begin empty, and a plan made then would read a table from end to end for ever.
	for _, other := range []string{"seqscan", "hashjoin", "mergejoin", "material"} {
		config.ConnConfig.RuntimeParams["enable_"+other] = "off"
	}
	config.ConnConfig.RuntimeParams["jit"] = "off"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &Store{
		options: options, pool: pool,
		stocks: map[reservation.StockID]int64{}, batchers: map[int64]*batcher{},
	}, nil
}

// Close closes the connections. Calls must have ended before.
func (s *Store) Close() {
	s.mu.Lock()
	for _, b := range s.batchers {
		b.close()
	}
	s.mu.Unlock()
	s.pool.Close()
}

// stock returns the number of a stock; 0 of one that does not exist and is not to be created.
func (s *Store) stock(
	ctx context.Context, stock reservation.StockID, create bool,
) (int64, error) {
	s.mu.Lock()
	id := s.stocks[stock]
	s.mu.Unlock()
	if id != 0 {
		return id, nil
	}
	if create {
		if _, err := s.pool.Exec(ctx, "INSERT INTO stock (name) VALUES ($1) ON CONFLICT DO NOTHING",
			stock.String()); err != nil {
			return 0, internal(err)
		}
	}
	rows, err := s.pool.Query(ctx, "SELECT id FROM stock WHERE name = $1", stock.String())
	if err != nil {
		return 0, internal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, internal(err)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stocks[stock] = ids[0]
	return ids[0], nil
}

func internal(cause error) error {
	return &reservation.Error{Reason: reservation.ReasonInternal, Cause: cause}
}
