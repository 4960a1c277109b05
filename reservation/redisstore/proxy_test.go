package redisstore

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is an address that leads to one server or another, as that of a failover does: connections
// that stand go on to where they led. It can lose the answers of scripts.
type proxy struct {
	listener net.Listener
	target   atomic.Pointer[string]

	// toLose is how many answers of scripts are still to be lost: the script runs, its answer comes
	// as far as here, and the connection breaks.
	toLose atomic.Int32
	// onLoss is called when an answer has come, before the connection breaks.
	onLoss atomic.Pointer[func()]

	mu    sync.Mutex
	conns []net.Conn
	ended sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener}
	p.leadTo(target)
	p.ended.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) url() string { return "redis://" + p.listener.Addr().String() }

func (p *proxy) leadTo(target string) { p.target.Store(&target) }

// loseNext makes the next script's answer get lost and calls onLoss then.
func (p *proxy) loseNext(onLoss func()) {
	p.onLoss.Store(&onLoss)
	p.toLose.Store(1)
}

// refuse breaks every connection and refuses new ones.
func (p *proxy) refuse() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", *p.target.Load())
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		var losing atomic.Bool
		p.ended.Go(func() {
			pump(in, out, func(sent []byte) bool {
				if bytes.Contains(sent, []byte("evalsha")) && p.toLose.Add(-1) >= 0 {
					losing.Store(true)
				}
				return true
			})
		})
		p.ended.Go(func() {
			pump(out, in, func([]byte) bool {
				if !losing.Load() {
					return true
				}
				(*p.onLoss.Load())()
				return false
			})
		})
	}
}

// pump carries what comes from one side to the other while pass allows it, and closes both in the
// end.
func pump(from, to net.Conn, pass func(chunk []byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !pass(buffer[:n]) {
			break
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = from.Close(), to.Close()
}

func (p *proxy) close() {
	p.refuse()
	p.ended.Wait()
}
