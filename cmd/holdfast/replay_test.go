package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/cmd/holdfast/internal/replay"
)

func historyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orders.csv")
	const rows = "InvoiceNo,StockCode,Quantity,InvoiceDate\n" +
		"1,TEA,10,\n2,MUG,5,\n2,TEA,5,\nC1,TEA,-10,\n3,MUG,-1,\n"
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReplay_ReportsAsTableAndAsJSON(t *testing.T) {
	withServer(t)
	file := historyFile(t)
	answers := filepath.Join(t.TempDir(), "answers.jsonl")
	table := mustRun(t, "replay", file, "--ample", "--answers", answers)
	for _, want := range []string{
		"run replay in stock replay: 64 callers", "reserved            2      3     20",
		"0 rows of 5 skipped", "2 SKUs verified", "journal verified: ",
	} {
		if !strings.Contains(table.stdout, want) {
			t.Errorf("no %q in\n%s", want, table.stdout)
		}
	}
	written, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(written, []byte("\n")); got != 5 {
		t.Errorf("%d answers, want one supply, two orders, one cancellation, one correction:\n%s",
			got, written)
	}
	stream := mustRun(t, "replay", file, "--ample", "--stream", "--run", "stream", "--stock", "other")
	if want := "64 callers over one stream"; !strings.Contains(stream.stdout, want) {
		t.Errorf("no %q in\n%s", want, stream.stdout)
	}
	second := mustRun(t, "replay", file, "--ample", "--output", "json")
	var report replay.Report
	if err := json.Unmarshal([]byte(second.stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Reserve.Replayed != 2 || report.Restock.Replayed != 2 ||
		report.Verification.SKUs != 2 {
		t.Errorf("the second run: %s", second.stdout)
	}
}

func TestReplay_ExitStatuses(t *testing.T) {
	withServer(t)
	file := historyFile(t)
	for _, test := range []struct {
		arguments string
		status    int
		want      string
	}{
		{file + " --backorder-limit 0 --supply 0.5", exitDone, ""},
		{file + " --ample", exitRefused, "choose another --stock"},
		{"nowhere.csv", exitRefused, "nowhere.csv"},
		{file + " --concurrency 0", exitUsage, "--concurrency is 0"},
		{file + " --supply=-1", exitUsage, "--supply is -1"},
		{file + " --backorder-limit=-2", exitUsage, "--backorder-limit is -2"},
		{file + " --ttl 10ms", exitUsage, "--ttl is 10ms, must be 1s to 720h0m0s"},
		{file + " --commit-rate 0.5", exitUsage, "--commit-rate needs --ttl"},
		{file + " --ttl 9s --commit-rate 0.7 --cancel-rate 0.7", exitUsage, "together at most 1"},
		{file + " --restock-every=-1", exitUsage, "--restock-every is -1"},
		{file + " --timeout 200ms --address 127.0.0.1:1", exitUnavailable, "no server answers"},
	} {
		got := command(t, append([]string{"replay"}, strings.Fields(test.arguments)...)...)
		if got.status != test.status || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: exit status %d, want %d: %s",
				test.arguments, got.status, test.status, got.stderr)
		}
	}
}
