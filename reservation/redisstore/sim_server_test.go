package redisstore

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1.
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/reservation"
	"github.com/holdfast-dev/holdfast/reservation/model"
)

// simModel is what runs behind the simulated Redis.
type simModel = *model.Model

// simRetention is how long the simulated store remembers; see [Options.Retention].
const simRetention = reservation.MinRetention

// simServer is a Redis that runs the model instead of the scripts. Everything that it does to a
// connection is decided by the seed, the moment and the bytes that came, never by which connection
// or goroutine it was, so that a seed gives the same run again.
type simServer struct {
	seed   uint64
	faults simFaults
	model  simModel

	mu      sync.Mutex
	skew    time.Duration // by which the store's clock is ahead of the bubble's
	process int           // which process of the store this is, from 1
	loaded  map[string]scriptName
	stocks  []string // the set of stocks
	refuse  time.Time
	loading time.Time
	conns   map[*simConn]struct{}
	batches map[simBatch]*simConn // that carries it, or did last
	judge   simJudge
}

func newSimServer(seed uint64) *simServer {
	s := &simServer{
		seed: seed, faults: newSimFaults(seed), process: 1, loaded: map[string]scriptName{},
		conns: map[*simConn]struct{}{}, batches: map[simBatch]*simConn{},
		skew: time.Duration(seed%100_000) * time.Millisecond,
	}
	s.model = model.New(model.Options{Retention: simRetention, Now: s.lockedNow})
	s.judge.init()
	return s
}

// lockedNow is the store's clock; the model asks for it within a call, when mu is held.
func (s *simServer) lockedNow() time.Time { return time.Now().Add(s.skew) }

// errRefused is what a dialer gets while nothing listens.
var errRefused = errors.New("connection refused")

// dialer opens connections of one of the stores to the server.
func (s *simServer) dialer(
	store int,
) func(ctx context.Context, network, _ string) (net.Conn, error) {
	return func(_ context.Context, network, _ string) (net.Conn, error) {
		return s.dial(store, network) //nolint:contextcheck // what is on its way outlives who dialed
	}
}

func (s *simServer) dial(store int, network string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.refuse) {
		s.mu.Unlock()
		// The client tries again a second later: not at the moment when a server scans again.
		wait(s.faults.breaks([]string{strconv.FormatInt(time.Now().UnixNano(), 10)}))
		s.mu.Lock()
		return nil, &net.OpError{Op: "dial", Net: network, Err: errRefused}
	}
	client, server := net.Pipe()
	c := &simConn{server: s, store: store, pipe: server, commands: make(chan []string, 1024)}
	s.conns[c] = struct{}{}
	go c.read()
	go c.serve()
	return &simClientConn{Conn: client, other: c}, nil
}

// restart replaces the process by another one that has the same data: what fsync promises.
func (s *simServer) restart(away, loading time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process++
	clear(s.loaded)
	s.refuse = time.Now().Add(away)
	s.loading = s.refuse.Add(loading)
	s.killAll()
}

// killAll breaks every connection; mu is held. Nothing is done over them any more at once; those
// that someone waits on are heard to break one after the other, for what two do at the same moment
// has no order.
func (s *simServer) killAll() {
	for c := range s.conns {
		if c.current == nil {
			c.kill()
			continue
		}
		c.dead = true
		after := s.faults.breaks(c.current)
		time.AfterFunc(after, c.drop)
	}
}

func (s *simServer) runID() string { return fmt.Sprintf("process%d", s.process) }

// carryOut does what a command says and returns the answer as it goes over the wire.
func (s *simServer) carryOut(command []string, harm simHarm) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.ToUpper(command[0])
	if time.Now().Before(s.loading) && name != "INFO" && name != "CONFIG" {
		return simError("LOADING Redis is loading the dataset in memory")
	}
	switch name {
	case "EVALSHA":
		return s.evalSHA(command[1:], harm)
	case "PING", "QUIT":
		return []byte("+OK\r\n")
	case "HELLO", "CLIENT":
		return simError("ERR unknown command")
	case "INFO":
		return simValue("redis_version:7.0.15\r\nrun_id:" + s.runID() + "\r\nrole:master\r\n")
	case "CONFIG":
		return simValue([]any{
			"maxmemory-policy", "noeviction", "appendonly", "yes", "appendfsync", "always",
			"no-appendfsync-on-rewrite", "no",
		})
	case "TIME":
		now := s.lockedNow()
		return simValue([]any{
			strconv.FormatInt(now.Unix(), 10), strconv.Itoa(now.Nanosecond() / 1000),
		})
	case "SCRIPT":
		return s.script(command[1:])
	case "SADD", "SSCAN", "ZCOUNT", "ZCARD", "ZRANGE":
		return s.index(name, command[1:])
	case "HMGET": // whether a stock is fenced: the store never loses anything
		return simValue([]any{nil})
	}
	s.judge.breach("the simulation knows no %s", name)
	return simError("ERR unknown command")
}

// script answers SCRIPT LOAD and SCRIPT EXISTS.
func (s *simServer) script(args []string) []byte {
	if strings.EqualFold(args[0], "load") {
		sum := sha1.Sum([]byte(args[1])) //nolint:gosec // see the import
		sha := hex.EncodeToString(sum[:])
		if !strings.Contains(args[1], "'"+s.runID()+"'") {
			s.judge.breach("a script for another process was loaded: %s", args[1])
		}
		_, name, _ := strings.Cut(args[1], simScriptMark)
		s.loaded[sha] = scriptName(strings.TrimSpace(name))
		return simValue(sha)
	}
	found := make([]any, 0, len(args)-1)
	for _, sha := range args[1:] {
		found = append(found, boolToInt(s.loaded[sha] != ""))
	}
	return simValue(found)
}

// simScriptMark stands before a script's name in the text that the simulation has for it.
const simScriptMark = "-- simulated: "

// simScriptText takes the place of a script's file: the simulation needs no more than its name.
func simScriptText(file, _ string) string {
	if strings.HasPrefix(file, "include/") {
		return ""
	}
	return simScriptMark + strings.TrimSuffix(file, ".lua") + "\n"
}

// index answers what maintenance reads without a script.
func (s *simServer) index(name string, args []string) []byte {
	key := args[0]
	switch name {
	case "SADD":
		for _, stock := range args[1:] {
			if !slices.Contains(s.stocks, stock) {
				s.stocks = append(s.stocks, stock)
			}
		}
		slices.Sort(s.stocks)
		return simValue(1)
	case "SSCAN":
		list := make([]any, len(s.stocks))
		for i, stock := range s.stocks {
			list[i] = stock
		}
		return simValue([]any{"0", list})
	}
	_, tagged, _ := strings.Cut(key, "{")
	stockName, kind, _ := strings.Cut(tagged, "}:")
	stock, err := reservation.ParseStockID(stockName)
	if err != nil {
		s.judge.breach("a look at %s: %v", key, err)
		return simError("ERR no such stock")
	}
	seen := s.indexes(stock)
	switch kind {
	case "held": // as of the moment that the server takes for now
		at, err := strconv.ParseInt(args[2], 10, 64)
		if err != nil {
			s.judge.breach("a look at holds up to %q", args[2])
		}
		seen = s.indexesAt(stock, time.UnixMilli(at))
		return simValue(seen.Due)
	case "filling":
		return simValue(seen.Filling)
	case "finished":
		return simFirst(seen.Finished)
	case "requests":
		return simFirst(seen.Requests)
	case "committed":
		return simFirst(seen.Committed)
	}
	s.judge.breach("a look at %s", key)
	return simError("ERR no such index")
}

func (s *simServer) indexes(stock reservation.StockID) model.Indexes {
	return s.indexesAt(stock, s.lockedNow())
}

func (s *simServer) indexesAt(stock reservation.StockID, at time.Time) model.Indexes {
	seen, err := s.model.Indexes(context.Background(), stock, at)
	if err != nil {
		s.judge.breach("look at the indexes: %v", err)
	}
	return seen
}

func simFirst(score time.Time) []byte {
	if score.IsZero() {
		return simValue([]any{})
	}
	return simValue([]any{"x", strconv.FormatInt(score.UnixMilli(), 10)})
}

func simError(text string) []byte { return []byte("-" + text + "\r\n") }

// simValue encodes a value for the wire.
func simValue(value any) []byte {
	switch v := value.(type) {
	case nil:
		return []byte("$-1\r\n")
	case string:
		return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(v), v)
	case int, int64, replyCode:
		return fmt.Appendf(nil, ":%d\r\n", v)
	case []any:
		encoded := fmt.Appendf(nil, "*%d\r\n", len(v))
		for _, one := range v {
			encoded = append(encoded, simValue(one)...)
		}
		return encoded
	}
	panic(fmt.Sprintf("the simulation cannot encode a %T", value))
}
