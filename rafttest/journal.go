// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"log/slog"
	"sync"
)

// journalLinesMax is how many lines are kept for a test that fails.
const journalLinesMax = 300

// journal keeps the last lines of a log.
type journal struct {
	mu    sync.Mutex
	lines [][]byte
	lost  int
}

// Write takes one line, as handlers of log/slog write.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) == journalLinesMax {
		j.lines = append(j.lines[:0], j.lines[1:]...)
		j.lost++
	}
	j.lines = append(j.lines, bytes.Clone(line))
	return len(line), nil
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// contents returns the lines kept, and how many earlier ones were not.
func (j *journal) contents() (text string, lost int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(bytes.Join(j.lines, nil)), j.lost
}
