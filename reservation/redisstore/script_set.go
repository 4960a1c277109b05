package redisstore

import (
	"crypto/sha1" //nolint:gosec // Redis names scripts by their SHA-1.
	"encoding/hex"
	"fmt"
	"regexp"
	"sync/atomic"
)

// script is one Lua script as one process of the store gets it.
type script struct {
	name   scriptName
	source string
	sha    string
}

// scriptSet is the scripts for one process of the store. Its run_id stands in their text, and a
// script cache does not outlive its process: any other process answers NOSCRIPT, however a
// connection came to it. So a call never runs under the run_id of another process.
type scriptSet struct {
	process string // run_id
	byName  map[scriptName]*script
}

// scriptSets makes the set for whichever process answers, and knows the present one.
type scriptSets struct {
	texts  []scriptText
	latest atomic.Pointer[scriptSet]
}

// present returns the set of the process that a connection met last; nil before the first.
func (s *scriptSets) present() *scriptSet { return s.latest.Load() }

// meet makes the set of a process the present one and returns it. While an old and a new process
// answer side by side the two take turns; each call still runs under the id of whom it came to.
func (s *scriptSets) meet(process string) (*scriptSet, error) {
	if set := s.present(); set != nil && set.process == process {
		return set, nil
	}
	set, err := newScriptSet(s.texts, process)
	if err != nil {
		return nil, err
	}
	s.latest.Store(set)
	return set, nil
}

func newScriptSet(texts []scriptText, process string) (*scriptSet, error) {
	if !regexp.MustCompile(`^[0-9A-Za-z]{1,64}$`).MatchString(process) {
		return nil, fmt.Errorf("the store's run_id %q is none", process)
	}
	set := &scriptSet{process: process, byName: make(map[scriptName]*script, len(texts))}
	for _, text := range texts {
		source := text.head + "local run_id = '" + process + "'\n" + text.body
		sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
		set.byName[text.name] = &script{
			name: text.name, source: source, sha: hex.EncodeToString(sum[:]),
		}
	}
	return set, nil
}
