package redisstore

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The schemes of a primary that Sentinels name.
const (
	sentinelScheme    = "redis+sentinel://"
	sentinelTLSScheme = "rediss+sentinel://"
	sentinelPort      = "26379"
)

// location is where a store is: at an address, or where Sentinels say that its primary is.
type location struct {
	config *redis.Options // of the connections to the store; its address counts without Sentinels
	// primary is the name by which the Sentinels know it; empty: there are none.
	primary                            string
	sentinels                          []string // addresses
	sentinelUsername, sentinelPassword string
}

// String names the location without a secret.
func (l location) String() string {
	if !l.isNamedBySentinels() {
		return "the Redis at " + l.config.Addr
	}
	return "the Redis that the Sentinels at " + strings.Join(l.sentinels, ", ") + " call " + l.primary
}

func (l location) isNamedBySentinels() bool { return l.primary != "" }

// client returns a client of the store. With Sentinels each new connection goes to whom they call
// the primary, and those to another end when they say that it changed.
func (l location) client() *redis.Client {
	if !l.isNamedBySentinels() {
		return redis.NewClient(l.config)
	}
	c := l.config
	return redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: l.primary, SentinelAddrs: l.sentinels,
		SentinelUsername: l.sentinelUsername, SentinelPassword: l.sentinelPassword,
		Username: c.Username, Password: c.Password, DB: c.DB, TLSConfig: c.TLSConfig,
		OnConnect: c.OnConnect, Protocol: c.Protocol, DisableIdentity: c.DisableIdentity,
		MaxRetries: c.MaxRetries, ContextTimeoutEnabled: c.ContextTimeoutEnabled,
		DialTimeout: c.DialTimeout, DialerRetries: c.DialerRetries,
		ReadTimeout: c.ReadTimeout, WriteTimeout: c.WriteTimeout,
		PipelinePoolSize: c.PipelinePoolSize, ReadBufferSize: c.ReadBufferSize,
		WriteBufferSize: c.WriteBufferSize, PoolSize: c.PoolSize,
		MaxActiveConns: c.MaxActiveConns, PoolTimeout: c.PoolTimeout,
	})
}

// forWatching returns the same location for the feeds, whose connections wait for news most of the
// time.
func (l location) forWatching() location {
	l.config = watchOptions(l.config)
	return l
}

// locate reads a URL.
func locate(text string, callTimeout time.Duration) (location, error) {
	plain, withTLS := strings.CutPrefix(text, sentinelTLSScheme)
	if !withTLS {
		var bySentinels bool
		if plain, bySentinels = strings.CutPrefix(text, sentinelScheme); !bySentinels {
			config, err := clientOptions(text, callTimeout)
			return location{config: config}, err
		}
	}
	l, stores, err := locateBySentinels(plain)
	if err != nil {
		return location{}, err
	}
	if l.config, err = clientOptions(stores, callTimeout); err != nil {
		return location{}, err
	}
	if withTLS { // each server is checked by the name that it is reached by
		l.config.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return l, nil
}

// primaryName is what a Sentinel takes for the name of a primary.
var primaryName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// locateBySentinels reads what stands behind the scheme:
// [user:password@]host[:port][,…]/primary[/database][?sentinel_user=…&sentinel_password=…]. It
// returns the Sentinels, and a URL with what is for the stores.
func locateBySentinels(plain string) (l location, stores string, err error) {
	malformed := misconfigured("the Redis URL is not understood: with Sentinels it must look like " +
		"redis+sentinel://[user:password@]host:port[,host:port…]/primary[/database]" +
		"[?sentinel_user=…&sentinel_password=…], or rediss+sentinel://… for TLS")
	authority, rest, hasPath := strings.Cut(plain, "/")
	hosts := authority[strings.LastIndexByte(authority, '@')+1:]
	for host := range strings.SplitSeq(hosts, ",") {
		address, ok := addressOf(host)
		if !ok {
			return location{}, "", malformed
		}
		l.sentinels = append(l.sentinels, address)
	}
	// One host stands for all of them: to a parser of URLs a list of hosts is none.
	parsed, err := url.Parse("redis://" + strings.TrimSuffix(authority, hosts) + "sentinels/" + rest)
	if err != nil || !hasPath {
		return location{}, "", malformed
	}
	name, database, _ := strings.Cut(strings.TrimPrefix(parsed.Path, "/"), "/")
	query := parsed.Query()
	l.primary = name
	l.sentinelUsername, l.sentinelPassword = query.Get("sentinel_user"), query.Get("sentinel_password")
	query.Del("sentinel_user")
	query.Del("sentinel_password")
	if !primaryName.MatchString(name) || len(query) > 0 {
		return location{}, "", malformed
	}
	parsed.Path, parsed.RawPath, parsed.RawQuery = "/"+database, "", ""
	return l, parsed.String(), nil
}

// addressOf returns a Sentinel's address, with the usual port where none is named.
func addressOf(host string) (address string, ok bool) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), sentinelPort
	}
	return net.JoinHostPort(name, port), regexp.MustCompile(`^[A-Za-z0-9._:-]+ \d+$`).MatchString(
		name + " " + port)
}

// isSentinel says whether a connection leads to a Sentinel.
func isSentinel(ctx context.Context, conn *redis.Conn) (bool, error) {
	text, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return false, err
	}
	return saysSentinel(parseInfo(text)), nil
}

// saysSentinel reads it from INFO, where Redis and Valkey name it differently.
func saysSentinel(info map[string]string) bool {
	return info["redis_mode"] == "sentinel" || info["server_mode"] == "sentinel"
}
