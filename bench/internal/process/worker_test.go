package process_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/bench/internal/process"
)

func TestReceive_HandsOverValuesUntilTheInputEnds(t *testing.T) {
	var got []int
	err := process.Receive(strings.NewReader("1\n2\n3\n"), func(value int) error {
		got = append(got, value)
		return nil
	})
	if err != nil || len(got) != 3 || got[2] != 3 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestReceive_SaysWhatCannotBeRead(t *testing.T) {
	err := process.Receive(strings.NewReader("1\nx\n"), func(int) error { return nil })
	if err == nil {
		t.Error("what is no JSON was taken")
	}
}

func TestAnswers_SayAValueOrWhyThereIsNone(t *testing.T) {
	var out bytes.Buffer
	answers := process.NewAnswers(&out)
	if err := errors.Join(answers.Say(7, nil), answers.Say(nil, io.ErrUnexpectedEOF)); err != nil {
		t.Fatal(err)
	}
	const want = `{"Error":"","Value":7}` + "\n" + `{"Error":"unexpected EOF","Value":null}` + "\n"
	if out.String() != want {
		t.Errorf("said %s", out.String())
	}
}
