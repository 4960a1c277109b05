package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
)

// page is what somebody writes while a test reads along.
type page struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newPage() *page { return &page{changed: make(chan struct{}, 1)} }

// Write adds to the page.
func (p *page) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
	return p.text.Write(text)
}

func (p *page) read() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// await waits until the page has so many lines.
func (p *page) await(t *testing.T, lines int) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for strings.Count(p.read(), "\n") < lines {
		select {
		case <-p.changed:
		case <-limit:
			t.Fatalf("%d lines did not come, but\n%s", lines, p.read())
		}
	}
}

// underWay is holdfast watch, under way.
type underWay struct {
	stdout, stderr *page
	interrupt      func()
	ended          chan int // its exit status
}

// startWatch runs a watch and waits until it has begun.
func startWatch(t *testing.T, arguments ...string) *underWay {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	w := &underWay{newPage(), newPage(), interrupt, make(chan int, 1)}
	go func() {
		w.ended <- run(ctx, append([]string{"watch"}, arguments...),
			session{stdout: w.stdout, stderr: w.stderr})
	}()
	t.Cleanup(interrupt)
	w.stderr.await(t, 1)
	return w
}

// end interrupts the watch as Ctrl-C does, and returns what it said apart from events.
func (w *underWay) end(t *testing.T) string {
	t.Helper()
	w.interrupt()
	if status := <-w.ended; status != exitDone {
		t.Errorf("an interrupted watch has exit status %d: %s", status, w.stderr.read())
	}
	return w.stderr.read()
}

func TestWatch_PrintsEventsAndWhereToGoOn(t *testing.T) {
	withServer(t)
	mustRun(t, "restock", "--id", "d1", "TEA=3", "MUG=1")
	all, some := startWatch(t, "--from-start"), startWatch(t, "--sku", "MUG", "--type", "reserved")
	mustRun(t, "reserve", "--id", "o1", "TEA=1")
	mustRun(t, "reserve", "--id", "o2", "--ttl", "1m", "TEA=1", "MUG=1")
	mustRun(t, "commit", "o2")
	const want = `TIME       1  RESTOCKED         -             3 TEA, 1 MUG arrived by d1
TIME       2  BACK_IN_STOCK     -             3 TEA available
TIME       3  BACK_IN_STOCK     -             1 MUG available
TIME       4  RESERVED          o1            1 TEA; COMMITTED
TIME       5  RESERVED          o2            1 TEA, 1 MUG; HELD until TIME
TIME       6  OUT_OF_STOCK      -             0 MUG available
TIME       7  COMMITTED         o2            firm
`
	all.stdout.await(t, strings.Count(want, "\n"))
	some.stdout.await(t, 1)
	if diff := cmp.Diff(want, steady(all.stdout.read())); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	const said = "watching stock default after 1:0\nended; to go on from here: --after 1:7\n"
	if diff := cmp.Diff(said, all.end(t)); diff != "" {
		t.Errorf("want -, said +\n%s", diff)
	}
	some.end(t)
	if got := some.stdout.read(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "o2") {
		t.Errorf("of one SKU and type:\n%s", got)
	}
	rest := startWatch(t, "--after", "1:6", "-o", "json")
	rest.stdout.await(t, 2)
	rest.end(t)
	if got := rest.stdout.read(); !strings.Contains(got, `"position":{"epoch":"1","sequence":"7"}`) {
		t.Errorf("as JSON:\n%s", got)
	}
}

func TestWatch_SaysWhatAnUnknownPositionMeans(t *testing.T) {
	withServer(t)
	got := command(t, "watch", "--after", "1:42")
	if got.status != exitRefused || !strings.Contains(got.stderr,
		"this store was never at 1:42: it lost what it had acknowledged, or is another one") {
		t.Errorf("exit status %d: %s", got.status, got.stderr)
	}
	for arguments, want := range map[string]string{
		"--after 1":                `"1" is not EPOCH:SEQUENCE`,
		"--after 1:2 --from-start": "can't be used together",
		"--type sing":              "--type sing: there is no such event",
	} {
		got := command(t, append([]string{"watch"}, strings.Fields(arguments)...)...)
		if got.status != exitUsage || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: exit status %d: %s", arguments, got.status, got.stderr)
		}
	}
	got = command(t, "watch", "--timeout", "200ms", "--address", "127.0.0.1:1")
	if got.status != exitUnavailable {
		t.Errorf("nobody there: exit status %d: %s", got.status, got.stderr)
	}
}

func TestWatch_GoesOnWhenTheServerIsBack(t *testing.T) {
	store := testserver.NewModel()
	first := testserver.Begin(t, store, "127.0.0.1:0")
	t.Setenv("HOLDFAST_ADDRESS", first.Address)
	w := startWatch(t)
	mustRun(t, "restock", "--id", "d1", "TEA=3")
	w.stdout.await(t, 2)
	first.End(t)
	w.stderr.await(t, 2)
	testserver.Begin(t, store, first.Address)
	mustRun(t, "restock", "--id", "d2", "TEA=4")
	w.stdout.await(t, 3)
	got := w.end(t)
	for _, want := range []string{" is away (", "the server is back, going on after 1:2\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if events := w.stdout.read(); strings.Count(events, "\n") != 3 ||
		!strings.Contains(events, "by d2") {
		t.Errorf("events were lost or repeated:\n%s", events)
	}
}
