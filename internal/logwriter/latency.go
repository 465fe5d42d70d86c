// SPDX-License-Identifier: Apache-2.0

package logwriter

import "time"

// slowestWindow is for how long at least the slowest Save is remembered, and for twice as long at
// most.
const slowestWindow = int64(30 * time.Second)

// Stats says how long Saves take, and what waits for one. A Save that fails counts, too.
type Stats struct {
	// Saves counts those that have ended since the writer was made.
	Saves uint64
	// Last is how long the last one took, Slowest the slowest of the last 30 to 60 seconds.
	Last, Slowest time.Duration
	// Underway is for how long the one that is under way has been, zero if none is.
	Underway time.Duration
	// Bytes are those of the entries that are queued, and not yet being saved.
	Bytes int
}

// Stats returns what the writer knows now. It does not wait for a Save.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	w.latency.roll(now)
	s := Stats{
		Saves: w.latency.count, Last: time.Duration(w.latency.last), Bytes: w.bytes,
		Slowest: time.Duration(max(w.latency.slowest[0], w.latency.slowest[1])),
	}
	if w.saving {
		s.Underway = time.Duration(now - w.savingSince)
	}
	return s
}

// begin and end are called before and after each Save; the mutex is held.
func (w *Writer) begin() { w.saving, w.savingSince = true, w.now() }

func (w *Writer) end() {
	now := w.now()
	w.latency.add(now, now-w.savingSince)
	w.saving = false
}

// latency is of the Saves that have ended, in nanoseconds.
type latency struct {
	count uint64
	last  int64
	// slowest are those of the present window of time, which is the window-th, and of the one
	// before.
	slowest [2]int64
	window  int64
}

func (l *latency) add(now, took int64) {
	l.roll(now)
	l.count++
	l.last = took
	l.slowest[0] = max(l.slowest[0], took)
}

// roll forgets what is too long ago.
func (l *latency) roll(now int64) {
	window := now / slowestWindow
	switch window - l.window {
	case 0:
		return
	case 1:
		l.slowest = [2]int64{0, l.slowest[0]}
	default:
		l.slowest = [2]int64{}
	}
	l.window = window
}
