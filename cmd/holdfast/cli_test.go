package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
)

// outcome is what a command line printed and returned.
type outcome struct {
	stdout, stderr string
	status         int
}

// command runs a command line as a process would, without one.
func command(t *testing.T, arguments ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), arguments, session{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
	})
	return outcome{stdout.String(), stderr.String(), status}
}

func mustRun(t *testing.T, arguments ...string) outcome {
	t.Helper()
	got := command(t, arguments...)
	if got.status != exitDone {
		t.Fatalf("holdfast %v: exit status %d\n%s", arguments, got.status, got.stderr)
	}
	return got
}

// withServer starts a server and points the client commands to it.
func withServer(t *testing.T) {
	t.Helper()
	t.Setenv("HOLDFAST_ADDRESS", testserver.Start(t, testserver.NewModel()))
}

// steady replaces what differs from run to run: the store's times and ids that were made up.
func steady(text string) string {
	moment := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	text = moment.ReplaceAllStringFunc(text, func(found string) string {
		if found == "2027-01-31T08:00:00Z" { // a policy's, typed by a person
			return found
		}
		return "TIME"
	})
	text = regexp.MustCompile(`  \ds\n`).ReplaceAllString(text, "  0s\n") // how long somebody waits
	return regexp.MustCompile(`\b[A-Z2-7]{26}\b`).ReplaceAllString(text, "RANDOM")
}

// Each file in testdata is a session at a terminal: what a person types after $ and what they see.
// go test ./cmd/holdfast -run Transcripts -update writes them anew, for reading the difference.
func TestCommands_Transcripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			withServer(t)
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := transcript(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want), got); diff != "" && !*update {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// transcript runs the lines of text that begin with $ and returns them with what they print now.
func transcript(t *testing.T, text string) string {
	t.Helper()
	var seen bytes.Buffer
	for line := range strings.Lines(text) {
		arguments, ok := strings.CutPrefix(line, "$ holdfast ")
		if !ok {
			continue
		}
		seen.WriteString(line)
		var printed bytes.Buffer
		status := run(t.Context(), shellWords(arguments),
			session{stdout: &printed, stderr: &printed})
		seen.WriteString(steady(printed.String()))
		if status != exitDone {
			fmt.Fprintf(&seen, "(exit status %d)\n", status)
		}
	}
	return seen.String()
}

func TestCommands_AnswersAndErrorsGoToTheirOwnStreams(t *testing.T) {
	withServer(t)
	if got := mustRun(t, "restock", "TEA=3"); got.stdout == "" || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
	for _, form := range []string{"table", "json"} {
		got := command(t, "reserve", "TEA=5", "--output", form)
		if got.status != exitRefused || got.stdout != "" || got.stderr == "" {
			t.Errorf("%s: got %+v", form, got)
		}
	}
}

func TestCommands_NobodyThereSaysHowToRepeat(t *testing.T) {
	got := command(t, "reserve", "--id", "o9", "--timeout", "200ms", "--address", "127.0.0.1:1",
		"TEA=1")
	for _, want := range []string{
		"holdfast: no server answers at 127.0.0.1:1 (is `holdfast serve` running there?)",
		"\nRun it again with --id o9: whatever became of this try, it is done only once.\n",
	} {
		if got.status != exitUnavailable || !strings.Contains(got.stderr, want) {
			t.Errorf("exit status %d, no %q in\n%s", got.status, want, got.stderr)
		}
	}
}

func TestCommands_HelpNamesVariablesAndExitStatuses(t *testing.T) {
	whole := mustRun(t, "--help").stdout
	for _, want := range []string{"Exit statuses: 0 done; 1 refused", "policy set", "replay"} {
		if !strings.Contains(whole, want) {
			t.Errorf("holdfast --help does not say %q", want)
		}
	}
	if got := mustRun(t); got.stdout != whole {
		t.Error("holdfast alone does not show its help")
	}
	for command, variable := range map[string]string{
		"serve":   "$HOLDFAST_REDIS_URL",
		"reserve": "$HOLDFAST_ADDRESS",
		"replay":  "$HOLDFAST_ADDRESS",
	} {
		if got := mustRun(t, command, "--help"); !strings.Contains(got.stdout, variable) {
			t.Errorf("holdfast %s --help does not say %s", command, variable)
		}
	}
}

func TestCommands_ListEveryPage(t *testing.T) {
	withServer(t)
	arguments := []string{"restock"}
	for i := range 1000 {
		arguments = append(arguments, "SKU-"+strings.Repeat("x", i%50)+string(rune('A'+i/50))+"=1")
	}
	mustRun(t, arguments...)
	mustRun(t, "restock", "ZZZ=1", "ZZZZ=1")
	lines := strings.Count(mustRun(t, "stock", "list").stdout, "\n")
	if lines != 1003 {
		t.Errorf("%d lines, want a head and 1002 SKUs", lines)
	}
}

func TestCommands_InterruptedEndAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	status := run(ctx, []string{"reserve", "--address", "127.0.0.1:1", "TEA=1"},
		session{stdout: &stdout, stderr: &stderr})
	if status == exitDone {
		t.Errorf("exit status %d: %s", status, &stderr)
	}
}
