// Package secret has values that a server is told and must not tell.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// URL is an address that may hold a password. However it is printed, logged or marshalled, the
// password is left out; only Reveal returns it. The zero value is none.
type URL struct{ text string }

// NewURL returns the URL that text is.
func NewURL(text string) URL { return URL{text} }

// UnmarshalText takes text as it is. It never fails, for whoever reports its failure may report the
// text as well (as kong does with a variable of the environment); what is wrong with it is said by
// its user.
func (u *URL) UnmarshalText(text []byte) error {
	u.text = string(text)
	return nil
}

// Reveal returns the URL with its password.
func (u URL) Reveal() string { return u.text }

// IsZero says whether there is no URL.
func (u URL) IsZero() bool { return u.text == "" }

// String returns the URL without its password; a text that is no URL is not shown at all.
func (u URL) String() string {
	if u.text == "" {
		return ""
	}
	text, hosts := oneHost(u.text)
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || hosts != "" && strings.Contains(parsed.Path, "@") {
		return "(not shown)"
	}
	shown := url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}
	if hosts != "" {
		shown.Host = hosts
	}
	if _, has := parsed.User.Password(); has {
		shown.User = url.UserPassword(parsed.User.Username(), "xxxxx")
	} else if parsed.User != nil {
		shown.User = url.User(parsed.User.Username())
	}
	return shown.String()
}

// hostList is several hosts, as Sentinels have them, each with its port, and nothing that could be
// a part of a password.
var hostList = regexp.MustCompile(`^([A-Za-z0-9.-]+:\d+)(,[A-Za-z0-9.-]+:\d+)+$`)

// oneHost puts one host in the place of several, which a parser of URLs does not take, and returns
// them; none where text has none.
func oneHost(text string) (one, hosts string) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	list := authority[strings.LastIndexByte(authority, '@')+1:]
	if !hostList.MatchString(list) {
		return text, ""
	}
	return scheme + "://" + strings.TrimSuffix(authority, list) + "host" +
		strings.TrimPrefix(rest, authority), list
}

// Format writes String's form for every verb of package fmt.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText returns String's form.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// LogValue returns String's form.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }
