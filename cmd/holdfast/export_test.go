package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fed runs a command line with something on standard input.
func fed(t *testing.T, stdin io.Reader, arguments ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), arguments, session{stdin: stdin, stdout: &stdout, stderr: &stderr})
	return outcome{stdout.String(), stderr.String(), status}
}

// pipe is an input that cannot be read twice.
type pipe struct{ io.Reader }

func TestExport_ComesBackByRestore(t *testing.T) {
	withRedis(t)
	mustRun(t, "restock", "TEA=10", "MUG=2")
	mustRun(t, "reserve", "--id", "o1", "TEA=3")
	mustRun(t, "reserve", "--id", "o2", "--ttl", "1h", "TEA=1", "MUG=2")
	export := mustRun(t, "export")
	if want := "stock default as of 1:"; !strings.HasPrefix(export.stderr, want) {
		t.Errorf("no %q in %q", want, export.stderr)
	}
	path := filepath.Join(t.TempDir(), "default.export")
	if err := os.WriteFile(path, []byte(export.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for stock, stdin := range map[string]io.Reader{
		"of-a-file": file, "of-a-pipe": pipe{strings.NewReader(export.stdout)},
	} {
		requireSaid(t, fed(t, stdin, "restore", stock), exitDone, "stock "+stock+
			" is built as of 1:", "2 SKUs, 2 reservations and 1 request id\n")
		requireSaid(t, command(t, "audit", "--stock", stock), exitSound)
		want := mustRun(t, "get", "o2", "-o", "json").stdout
		got := mustRun(t, "get", "o2", "-o", "json", "--stock", stock).stdout
		if got = strings.Replace(got, stock, "default", 1); steady(got) != steady(want) {
			t.Errorf("exported %s\nrestored %s", want, got)
		}
	}
	got := fed(t, strings.NewReader(export.stdout), "restore")
	if got.status != exitRefused || !strings.Contains(got.stderr, "STOCK_NOT_EMPTY") {
		t.Errorf("into the stock that it is of: %+v", got)
	}
}

func TestRestore_OfADamagedFileWritesNothing(t *testing.T) {
	kept := withRedis(t)
	mustRun(t, "restock", "TEA=10")
	export := mustRun(t, "export").stdout
	before := kept.DBSize(t.Context()).Val()
	for name, file := range map[string]string{
		"cut": export[:len(export)-40], "nothing": "", "another": "InvoiceNo,StockCode\n",
		"changed": strings.Replace(export, "TEA", "TEE", 1), "longer": export + "x",
	} {
		got := fed(t, strings.NewReader(file), "restore", "copy")
		if got.status != exitRefused || !strings.Contains(got.stderr, "nothing was written") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if after := kept.DBSize(t.Context()).Val(); after != before {
		t.Errorf("there were %d keys, there are %d", before, after)
	}
}
