// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// Recorder stands in front of a state machine and records what it is given and what
// it returns. It also finds what must not be: entries that are not commands, indexes
// that don't ascend, terms that go back. Its methods may be called from any goroutine.
type Recorder struct {
	inner raft.StateMachine // nil if it only counts

	mu       sync.Mutex
	applied  []Applied
	restored int // How many of applied came with the last snapshot.
	batches  int
	problems []string
}

// Applied is a command that a state machine was given, and what it returned for it.
type Applied struct {
	raft.LogID
	Command string
	Value   []byte
}

// NewRecorder returns a recorder in front of a state machine. If that is nil, the
// value of each command is how many were applied so far, in decimal.
func NewRecorder(machine raft.StateMachine) *Recorder { return &Recorder{inner: machine} }

// Apply records the commands and passes them on; see raft.StateMachine.
func (r *Recorder) Apply(batch []raft.Entry) [][]byte {
	var values [][]byte
	if r.inner != nil {
		values = r.inner.Apply(batch) // Not under the mutex: it may block.
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inner == nil {
		values = r.counts(len(batch))
	}
	if len(batch) == 0 {
		r.problem("an empty batch was applied")
	}
	r.batches++
	for i, entry := range batch {
		r.record(entry)
		if i < len(values) {
			r.applied[len(r.applied)-1].Value = bytes.Clone(values[i])
		}
	}
	return values
}

func (r *Recorder) counts(n int) [][]byte {
	values := make([][]byte, n)
	for i := range values {
		values[i] = strconv.AppendInt(nil, int64(len(r.applied)+i+1), 10)
	}
	return values
}

func (r *Recorder) record(entry raft.Entry) {
	if n := len(r.applied); n > 0 {
		if last := r.applied[n-1].LogID; entry.Index <= last.Index || entry.Term < last.Term {
			r.problem("%v was applied after %v", entry.ID(), last)
		}
	}
	if entry.Kind != wire.EntryCommand {
		r.problem("%v, which was applied, is a %v", entry.ID(), entry.Kind)
	}
	r.applied = append(r.applied, Applied{LogID: entry.ID(), Command: string(entry.Data)})
}

func (r *Recorder) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// Applied returns what was applied so far, in order.
func (r *Recorder) Applied() []Applied {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.applied)
}

// Commands returns the commands that were applied so far, in order.
func (r *Recorder) Commands() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	commands := make([]string, len(r.applied))
	for i := range r.applied {
		commands[i] = r.applied[i].Command
	}
	return commands
}

// Batches returns how many times Apply was called.
func (r *Recorder) Batches() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.batches
}

// Restored returns how many of the commands came with the last snapshot that was restored,
// instead of being applied; 0 if there was none.
func (r *Recorder) Restored() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.restored
}

// Problems returns what was wrong with what the state machine was given; empty if nothing.
func (r *Recorder) Problems() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.problems)
}
