package replay

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Progress is told how far a run is.
type Progress interface {
	// Begin says how many entries there are to send.
	Begin(total int)
	// Step says that one more is answered.
	Step()
	// End says that there will be no more.
	End()
	// Note says something about what is waited for, before Begin or after End.
	Note(text string)
}

// Bar returns a progress bar for a terminal.
func Bar(w io.Writer) Progress { return &bar{w: w} }

type bar struct {
	w   io.Writer
	bar *progressbar.ProgressBar
}

// Begin draws the bar.
func (b *bar) Begin(total int) {
	const redraw = 100 * time.Millisecond
	b.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription("replaying"), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionThrottle(redraw),
		progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
}

// Step moves the bar on. One that cannot be drawn is no reason to stop.
func (b *bar) Step() { _ = b.bar.Add(1) }

// End takes the bar away.
func (b *bar) End() { _ = b.bar.Finish() }

// Note writes a line.
func (b *bar) Note(text string) { fmt.Fprintln(b.w, text) }

// Lines returns a progress that writes a line every so often, for a log or a pipe.
func Lines(w io.Writer) Progress { return &lines{w: w} }

type lines struct {
	w           io.Writer
	done, total int
	start, said time.Time
}

// Begin starts the clock.
func (l *lines) Begin(total int) {
	l.total, l.start = total, time.Now()
	l.said = l.start
}

// Step writes a line when the last one is some seconds old.
func (l *lines) Step() {
	const interval = 5 * time.Second
	l.done++
	if now := time.Now(); now.Sub(l.said) >= interval {
		l.said = now
		fmt.Fprintf(l.w, "replaying: %d of %d sent, %.0f s\n",
			l.done, l.total, now.Sub(l.start).Seconds())
	}
}

// End has nothing to say: the report follows.
func (l *lines) End() {}

// Note writes a line.
func (l *lines) Note(text string) { fmt.Fprintln(l.w, text) }
