package storetest

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"testing"
)

//go:embed scenarios/*.txt
var scenarioFiles embed.FS

// scenario is one story: calls on an empty store, and what is expected of each.
type scenario struct {
	name  string
	steps []step
}

// step is one line of a scenario and the expectations below it.
type step struct {
	line int
	text string
	want []string
}

// runScenarios runs every story of every file, each on a store of its own.
func runScenarios(t *testing.T, open func(t *testing.T) Subject) {
	files, err := scenarioFiles.ReadDir("scenarios")
	if err != nil {
		t.Fatalf("list the scenarios: %v", err)
	}
	for _, file := range files {
		name := path.Join("scenarios", file.Name())
		text, err := scenarioFiles.ReadFile(name)
		if err != nil {
			t.Fatalf("read %s: %v", name, err)
		}
		stories, err := parseScenarios(string(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Run(strings.TrimSuffix(file.Name(), ".txt"), func(t *testing.T) {
			t.Parallel()
			for _, story := range stories {
				t.Run(story.name, func(t *testing.T) {
					t.Parallel()
					runScenario(t, open(t), name, story)
				})
			}
		})
	}
}

// parseScenarios reads one file.
func parseScenarios(text string) ([]scenario, error) {
	var stories []scenario
	for number, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		title, isTitle := strings.CutPrefix(line, "scenario ")
		switch {
		case trimmed == "", strings.HasPrefix(trimmed, "#"):
		case isTitle:
			stories = append(stories, scenario{name: strings.TrimSpace(title)})
		case len(stories) == 0:
			return nil, fmt.Errorf("line %d stands before the first scenario", number+1)
		case line[0] != ' ':
			story := &stories[len(stories)-1]
			story.steps = append(story.steps, step{line: number + 1, text: trimmed})
		default:
			steps := stories[len(stories)-1].steps
			if len(steps) == 0 {
				return nil, fmt.Errorf("line %d expects something of no step", number+1)
			}
			want, err := expectations(trimmed)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number+1, err)
			}
			last := &steps[len(steps)-1]
			last.want = append(last.want, want...)
		}
	}
	return stories, nil
}

// expectations returns one expectation, or the many that begin with "each".
func expectations(text string) ([]string, error) {
	if strings.HasPrefix(text, "each ") {
		return each(text)
	}
	return []string{text}, nil
}

// each takes "each 1..300 reserve o# MUG*1" apart: the text for every number, which is written with
// three digits so that ids have the order of their numbers.
func each(text string) ([]string, error) {
	words := strings.SplitN(text, " ", 3)
	if len(words) != 3 {
		return nil, errors.New("each needs a range and a text")
	}
	from, to, _ := strings.Cut(words[1], "..")
	first, err := strconv.Atoi(from)
	if err != nil {
		return nil, fmt.Errorf("range: %w", err)
	}
	last, err := strconv.Atoi(to)
	if err != nil {
		return nil, fmt.Errorf("range: %w", err)
	}
	if last-first >= maxRepeats || last < first {
		return nil, fmt.Errorf("range: has %d to %d, must have 1 to %d", first, last, maxRepeats)
	}
	var texts []string
	for n := first; n <= last; n++ {
		texts = append(texts, strings.ReplaceAll(words[2], "#", fmt.Sprintf("%03d", n)))
	}
	return texts, nil
}
