package secret_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/secret"
)

func TestURL_ShowsEverythingButThePassword(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"redis://:hush@a:1/2":                         "redis://:xxxxx@a:1/2",
		"redis+cluster://me:hush@a:1,b:2,c:3":         "redis+cluster://me:xxxxx@a:1,b:2,c:3",
		"redis+cluster://:hush@[::1]:7000,[::1]:7001": "(not shown)",
		"redis+cluster://:hu@sh@a:1,b:2?addr=c:3":     "redis+cluster://:xxxxx@a:1,b:2",
		"hush": "(not shown)",
		"":     "",
	} {
		for _, verb := range []string{"%s", "%v", "%+v", "%q"} {
			if got := fmt.Sprintf(verb, secret.NewURL(text)); got != want {
				t.Errorf("%s of %q is %q, want %q", verb, text, got, want)
			}
		}
	}
}

func TestURL_ShowsEveryPlaceAndNoSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{ //nolint:gosec // no credentials of anything
		"redis://user:hush@host:6379/2":                   "redis://user:xxxxx@host:6379/2",
		"redis+sentinel://u:hush@a:1,b:2/x/3":             "redis+sentinel://u:xxxxx@a:1,b:2/x/3",
		"redis+sentinel://a:1/x?sentinel_password=hush":   "redis+sentinel://a:1/x",
		"redis+sentinel://a:1,b/x?sentinel_password=hush": "(not shown)",
		"redis+sentinel://u:12,v:3/hush@a:1,b:2/x":        "(not shown)",
		"redis+sentinel://u:hu,sh:1@a:1,b:2/x":            "redis+sentinel://u:xxxxx@a:1,b:2/x",
	} {
		url := secret.NewURL(text)
		if got := url.String(); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
		if shown := fmt.Sprintf("%v %+v %#v", url, url, url); strings.Contains(shown, "hush") {
			t.Errorf("%s is printed as %s", text, shown)
		}
	}
}
