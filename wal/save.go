// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"fmt"

	"github.com/balsa-raft/raft/internal/invariant"
	"github.com/balsa-raft/raft/wire"
)

// Save makes the updates durable, in order, each of them atomically: after a crash an
// update is there whole or not at all, and if one is there, so are all before it.
// Unless they are too many for one segment, they are there all or none.
//
// An error that wraps ErrInvalidUpdate or ErrTooLarge means that nothing was written.
// Every other error is final: every later Save returns it too, and wraps ErrFailed.
// Entries and Load tell what was saved once it is durable, and not before.
func (l *Log) Save(updates []wire.Update) error {
	l.saveMu.Lock()
	defer l.saveMu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	if l.options.ReadOnly {
		return ErrReadOnly
	}
	if l.closed { // Close holds saveMu too when it sets it.
		return ErrClosed
	}
	l.saves++
	size, err := l.stage(updates)
	if err != nil || size == 0 {
		return err
	}
	if err := l.writeAll(updates, size); err != nil {
		l.failed = fmt.Errorf("%w: %w", ErrFailed, err)
		return l.failed
	}
	l.spares.afterSave()
	l.prover.afterSave()
	return nil
}

// writeAll writes the updates, which take at most size bytes, in one batch, if a
// segment can hold that, or else in as few as it takes, and then what is to be moved.
func (l *Log) writeAll(updates []wire.Update, size int) error {
	for len(updates) > 0 {
		n := len(updates)
		if batchHeaderBytes+size > l.room() {
			var err error
			if n, size, err = l.makeRoom(updates); err != nil {
				return err
			}
		}
		compacts := l.compacts[len(l.compacts)-len(updates):]
		if err := l.writeBatch(updates[:n], compacts[:n], size); err != nil {
			return err
		}
		updates = updates[n:]
		_, size = fitting(updates, segmentBytesMax)
	}
	return l.moveForward()
}

// makeRoom begins a new segment, unless this one is new, and returns how many of
// the updates, which do not fit as a whole in what was left, are to be written now.
func (l *Log) makeRoom(updates []wire.Update) (n, size int, err error) {
	n, size = fitting(updates, l.room())
	if n == 0 || l.tail.end > l.index.active().start {
		if err := l.roll(); err != nil {
			return 0, 0, err
		}
		n, size = fitting(updates, l.room())
	}
	invariant.Check(n > 0, "an update that was found to fit in a segment fits in a new one")
	return n, size, nil
}

// room is how many bytes the segment has left.
func (l *Log) room() int { return int(l.index.active().limit() - l.tail.end) }

// fitting returns how many of the updates fit in a batch of that many bytes, and
// the size of their records.
func fitting(updates []wire.Update, room int) (n, size int) {
	for n < len(updates) {
		bytes := updateBytes(&updates[n])
		if batchHeaderBytes+size+bytes > room {
			break
		}
		size += bytes
		n++
	}
	return n, size
}

// writeBatch writes and syncs the updates as one batch, and only then lets readers
// know of them.
func (l *Log) writeBatch(updates []wire.Update, compacts []wire.LogID, size int) error {
	s := l.index.active()
	l.encoder.begin(s, l.tail.end, batchHeaderBytes+size)
	for i := range updates {
		l.encoder.update(&updates[i], compacts[i])
	}
	if err := l.commit(s); err != nil {
		return err
	}
	l.unproven = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(updates, compacts)
	l.retire()
	return nil
}

// commit writes and syncs what is encoded.
func (l *Log) commit(s *segment) error {
	buf, after := l.encoder.finish(l.tail)
	if _, err := s.file.WriteAt(buf, int64(l.tail.end)); err != nil {
		return fmt.Errorf("wal: write %d bytes at %d to segment %d: %w", len(buf), l.tail.end, s.number, err)
	}
	if err := s.file.SyncData(); err != nil {
		return fmt.Errorf("wal: sync segment %d: %w", s.number, err)
	}
	l.tail = after
	return nil
}

// publish changes the index as the updates say. The caller holds l.mu.
func (l *Log) publish(updates []wire.Update, compacts []wire.LogID) {
	runs := l.encoder.runs
	for i := range updates {
		u := &updates[i]
		g := l.index.group(u.Group)
		if !u.HardState.IsZero() {
			g.known, g.hardState = true, u.HardState
		}
		if u.Reset != (wire.LogID{}) {
			g.known = true
			l.index.reset(g, u.Reset)
		}
		for rest := u.Entries; len(rest) > 0; runs = runs[1:] {
			g.known = true
			l.index.append(g, runs[0], rest[:runs[0].count])
			rest = rest[runs[0].count:]
		}
		if compacts[i] != (wire.LogID{}) {
			l.index.compact(g, compacts[i])
		}
	}
}
