package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/secret"
	"github.com/holdfast-dev/holdfast/reservation/redisstore/redistest"
)

func parseServe(t *testing.T, arguments ...string) serveCommand {
	t.Helper()
	var commands grammar
	_, _, err := commands.parse(append([]string{"serve"}, arguments...), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return commands.Serve
}

func TestServe_Defaults(t *testing.T) {
	want := serveCommand{
		Listen: "127.0.0.1:50051", OperationsListen: "127.0.0.1:8081", RedisPrefix: "hf",
		Retention: 24 * time.Hour, LogFormat: "text", SlowCall: 250 * time.Millisecond,
		ShutdownTimeout: 20 * time.Second,
	}
	if got := parseServe(t); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestServe_FlagsWinOverTheEnvironmentOverDefaults(t *testing.T) {
	t.Setenv("HOLDFAST_LISTEN", "127.0.0.1:1")
	t.Setenv("HOLDFAST_OPERATIONS_LISTEN", "")
	t.Setenv("HOLDFAST_REDIS_URL", "redis://from-environment")
	t.Setenv("HOLDFAST_RETENTION", "48h")
	t.Setenv("HOLDFAST_REQUIRE_TTL", "true")
	t.Setenv("HOLDFAST_LOG_LEVEL", "debug")
	got := parseServe(t, "--listen", "127.0.0.1:2", "--redis", "redis://from-flag")
	want := parseServe(t)
	want.Listen, want.Redis = "127.0.0.1:2", secret.NewURL("redis://from-flag")
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if want.Retention != 48*time.Hour || !want.RequireTTL || want.LogLevel != slog.LevelDebug ||
		want.OperationsListen != "" {
		t.Errorf("the environment is not heeded: %+v", want)
	}
}

func TestServe_WrongConfigurationIsOneSentence(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, test := range []struct {
		arguments string
		status    int
		want      string
	}{
		{"--durability fsync", exitUsage, "--durability fsync needs --redis (HOLDFAST_REDIS_URL)"},
		{"--redis redis://x --durability paper", exitUsage, `durability "paper" is unknown`},
		{"--redis redis://x --replicas 1", exitUsage, "--replicas 1 needs --durability replica"},
		{
			"--redis redis://x --durability replica --replicas 17", exitUsage,
			"--replicas is 17, must be 1 to 16",
		},
		{"--redis redis+sentinel://x:1", exitUsage, "redis+sentinel://[user:password@]host:port"},
		{"--redis redis+sentinel://a:1,b/x?c=d", exitUsage, "with Sentinels it must look like"},
		{"--redis-prefix h{f", exitUsage, "holdfast: the key prefix may not hold a brace"},
		{"--redis redis://x --redis-prefix h}", exitUsage, "the key prefix may not hold a brace"},
		{"--redis http://x", exitUsage, "holdfast: the Redis URL is not understood"},
		{"--retention 1s", exitUsage, "--retention is 1s, must be 1h0m0s to 720h0m0s"},
		{"--slow-call=-1s", exitUsage, "--slow-call is -1s"},
		{"--shutdown-timeout 0s", exitUsage, "--shutdown-timeout is 0s"},
		{"--log-format xml", exitUsage, `--log-format must be one of "text","json"`},
		{"--log-level loud", exitUsage, "--log-level"},
		{"--listen " + taken.Addr().String(), exitRefused, "cannot be had"},
		{
			"--listen 127.0.0.1:0 --operations-listen " + taken.Addr().String(), exitRefused,
			"(empty: no operations)",
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // should it serve after all, it ends
		var stdout, stderr bytes.Buffer
		arguments := "serve --listen 127.0.0.1:0 --operations-listen= " + test.arguments
		status := run(ctx, strings.Fields(arguments), session{stdout: &stdout, stderr: &stderr})
		if status != test.status || !strings.Contains(stderr.String(), test.want) ||
			strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: exit status %d, stderr %q", test.arguments, status, &stderr)
		}
	}
}

// TestServe_AStoreThatIsNotSetUpIsAWrongConfiguration starts a Redis that keeps too little, wants a
// password, or has no such database, and one that nobody started.
func TestServe_AStoreThatIsNotSetUpIsAWrongConfiguration(t *testing.T) {
	server, err := redistest.Start(t.Context(), t.TempDir(), "--appendonly", "no",
		"--requirepass", "right")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	for url, test := range map[string]struct {
		status int
		want   string
	}{
		"redis://:right@" + server.Address: {
			exitUsage, "holdfast: Redis keeps no append-only file, and --durability fsync needs one: ",
		},
		"redis://:wrong@" + server.Address: {exitUsage, "WRONGPASS"},
		"redis://" + server.Address:        {exitUsage, "NOAUTH"},
		"redis://:right@" + server.Address + "/99": {
			exitUsage, "DB index is out of range",
		},
		"redis://127.0.0.1:1": {exitRefused, "holdfast: cannot use the Redis at 127.0.0.1:1"},
	} {
		t.Setenv("HOLDFAST_REDIS_URL", url)
		got := command(t, "serve", "--listen", "127.0.0.1:0", "--operations-listen=")
		if got.status != test.status || !strings.Contains(got.stderr, test.want) ||
			strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, "UNAVAILABLE") {
			t.Errorf("%s: exit status %d, stderr %q", url, got.status, got.stderr)
		}
	}
}

const (
	password  = "hunter2"
	secretURL = "redis://user:" + password + "@127.0.0.1:1/3?password=" + password
)

func TestServe_NeverTellsTheRedisPassword(t *testing.T) {
	t.Setenv("HOLDFAST_REDIS_URL", secretURL)
	config := parseServe(t)
	var told bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&told, verb+" "+verb+" "+verb+"\n", config, &config, config.Redis)
	}
	if err := json.NewEncoder(&told).Encode(config); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []slog.Handler{
		slog.NewTextHandler(&told, nil), slog.NewJSONHandler(&told, nil),
	} {
		slog.New(handler).Info("configuration", "serve", config, "url", config.Redis)
	}
	if strings.Contains(told.String(), password) {
		t.Errorf("the password is told:\n%s", &told)
	}
	const shown = "redis://user:xxxxx@127.0.0.1:1/3" //nolint:gosec // a password left out
	if got := config.Redis.String(); got != shown {
		t.Errorf("shown as %s, want %s", got, shown)
	}
	if got := config.Redis.Reveal(); got != secretURL {
		t.Errorf("revealed as %s", got)
	}
}

func TestServe_NeverTellsTheRedisPasswordInErrors(t *testing.T) {
	for _, url := range []string{
		secretURL, "redis://user:" + password + "@host:port", "redis://u:" + password + "@%zz",
		"http://u:" + password + "@host", password,
	} {
		t.Setenv("HOLDFAST_REDIS_URL", url)
		var stdout, stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // it must end by itself
		status := run(ctx, strings.Fields("serve --listen 127.0.0.1:0 --operations-listen="),
			session{stdout: &stdout, stderr: &stderr})
		cancel()
		told := stdout.String() + stderr.String()
		if status == exitDone || strings.Contains(told, password) {
			t.Errorf("%s: exit status %d, told %q", url, status, told)
		}
		if help := mustRun(t, "serve", "--help"); strings.Contains(help.stdout, password) {
			t.Errorf("%s: the help tells the password", url)
		}
	}
}

// firstLine gives the first line that a server prints to whoever waits for it.
type firstLine struct {
	bytes.Buffer
	printed chan string
}

func (f *firstLine) Write(p []byte) (int, error) {
	n, err := f.Buffer.Write(p)
	if line, _, whole := strings.Cut(f.String(), "\n"); whole && f.printed != nil {
		f.printed <- line
		f.printed = nil
	}
	return n, err
}

func TestServe_InMemoryFromStartToEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	printed := make(chan string, 1)
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		const arguments = "serve --listen 127.0.0.1:0 --operations-listen 127.0.0.1:0"
		status <- run(ctx, strings.Fields(arguments),
			session{stdout: &firstLine{printed: printed}, stderr: &stderr})
	}()
	var line string
	select {
	case line = <-printed:
	case got := <-status:
		t.Fatalf("it ended with exit status %d: %s", got, &stderr)
	}
	const pattern = `^holdfast serves gRPC on (127\.0\.0\.1:\d+), ` +
		`operations on http://127\.0\.0\.1:\d+; IN MEMORY ONLY, nothing survives this process ` +
		`\(--redis or HOLDFAST_REDIS_URL keeps it\)$`
	found := regexp.MustCompile(pattern).FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("the first line is %q", line)
	}
	got := mustRun(t, "restock", "--address", found[1], "--id", "r1", "TEA=3")
	const want = "restock r1\n" +
		"SKU  QUANTITY  ON HAND  AVAILABLE  TO BACKORDERS  STILL BACKORDERED\n" +
		"TEA         3        3          3              0                  0\n"
	if diff := cmp.Diff(want, got.stdout); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	cancel()
	if got := <-status; got != exitDone {
		t.Errorf("exit status %d: %s", got, &stderr)
	}
}
