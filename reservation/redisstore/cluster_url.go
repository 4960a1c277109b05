package redisstore

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// The schemes of a URL that names a Redis Cluster, and those that its nodes are reached by.
const (
	clusterScheme    = "redis+cluster://"
	clusterSchemeTLS = "rediss+cluster://"
)

// isClusterURL says whether a URL names a Redis Cluster.
func isClusterURL(text string) bool {
	return strings.HasPrefix(text, clusterScheme) || strings.HasPrefix(text, clusterSchemeTLS)
}

// clusterOptions reads the URL of a cluster: the options of its nodes, and the addresses of those
// that are asked for the others.
func clusterOptions(
	text string, callTimeout time.Duration,
) (*redis.Options, []string, error) {
	// The parser's error would repeat the URL, and with it the password.
	wrong := misconfigured("the Redis URL is not understood: a cluster must look like " +
		"redis+cluster://[user:password@]host:port[,host:port…] or rediss+cluster://… for TLS")
	parsed, err := parseClusterURL(text)
	if err != nil {
		return nil, nil, wrong
	}
	if parsed.Path != "" && parsed.Path != "/" && parsed.Path != "/0" {
		return nil, nil, misconfigured("the URL of a cluster may not name a database: it has only one")
	}
	hosts := strings.Split(parsed.Host, ",")
	query := parsed.Query()
	hosts = append(hosts, query["addr"]...) // as go-redis' own form has it
	query.Del("addr")
	parsed.RawQuery, parsed.Path = query.Encode(), ""
	parsed.Scheme, _, _ = strings.Cut(parsed.Scheme, "+")
	var addresses []string
	for _, host := range hosts {
		one := url.URL{Host: host}
		if one.Hostname() == "" {
			return nil, nil, wrong
		}
		port := one.Port()
		if port == "" {
			port = "6379"
		}
		addresses = append(addresses, net.JoinHostPort(one.Hostname(), port))
	}
	parsed.Host = addresses[0]
	options, err := clientOptions(parsed.String(), callTimeout)
	if err != nil {
		return nil, nil, wrong
	}
	if options.TLSConfig != nil {
		options.TLSConfig.ServerName = "" // each node by the name that the cluster gives it
	}
	return options, addresses, nil
}

// parseClusterURL parses a URL of several hosts, which net/url takes for one host with a strange
// port: the hosts are put back after the rest is read.
func parseClusterURL(text string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, tail := rest, ""
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, tail = rest[:at], rest[at:]
	}
	user, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, hosts = authority[:at+1], authority[at+1:]
	}
	parsed, err := url.Parse(scheme + "://" + user + "host" + tail)
	if err != nil {
		return nil, err
	}
	parsed.Host = hosts
	return parsed, nil
}
