package secret_test

import (
	"fmt"
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
