package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/testserver"
)

const repository = "../.."

// block is a fenced block of the README; its language is sh, text or json.
type block struct{ language, text string }

func readmeBlocks(t *testing.T) []block {
	t.Helper()
	var blocks []block
	fence := regexp.MustCompile("(?ms)^```(sh|text|json)\n(.*?)^```$")
	for _, found := range fence.FindAllStringSubmatch(readme(t), -1) {
		blocks = append(blocks, block{found[1], found[2]})
	}
	return blocks
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every command of the README is run as it stands there, in order, against the store of `make run`
// and against the model, and must print what stands below it.
func TestREADME_CommandsPrintWhatItSays(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		defaults := parseServe(t)
		embedded, err := defaults.openStore(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := embedded.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		t.Setenv("HOLDFAST_ADDRESS", testserver.Start(t, embedded))
		compareReadme(t)
	})
	t.Run("model", func(t *testing.T) {
		withServer(t)
		compareReadme(t)
	})
}

func compareReadme(t *testing.T) {
	t.Helper()
	blocks := readmeBlocks(t)
	compared := 0
	var watch *underWay
	for i, sh := range blocks {
		if sh.language != "sh" {
			continue
		}
		if arguments, ok := strings.CutPrefix(sh.text, "bin/holdfast watch"); ok {
			watch = startWatch(t, shellWords(arguments)...)
			continue
		}
		printed := runReadme(t, sh.text)
		if printed == "" {
			continue
		}
		if i+1 == len(blocks) || blocks[i+1].language == "sh" {
			t.Errorf("what these commands print is missing in the README:\n%s%s", sh.text, printed)
			continue
		}
		want := blocks[i+1]
		compared++
		if want.language == "json" {
			compareJSON(t, want.text, printed)
		} else if diff := cmp.Diff(steady(want.text), steady(printed)); diff != "" {
			t.Errorf("README -, printed +\n%s", diff)
		}
		// What follows that is what the watch printed meanwhile.
		if watch != nil && i+2 < len(blocks) && blocks[i+2].language == "text" {
			compareWatch(t, watch, blocks[i+2].text)
			compared, watch = compared+1, nil
		}
	}
	const transcripts = 6
	if compared != transcripts {
		t.Errorf("%d transcripts were compared, want %d", compared, transcripts)
	}
}

func compareWatch(t *testing.T, watch *underWay, want string) {
	t.Helper()
	watch.stdout.await(t, strings.Count(want, "\n"))
	watch.end(t)
	if diff := cmp.Diff(steady(want), steady(watch.stdout.read())); diff != "" {
		t.Errorf("README -, watched +\n%s", diff)
	}
}

// runReadme runs a block's lines. Those of make and of the load generator print nothing that could
// be compared; whatever is of no known kind fails the test.
func runReadme(t *testing.T, commands string) string {
	t.Helper()
	var printed bytes.Buffer
	for line := range strings.Lines(commands) {
		words := shellWords(line)
		switch {
		case words[0] == "make", isGHZ(words):
		case words[0] == "bin/holdfast":
			run(t.Context(), words[1:], session{stdout: &printed, stderr: &printed})
		case words[0] == "go" && strings.Contains(words[2], "/grpcurl@"):
			printed.WriteString(grpcurl(t, words))
		default:
			t.Errorf("the README has a command that no test knows: %s", line)
		}
	}
	return printed.String()
}

func isGHZ(words []string) bool {
	return words[0] == "go" && strings.Contains(words[2], "/ghz@")
}

// shellWords divides a line as a shell does, as far as the README goes: spaces, single and double
// quotes.
func shellWords(line string) []string {
	var words []string
	for _, word := range regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(word, `'"`))
	}
	return words
}

// grpcurl makes the call of a grpcurl command line and returns what grpcurl prints.
func grpcurl(t *testing.T, words []string) string {
	t.Helper()
	var data string
	for i, word := range words {
		if word == "-d" {
			data = words[i+1]
		}
	}
	name := words[len(words)-1]
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(
		protoreflect.FullName(strings.ReplaceAll(name, "/", ".")))
	if err != nil {
		t.Fatal(err)
	}
	method, ok := found.(protoreflect.MethodDescriptor)
	if !ok {
		t.Fatalf("%s is no call", name)
	}
	request := dynamicpb.NewMessage(method.Input())
	if err := protojson.Unmarshal([]byte(data), request); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	connection, err := grpc.NewClient(os.Getenv("HOLDFAST_ADDRESS"),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	answer := dynamicpb.NewMessage(method.Output())
	if err := connection.Invoke(t.Context(), "/"+name, request, answer); err != nil {
		t.Fatal(err)
	}
	return protojson.Format(answer)
}

// compareJSON compares without regard to whitespace, which protojson does not promise, and to the
// times at which the store decided.
func compareJSON(t *testing.T, want, got string) {
	t.Helper()
	decided := regexp.MustCompile(`"(createTime|storeTime)":\s*"[^"]*"`)
	lines := func(text string) []string {
		text = decided.ReplaceAllString(text, `"$1": "TIME"`)
		text = regexp.MustCompile(`:\s+`).ReplaceAllString(text, ": ")
		return regexp.MustCompile(`\s*\n\s*`).Split(strings.TrimSpace(text), -1)
	}
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("README -, answered +\n%s", diff)
	}
}

func TestREADME_LinksLeadSomewhere(t *testing.T) {
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(readme(t), -1) {
		if strings.HasPrefix(link[1], "https://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(repository, link[1])); err != nil {
			t.Errorf("the README's link to %s leads nowhere: %v", link[1], err)
		}
	}
}

// The README names every field of a policy.
func TestREADME_NamesEveryPolicyField(t *testing.T) {
	_, table, found := strings.Cut(readme(t), "## Policies")
	if !found {
		t.Fatal("the README has no section on policies")
	}
	descriptor, err := protoregistry.GlobalFiles.FindDescriptorByName("holdfast.v1.Policy")
	if err != nil {
		t.Fatal(err)
	}
	message, ok := descriptor.(protoreflect.MessageDescriptor)
	if !ok {
		t.Fatal("holdfast.v1.Policy is no message")
	}
	for i := range message.Fields().Len() {
		name := fmt.Sprintf("`%s`", message.Fields().Get(i).Name())
		if !strings.Contains(table, name) {
			t.Errorf("the README's policies lack %s", name)
		}
	}
}
