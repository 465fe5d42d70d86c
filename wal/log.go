// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/balsa-raft/raft/internal/vfs"
	"github.com/balsa-raft/raft/wire"
)

// Log is the log of all groups of a node. It satisfies the LogStore interface of
// package raft. Save is for one goroutine at a time; all else is for any.
type Log struct {
	options Options
	fs      vfs.FS
	lock    io.Closer
	spares  *spares
	prover  *prover

	// saveMu serialises Save and Close. What follows it belongs to whoever holds it.
	saveMu   sync.Mutex
	saves    uint64 // so many were begun
	id       identity
	tail     tail
	unproven bool   // The last batch changes something, and no batch follows that proves it synced.
	moved    uint32 // the segment in which moveForward was done last
	// movedLarge is the segment in which it moved a large group last, and complained how many
	// segments were kept when it complained last.
	movedLarge, complained uint32
	encoder                encoder
	compacts               []wire.LogID // see stage
	failed                 error        // wraps ErrFailed

	// mu guards what follows, and is never held during I/O.
	mu      sync.Mutex
	index   index
	retired []*segment // oldest first, to be disposed of in this order
	closed  bool
	readers sync.WaitGroup
}

// Incarnation tells this life of the folder from any other: it was drawn when the
// folder was made, and was durable when Open returned.
func (l *Log) Incarnation() wire.Incarnation { return l.id.incarnation }

// Groups returns the groups of which anything was saved, in ascending order.
func (l *Log) Groups() []wire.GroupID {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.index.known()
	ids := make([]wire.GroupID, len(known))
	for i, g := range known {
		ids[i] = g.id
	}
	return ids
}

// Load returns what is known about a group: a zero LogState for one of which
// nothing was saved.
func (l *Log) Load(group wire.GroupID) (wire.LogState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return wire.LogState{}, ErrClosed
	}
	g := l.index.groups[group]
	if g == nil {
		return wire.LogState{}, nil
	}
	return g.state(), nil
}

// Close waits for what is going on and closes the files. It is not needed for
// durability, though it lets the next Open know that the last Save was synced.
// A second call does nothing.
func (l *Log) Close() error {
	l.saveMu.Lock()
	defer l.saveMu.Unlock()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	l.spares.stop()
	l.prover.stop()
	l.readers.Wait()
	var err error
	if l.failed == nil {
		err = l.mark()
	}
	return errors.Join(err, l.closeFiles())
}

func (l *Log) closeFiles() error {
	var problems []error
	for _, s := range slices.Concat(l.retired, l.index.segments) {
		if err := s.file.Close(); err != nil {
			problems = append(problems, fmt.Errorf("wal: close segment %d: %w", s.number, err))
		}
	}
	if err := l.lock.Close(); err != nil {
		problems = append(problems, fmt.Errorf("wal: unlock folder %s: %w", l.options.Dir, err))
	}
	return errors.Join(problems...)
}
