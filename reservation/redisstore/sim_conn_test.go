package redisstore

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

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

// simConn is one connection as the server has it.
type simConn struct {
	server   *simServer
	pipe     net.Conn
	commands chan []string
	store    int      // whose connection it is
	left     bool     // the other end is gone; guarded by the server's mu
	mute     bool     // no answer goes back any more
	current  []string // the command that is carried out; guarded by the server's mu
	carries  simBatch // of the present command; guarded by the server's mu
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
			c.server.locked(func() { c.left = true })
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
		c.server.locked(func() { c.current, c.carries = nil, simBatch{} })
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.kill()
}

// greet answers what a client says first on a connection.
func (c *simConn) greet(command []string) {
	name := strings.ToUpper(command[0])
	answer := c.server.carryOut(command, simHarm{})
	// But at start: what time it is would tell of the greeting.
	if name == "TIME" && !c.server.isCalm() {
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
		harmPoison, harmAgain, harmKinds:
	}
	if c.isDead() && harm.kind != harmLate {
		return
	}
	s.locked(func() { s.begins(c, command) })
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
		harmAgain, harmKinds:
	}
	if c.mute || c.isDead() {
		return
	}
	if _, err := c.pipe.Write(answer); err != nil {
		c.drop()
	}
}

// simBatch is what may be on its way once at a time: a batch of one server for one stock.
type simBatch struct {
	store int
	meta  string // the stock's first key
}

// begins notes that a script that changes a stock begins over a connection; mu is held. Another
// connection that its server still waits on must not carry one for the same stock.
func (s *simServer) begins(c *simConn, command []string) {
	script := s.loaded[command[min(1, len(command)-1)]]
	if script == "" || script == scriptReadReservation || c.left || c.dead {
		return
	}
	batch := simBatch{c.store, command[3]}
	other := s.batches[batch]
	if other != nil && other != c && other.carries == batch && !other.left && !other.dead {
		s.judge.breach("server %d has two batches of %s on their way: %.300q beside %.300q", c.store,
			batch.meta, command, other.current)
	}
	s.batches[batch], c.carries = c, batch
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
