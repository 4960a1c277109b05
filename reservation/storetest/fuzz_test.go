package storetest

import (
	"testing"

	"github.com/holdfast-dev/holdfast/reservation"
)

// FuzzScenarios reads scenario files that nobody would write: an error, or calls that are known.
func FuzzScenarios(f *testing.F) {
	files, err := scenarioFiles.ReadDir("scenarios")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := scenarioFiles.ReadFile("scenarios/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("scenario x\nreserve o 300xTEA*1 ttl=5s\n  each 1..3 held #\n")
	stock, err := reservation.ParseStockID("")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		stories, err := parseScenarios(text)
		if err != nil {
			return
		}
		for _, story := range stories {
			for _, step := range story.steps {
				_, _ = parseCall(stock, step.text) // an error is as good as a call
			}
		}
	})
}
