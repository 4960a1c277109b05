package redisstore

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1.
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
	judge   simJudge
}

func newSimServer(seed uint64) *simServer {
	s := &simServer{
		seed: seed, faults: newSimFaults(seed), process: 1, loaded: map[string]scriptName{},
		conns: map[*simConn]struct{}{}, skew: time.Duration(seed%100_000) * time.Millisecond,
	}
	s.model = model.New(model.Options{Retention: simRetention, Now: s.lockedNow})
	s.judge.init()
	return s
}

// lockedNow is the store's clock; the model asks for it within a call, when mu is held.
func (s *simServer) lockedNow() time.Time { return time.Now().Add(s.skew) }

func (s *simServer) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lockedNow()
}

// errRefused is what a dialer gets while nothing listens.
var errRefused = errors.New("connection refused")

// dial opens a connection to the server.
func (s *simServer) dial(_ context.Context, network, _ string) (net.Conn, error) {
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
	c := &simConn{server: s, pipe: server, commands: make(chan []string, 1024)}
	s.conns[c] = struct{}{}
	go c.read()
	go c.serve()
	return &simClientConn{Conn: client, other: c}, nil
}

// simClientConn is a connection as a client has it. Before it uses one that stood idle the client
// looks by its file descriptor whether the other end is still there; here it asks the other end.
type simClientConn struct {
	net.Conn

	other *simConn
}

// SyscallConn returns an error where the other end is gone, and else nothing to look at.
func (c *simClientConn) SyscallConn() (syscall.RawConn, error) {
	if c.other.isDead() {
		return nil, net.ErrClosed
	}
	return simIdle{}, nil
}

// simIdle is a connection without anything to read.
type simIdle struct{}

func (simIdle) Control(func(fd uintptr)) error    { return nil }
func (simIdle) Read(func(fd uintptr) bool) error  { return nil }
func (simIdle) Write(func(fd uintptr) bool) error { return nil }

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

// simConn is one connection as the server has it.
type simConn struct {
	server   *simServer
	pipe     net.Conn
	commands chan []string
	mute     bool     // no answer goes back any more
	current  []string // the command that is carried out; guarded by the server's mu
	dead     bool     // guarded by the server's mu

	// A new connection is greeted in no time: whether a call gets one that stands or a new one must
	// not be told from what comes of it, for two that ask at once have no order.
	greeted bool
	loads   int // scripts that the greeting still has to load
}

// kill breaks the connection; the server's mu is held.
func (c *simConn) kill() {
	c.dead = true
	delete(c.server.conns, c)
	_ = c.pipe.Close() // nobody is told
}

// read takes commands from the wire until the connection ends.
func (c *simConn) read() {
	defer close(c.commands)
	reader := bufio.NewReader(c.pipe)
	for {
		command, err := readSimCommand(reader)
		if err != nil {
			return
		}
		c.commands <- command
	}
}

func readSimCommand(reader *bufio.Reader) ([]string, error) {
	n, err := readSimLength(reader, '*')
	if err != nil {
		return nil, err
	}
	command := make([]string, n)
	for i := range command {
		size, err := readSimLength(reader, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(reader, text); err != nil {
			return nil, err
		}
		command[i] = string(text[:size])
	}
	return command, nil
}

func readSimLength(reader *bufio.Reader, kind byte) (int, error) {
	line, err := reader.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("the wire has %q, not %q", line, kind)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// serve carries commands out one after the other, each with the harm that the seed has for it. A
// request that is on its way arrives also where its connection is closed meanwhile.
func (c *simConn) serve() {
	for command := range c.commands {
		c.server.locked(func() { c.current = command })
		c.one(command)
		c.server.locked(func() { c.current = nil })
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.kill()
}

// greet answers what a client says first on a connection.
func (c *simConn) greet(command []string) {
	name := strings.ToUpper(command[0])
	answer := c.server.carryOut(command, simHarm{})
	if name == "TIME" && !c.server.isCalm() { // but at start; what time it is would tell of the greeting
		answer = simError("ERR the simulation does not say")
	}
	if _, err := c.pipe.Write(answer); err != nil {
		c.drop()
	}
	switch {
	case name != "SCRIPT":
	case strings.EqualFold(command[1], "exists"):
		c.loads = strings.Count(string(answer), ":0\r\n")
	default:
		c.loads--
	}
	c.greeted = name == "SCRIPT" && c.loads == 0
}

func (c *simConn) one(command []string) {
	if !c.greeted && !c.isDead() {
		c.greet(command)
		return
	}
	s := c.server
	s.mu.Lock()
	harm := s.faults.of(command, s.judge.calm)
	s.judge.comes(command, harm)
	if harm.kind != harmNone {
		s.judge.harmed[harm.kind]++
	}
	s.mu.Unlock()
	wait(harm.before)
	if harm.copied > 0 { // another copy is still on its way
		go func() {
			wait(harm.copied)
			_ = s.carryOut(command, simHarm{kind: harmCopy})
		}()
	}
	switch harm.kind {
	case harmDropBefore:
		c.drop()
		return
	case harmFlush:
		s.mu.Lock()
		clear(s.loaded)
		s.mu.Unlock()
	case harmNone, harmSlow, harmLate, harmDropAfter, harmSilence, harmCopy, harmHalf, harmRefusal,
		harmPoison, harmAgain:
	}
	if c.isDead() && harm.kind != harmLate {
		return
	}
	answer := s.carryOut(command, harm)
	wait(harm.after)
	switch harm.kind {
	case harmSilence:
		c.mute = true
	case harmDropAfter:
		c.drop()
		return
	case harmHalf:
		answer = answer[:len(answer)/2]
		_, _ = c.pipe.Write(answer) // it breaks anyway
		c.drop()
		return
	case harmNone, harmSlow, harmLate, harmDropBefore, harmCopy, harmFlush, harmRefusal, harmPoison,
		harmAgain:
	}
	if c.mute || c.isDead() {
		return
	}
	if _, err := c.pipe.Write(answer); err != nil {
		c.drop()
	}
}

// wait lets simulated time pass.
func wait(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

func (c *simConn) drop() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.kill()
}

func (s *simServer) isCalm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.judge.calm
}

func (c *simConn) isDead() bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.dead
}

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
	switch {
	case name == "SADD":
		for _, stock := range args[1:] {
			if !slices.Contains(s.stocks, stock) {
				s.stocks = append(s.stocks, stock)
			}
		}
		slices.Sort(s.stocks)
		return simValue(1)
	case name == "SSCAN":
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

// evalSHA runs a script: the model, request by request.
func (s *simServer) evalSHA(args []string, harm simHarm) (encoded []byte) {
	script, ok := s.loaded[args[0]]
	if !ok {
		return simError("NOSCRIPT No matching script. Please use EVAL.")
	}
	if harm.kind == harmRefusal {
		return simError(harm.text)
	}
	defer func() {
		if wrong := recover(); wrong != nil {
			malformed, ok := wrong.(simMalformed)
			if !ok {
				panic(wrong)
			}
			s.judge.breach("%s cannot be understood: %s\n%q", script, malformed.what, args)
			encoded = simError("ERR malformed")
		}
	}()
	call := simMust(parseSimCall(script, args[1:]))
	if harm.kind == harmPoison && call.count > 1 {
		return simError("HFBEFORE the simulation wants them one by one")
	}
	if script == scriptReadReservation {
		return simValue([]any{simTime(s.lockedNow()), 0, 0, []any{s.readReservation(call)}})
	}
	replies := make([]any, call.count)
	for i := range replies {
		replies[i] = s.request(call, harm, i)
	}
	if call.at != len(call.fields) {
		s.judge.breach("%s has %d fields, %d were asked for", script, len(call.fields), call.at)
	}
	sequence := s.indexes(call.stock).Sequence
	if script == scriptPurge {
		sequence = 0
	}
	return simValue([]any{simTime(s.lockedNow()), 1, sequence, replies})
}

// request carries out one request of a call.
func (s *simServer) request(call *simCall, harm simHarm, i int) []any {
	ctx := context.Background()
	switch call.script { //nolint:exhaustive // the others are callers'
	case scriptSweep:
		return s.sweep(ctx, call)
	case scriptPurge:
		forgotten := simMust(s.model.Purge(ctx, call.stock))
		seen := s.indexes(call.stock)
		more := simIsOver(seen.Finished, s.lockedNow()) || simIsOver(seen.Requests, s.lockedNow())
		return []any{codeOK, 0, forgotten, boolToInt(more)}
	}
	request := call.read()
	before := s.indexes(call.stock).Sequence
	now := s.lockedNow().UnixMilli()
	done := simApplication{
		at: now, skew: s.skew.Milliseconds(), copied: harm.kind == harmCopy, notAfter: request.notAfter, print: request.print,
		key: simKey(request.ask),
	}
	if now > request.notAfter {
		return []any{codeTooLate, before}
	}
	if harm.kind == harmAgain && (harm.bits>>i)&1 == 1 {
		return []any{codeAgain, before}
	}
	answer, encoded, err := request.run(ctx, s.model)
	if err != nil {
		encoded = simRefused(call.script, err)
	}
	done.answer = simAnswer(answer, err)
	events, eventsErr := s.model.EventsAfter(ctx, call.stock, before)
	if eventsErr != nil {
		panic(simMalformed{eventsErr.Error()})
	}
	done.effective = err == nil && isEffectOf(request.ask, events)
	s.judge.apply(done)
	return encoded
}

func simIsOver(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

func (s *simServer) sweep(ctx context.Context, call *simCall) []any {
	var reclaimed, handled int
	reclaims, drains := call.field() == "1", call.field() == "1"
	if reclaims {
		reclaimed = simMust(s.model.Sweep(ctx, call.stock))
	}
	if drains {
		handled = simMust(s.model.Drain(ctx, call.stock))
	}
	seen := s.indexes(call.stock)
	more := reclaims && seen.Due > 0 || drains && seen.Filling > 0
	return []any{codeOK, seen.Sequence, reclaimed, handled, boolToInt(more)}
}

func (s *simServer) readReservation(call *simCall) []any {
	ask := simGet{call.stock, call.reservation(fixedKeys + 1)}
	answer, err := s.model.Get(context.Background(), ask.Stock, ask.ID)
	var refused *reservation.Error
	if errors.As(err, &refused) {
		refused.Stamp.Sequence = 0 // the script reads no sequence
	}
	s.judge.apply(simApplication{
		at: s.lockedNow().UnixMilli(), key: simKey(ask), answer: simAnswer(answer, err),
		notAfter: simNever,
	})
	if err != nil {
		return []any{codeUnknownReservation, 0}
	}
	return simReservation([]any{codeOK, 0}, answer.Reservation)
}
