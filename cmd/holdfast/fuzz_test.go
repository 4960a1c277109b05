package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"google.golang.org/protobuf/proto"
)

// FuzzArguments reads the arguments that have a form of their own: an error that quotes what was
// typed, or what says the same when it is written down again.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		"TEA=3", "a=b=-7", "=", "TEA=12:10", "TEA=:", "x=9223372036854775808", "1:42", ":", "-1:+2",
		"ä b=007", "\x00=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var line lineArgument
		wantRead(t, text, line.UnmarshalText([]byte(text)), func() error {
			var again lineArgument
			written := fmt.Sprintf("%s=%d", line.sku, line.quantity)
			if err := again.UnmarshalText([]byte(written)); err != nil || again != line {
				return fmt.Errorf("%+v was written as %q and read as %+v: %w", line, written, again, err)
			}
			return nil
		})
		var count countArgument
		wantRead(t, text, count.UnmarshalText([]byte(text)), func() error {
			var again countArgument
			written := fmt.Sprintf("%s=%d", count.sku, count.counted)
			if count.expected != nil {
				written += fmt.Sprintf(":%d", *count.expected)
			}
			err := again.UnmarshalText([]byte(written))
			if err != nil || again.sku != count.sku || again.counted != count.counted ||
				(count.expected == nil) != (again.expected == nil) {
				return fmt.Errorf("%q was read in another way: %w", written, err)
			}
			return nil
		})
		var position positionArgument
		wantRead(t, text, position.UnmarshalText([]byte(text)), func() error {
			var again positionArgument
			written := fmt.Sprintf("%d:%d", position.epoch, position.sequence)
			if err := again.UnmarshalText([]byte(written)); err != nil || again != position {
				return fmt.Errorf("%q was read in another way: %w", written, err)
			}
			return nil
		})
	})
}

func wantRead(t *testing.T, text string, err error, again func() error) {
	t.Helper()
	if err != nil {
		if !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("%q: the error does not quote it: %v", text, err)
		}
		return
	}
	if err := again(); err != nil {
		t.Errorf("%q: %v", text, err)
	}
}

// FuzzPolicyFlags reads command lines of policy set: a usage error, or a request that names just
// the fields that were set and cleared.
func FuzzPolicyFlags(f *testing.F) {
	for _, seed := range []string{
		"--backorder-mode allow\n--backorder-limit 7", "--no-sellable\n--clear restock_time,tracked",
		"--substitute a,b\n--substitute ä", "--restock-time 2027-01-31T08:00:00Z",
		"--min-quantity=-1\n--clear min_quantity", "--clear \x00", "--restock-time 99999",
	} {
		f.Add(seed)
	}
	// The one command alone, for to make the parser of all of them takes many times as long. Each
	// Parse begins with what the grammar has by default.
	var commands struct {
		Set policySetCommand `cmd:""`
	}
	parser, err := kong.New(&commands, kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}),
		kong.Vars{"version": version()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		arguments := []string{"set", "TEA"}
		for line := range strings.SplitSeq(text, "\n") {
			flag, value, spaced := strings.Cut(line, " ")
			arguments = append(arguments, flag)
			if spaced {
				arguments = append(arguments, value)
			}
		}
		if _, err := parser.Parse(arguments); err != nil {
			return
		}
		command := &commands.Set
		policy := command.policy()
		mask, err := command.mask(policy)
		var usage *usageError
		if err != nil {
			if !errors.As(err, &usage) {
				t.Errorf("%q: %v", arguments, err)
			}
			return
		}
		if !mask.IsValid(policy) {
			t.Errorf("%q: the mask %v is none of a policy", arguments, mask.GetPaths())
		}
		_ = proto.Size(policy)
	})
}
