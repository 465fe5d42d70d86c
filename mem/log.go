// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// Log is a log store in memory, for any number of groups. It satisfies the
// LogStore interface of package raft. All methods may be called from any
// goroutine, though Save by one at a time, as the contract says.
type Log struct {
	mu     sync.Mutex
	groups map[wire.GroupID]*groupLog
	// incarnation tells this store, and its clones, from others.
	incarnation wire.Incarnation

	// What tests have asked for; see FailSaves, SetSaveDelay and Stall.
	saveErr   error
	saveDelay time.Duration
	stalled   chan struct{} // closed by Resume, nil unless stalled
}

// NewLog returns an empty log store.
func NewLog() *Log {
	return &Log{groups: make(map[wire.GroupID]*groupLog), incarnation: wire.Incarnation(rand.Uint64() | 2)}
}

// Incarnation returns a number of this store's own; a clone has the same.
func (l *Log) Incarnation() wire.Incarnation { return l.incarnation }

// Save makes the updates, in order, each of them as a whole. It copies what it
// keeps. An update that would leave a gap, that goes back in terms, or that
// touches what is compacted is an error, and neither it nor those after it are made.
func (l *Log) Save(updates []wire.Update) error {
	l.waitForDisk()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.saveErr != nil {
		return fmt.Errorf("mem: save: %w", l.saveErr)
	}
	for i := range updates {
		if err := l.group(updates[i].Group).update(&updates[i]); err != nil {
			return fmt.Errorf("mem: save group %d: %w", updates[i].Group, err)
		}
	}
	return nil
}

// group returns the group's log and makes it if there is none.
func (l *Log) group(id wire.GroupID) *groupLog {
	g := l.groups[id]
	if g == nil {
		g = new(groupLog)
		l.groups[id] = g
	}
	return g
}

// Load returns what is known about a group: a zero LogState for one that was
// never saved to. It takes time in proportion to the group's entries.
func (l *Log) Load(group wire.GroupID) (wire.LogState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.groups[group]; g != nil {
		return g.state(), nil
	}
	return wire.LogState{}, nil
}

// Entries returns the entries of a group from lo up to and including hi, or
// fewer, but at least one, if they would exceed bytesMax in Entry.Size. An empty
// range, or one of which an entry isn't there, is an error. The caller may change
// the slice returned, but not the data of its entries.
func (l *Log) Entries(group wire.GroupID, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups[group]
	if g == nil {
		g = new(groupLog)
	}
	entries, err := g.read(lo, hi, bytesMax)
	if err != nil {
		return nil, fmt.Errorf("mem: entries of group %d: %w", group, err)
	}
	return entries, nil
}

// Close does nothing: the log keeps what it has, and may be used again, as a disk
// may after its process ended.
func (l *Log) Close() error { return nil }

// Clone returns another Log with what is saved at this moment and none of the
// hooks set: the disk that a crash now would leave. A Save that has not returned
// is in the clone with all of its updates or with none.
func (l *Log) Clone() *Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	clone := NewLog()
	clone.incarnation = l.incarnation
	for id, g := range l.groups {
		clone.groups[id] = g.clone()
	}
	return clone
}
