// Package progress shows how far a long call is: a bar on a terminal, else a line now and then.
package progress

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	redraw = 100 * time.Millisecond
	// between is how long a log or a pipe hears nothing.
	between = 5 * time.Second
)

// Progress is told how far a call is.
type Progress interface {
	// Set says how much of how much is done; the total may change.
	Set(done, total int64)
	// End takes what is shown away.
	End()
}

// New returns a bar for a terminal, lines for anything else. what says what is done, such as
// "auditing".
func New(w io.Writer, isTerminal bool, what string) Progress {
	if isTerminal {
		return &bar{w: w, what: what}
	}
	return &lines{w: w, what: what, said: time.Now()}
}

type bar struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar
}

// Set moves the bar. One that cannot be drawn is no reason to stop.
func (b *bar) Set(done, total int64) {
	if b.bar == nil {
		b.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(b.w),
			progressbar.OptionSetDescription(b.what), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionThrottle(redraw),
			progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	}
	b.bar.ChangeMax64(total)
	_ = b.bar.Set64(done)
}

// End takes the bar away.
func (b *bar) End() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

type lines struct {
	w    io.Writer
	what string
	said time.Time
}

// Set writes a line when the last one is some seconds old.
func (l *lines) Set(done, total int64) {
	if now := time.Now(); now.Sub(l.said) >= between {
		l.said = now
		fmt.Fprintf(l.w, "%s: %d of %d\n", l.what, done, total)
	}
}

// End has nothing to say.
func (l *lines) End() {}
