package redisstore

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOpen_TellsAClusterFromASingleServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ url, want string }{
		"a node alone": {quietCluster(t).Servers[0].URL(), "is a node of a cluster"},
		"no cluster":   {"redis+cluster://" + realServer.Address, "not part of a cluster"},
		"a database":   {quietCluster(t).URL() + "/3", "may not name a database"},
		"no host":      {"redis+cluster://", "must look like redis+cluster://"},
		"an empty host": {
			"redis+cluster://:secret@127.0.0.1:1,,127.0.0.1:2", "must look like redis+cluster://",
		},
		"nobody there": {"redis+cluster://:secret@127.0.0.1:1", "cannot use the Redis at 127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(t.Context(), Options{URL: test.url, Durability: DurabilityNone})
			if err == nil || !strings.Contains(fullText(err), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(fullText(err), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

// fullText returns an error with what is behind it.
func fullText(err error) string {
	text := err.Error()
	if cause := errors.Unwrap(err); cause != nil {
		text += ": " + fullText(cause)
	}
	return text
}

// TestOpen_RefusesReplicasOfACluster asks for what is not there yet: nobody is asked before that is
// said.
func TestOpen_RefusesReplicasOfACluster(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{
		URL: "redis+cluster://127.0.0.1:1", Durability: DurabilityReplica,
	})
	var wrong *ConfigurationError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "--durability fsync") {
		t.Errorf("got %v", err)
	}
}

func TestClusterOptions_ReadsEveryForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis+cluster://a:1,b:2,c:3":                   "a:1 b:2 c:3",
		"redis+cluster://a,b":                           "a:6379 b:6379",
		"redis+cluster://me:p%40ss@a:1,b:2/0":           "a:1 b:2",
		"redis+cluster://a:1?addr=b:2&addr=c:3":         "a:1 b:2 c:3",
		"redis+cluster://[::1]:7000,[::1]:7001":         "[::1]:7000 [::1]:7001",
		"rediss+cluster://:p@ss@a.example:1,b.example/": "a.example:1 b.example:6379",
	} {
		options, addresses, err := clusterOptions(text, time.Second)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := strings.Join(addresses, " "); got != want {
			t.Errorf("%s names %s, want %s", text, got, want)
		}
		if isTLS := options.TLSConfig != nil; isTLS != strings.HasPrefix(text, "rediss") ||
			isTLS && options.TLSConfig.ServerName != "" {
			t.Errorf("%s has the TLS settings %+v", text, options.TLSConfig)
		}
		if strings.Contains(text, "me:") && (options.Username != "me" || options.Password != "p@ss") {
			t.Errorf("%s is for %q with %q", text, options.Username, options.Password)
		}
		if !options.ContextTimeoutEnabled || options.MaxRetries != -1 {
			t.Errorf("%s is not hardened: %+v", text, options)
		}
	}
}
