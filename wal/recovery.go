// SPDX-License-Identifier: Apache-2.0

package wal

import (
	"github.com/balsa-raft/raft/wire"
)

// recovery rebuilds the index from the segments, and verifies them. It changes nothing
// on the disk; see recover for what follows when all is well.
//
// What is damaged is either corruption, and then the log is refused, or the remains of
// a write that a power loss interrupted, and then it is dropped. Which of the two is
// never guessed: a batch is written only when the one before is synced, so any
// later batch proves that what is damaged was whole once. The same do the header of
// a later segment and, if that is missing, the seal of the one before.
type recovery struct {
	log     *Log
	headers []segmentHeader
	tail    tail
	window  window
	entries []wire.Entry // reused

	isMark   bool   // The last batch is one that changes nothing.
	hasBatch bool   // The last segment has a batch.
	torn     uint32 // So many bytes behind the tail are remains of a torn write.
}

// recover rebuilds the log from the segments with these numbers, which is at least
// one, and prepares the last for more, unless the log is only to be read.
func (l *Log) recover(numbers []uint32, id *identity) error {
	r := recovery{log: l}
	if err := r.open(numbers, id); err != nil {
		return err
	}
	for i := range l.index.segments {
		if err := r.replay(i); err != nil {
			return err
		}
	}
	if err := r.checkWhole(); err != nil {
		return err
	}
	l.id, l.tail = r.headers[0].identity, r.tail
	if l.options.ReadOnly {
		return nil
	}
	if id == nil {
		l.options.Logger.Warn("wal: identity file made anew", "folder", l.options.Dir)
		if err := l.writeIdentity(); err != nil {
			return err
		}
	}
	return r.finish()
}

// checkWhole verifies that no group lacks an entry.
func (r *recovery) checkWhole() error {
	for _, g := range r.log.index.known() {
		if g.isWhole() {
			continue
		}
		oldest := r.log.index.segments[0]
		return corrupt(segmentPath(r.log.options.Dir, oldest.number-1), 0, hintMissing,
			"segments before number %d are missing, and with them entries of group %d from %d on",
			oldest.number, g.id, g.compacted.Index+1)
	}
	return nil
}
