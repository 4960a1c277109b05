package history

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	domain "github.com/holdfast-dev/holdfast/reservation"
)

// Verdict is what was found of a history.
type Verdict uint8

// The verdicts. Undecided is one that took too long, or cannot be decided.
const (
	Linearizable Verdict = iota + 1
	Illegal
	Undecided
)

// Judgement is a verdict on one stock's history.
type Judgement struct {
	Verdict    Verdict
	Operations int
	Open       int // without a known outcome
	Reason     string
	Files      []string // of one that is illegal: the history and its picture
}

// Court says how a history is judged.
type Court struct {
	// Sweeps says that holds run out in it.
	Sweeps bool
	// Resends says that answers were lost between a server and its store. Then the server sends
	// again what may be repeated, so a caller's first call may be told that it is a repeat, and a
	// call that has no answer kept may take effect before the moment that its answer tells of.
	Resends bool
	// Patience is how long one history may take.
	Patience time.Duration
	// Dir and Name say where one goes that is illegal.
	Dir, Name string
}

// Judge says whether some order explains the operations of one stock.
func (c Court) Judge(ctx context.Context, operations []*Operation) (Judgement, error) {
	placed := slices.DeleteFunc(slices.Clone(operations), func(o *Operation) bool {
		return o.NothingDone != ""
	})
	j := Judgement{Operations: len(placed)}
	for _, o := range placed {
		if !o.isKnown() {
			j.Open++
		}
	}
	if c.Resends {
		placed = append(placed, resent(placed)...)
	}
	s, err := newSpecification(placed, c)
	if err != nil {
		return j, err
	}
	var list []porcupine.Operation
	for _, o := range placed {
		end := o.Return
		if !o.isKnown() {
			end = math.MaxInt64
		}
		list = append(list, porcupine.Operation{
			ClientId: o.Client, Input: o, Call: o.Call, Output: o.Reply, Return: end,
		})
	}
	if c.Sweeps && j.Open > 0 {
		// When it took effect is not known, and so neither when its hold runs out.
		j.Verdict, j.Reason = Undecided, "outcomes are not known where holds run out"
		return j, nil
	}
	m := s.porcupine(ctx)
	found, info := porcupine.CheckOperationsVerbose(m, list, c.Patience)
	switch found {
	case porcupine.Ok:
		j.Verdict = Linearizable
		return j, nil
	case porcupine.Unknown:
		j.Verdict, j.Reason = Undecided, fmt.Sprintf("not decided within %v", c.Patience)
		return j, nil
	case porcupine.Illegal:
		j.Verdict = Illegal
	}
	err = c.keep(&j, operations, func(path string) error {
		return porcupine.VisualizePath(m, info, path)
	})
	return j, err
}

// keep writes a history and its picture to files.
func (c Court) keep(j *Judgement, operations []*Operation, draw func(path string) error) error {
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return fmt.Errorf("keep a history: %w", err)
	}
	j.Files = []string{
		filepath.Join(c.Dir, c.Name+".jsonl"), filepath.Join(c.Dir, c.Name+".html"),
	}
	if err := Save(operations, j.Files[0]); err != nil {
		return err
	}
	if err := draw(j.Files[1]); err != nil {
		return fmt.Errorf("draw a history: %w", err)
	}
	return nil
}

// resent returns the calls of acknowledged ones that a server may have sent twice with an answer of
// its own each: those that carry no id of their request. The first may have taken effect at any
// time.
func resent(operations []*Operation) []*Operation {
	var again []*Operation
	for _, o := range operations {
		request, ok := o.message.(interface{ GetRequestId() string })
		isWhole := ok && request.GetRequestId() == ""
		if o.isKnown() && o.Reply.Refused == "" && (isWhole || o.Kind == "CommitRequest") {
			first := *o
			first.Reply, first.StoreTime, first.Error = nil, 0, "the server may have sent it before"
			first.isResent = true
			again = append(again, &first)
		}
	}
	return again
}

func newSpecification(operations []*Operation, court Court) (*specification, error) {
	s := &specification{court: court, index: map[*Operation]uint64{}, vague: map[string]bool{}}
	for n, o := range operations {
		s.index[o] = uint64(n)
		switch {
		case o.isKnown():
			s.known++
		case !o.isResent:
			for _, id := range o.names() {
				s.vague[id] = true
			}
		}
	}
	if len(operations) == 0 {
		return s, nil
	}
	stock, err := domain.ParseStockID(operations[0].Stock)
	s.stock = stock
	return s, err
}

// describe says an operation in a line.
func (o *Operation) describe(vague map[string]bool) string {
	text := strings.TrimSuffix(o.Kind, "Request") + " " + string(o.Request)
	if !o.isKnown() {
		return text + " → ? " + o.Error
	}
	return text + " → " + o.Reply.text(vague)
}

// describe says what a stock holds.
func (s *specification) describe(ctx context.Context, at state) string {
	m, _ := s.lead(ctx, at.log)
	var text []string
	snapshot, err := m.Snapshot(ctx, s.stock)
	if err != nil {
		return err.Error()
	}
	for _, i := range snapshot.Items {
		text = append(text, fmt.Sprintf("%s: on hand %d reserved %d queued %d", i.SKU, i.OnHand,
			i.Reserved, i.Queued))
	}
	for _, r := range snapshot.Reservations {
		text = append(text, fmt.Sprintf("%s %s", r.ID, r.State))
	}
	return fmt.Sprintf("sequence %d; %s", snapshot.Sequence, strings.Join(text, "; "))
}
