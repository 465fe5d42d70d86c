// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"sync"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// snapshotCall is a kind of call of Snapshots that can be made slow.
type snapshotCall int

const (
	writing snapshotCall = iota
	publishing
	reading
	snapshotCalls // so many
)

// snapshotFaults are what tests have asked for. Snapshots.mu guards them.
type snapshotFaults struct {
	writeErr, publishErr, readErr error

	delays  [snapshotCalls]time.Duration
	stalled chan struct{} // closed by Resume, nil unless stalled
}

// FailWrites makes every Write that has not yet begun to write return an error that
// wraps err, and abandon its snapshot. A nil err ends that.
func (s *Snapshots) FailWrites(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.writeErr = err
}

// FailPublishes makes every Publish that has not yet begun to work return an error that
// wraps err, and abandon its snapshot. A nil err ends that.
func (s *Snapshots) FailPublishes(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.publishErr = err
}

// FailReads makes every ReadAt that has not yet begun to read return an error that wraps
// err, and read nothing. The snapshot stays. A nil err ends that.
func (s *Snapshots) FailReads(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.readErr = err
}

// SetDelays makes every Write, Publish and ReadAt sleep that long before it does anything.
// Use it inside a testing/synctest bubble, where sleeping takes no time.
func (s *Snapshots) SetDelays(write, publish, read time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.delays = [snapshotCalls]time.Duration{writing: write, publishing: publish, reading: read}
}

// Stall makes every Write and Publish that has not yet begun to write wait for Resume, as
// a disk does that hangs. Reads go on.
func (s *Snapshots) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.stalled == nil {
		s.faults.stalled = make(chan struct{})
	}
}

// Resume ends a Stall; without one it does nothing.
func (s *Snapshots) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.stalled != nil {
		close(s.faults.stalled)
		s.faults.stalled = nil
	}
}

// Damage marks a byte of a published snapshot's data, or of those of the unfinished one, as
// damaged. It reports whether there is such a byte. From then on the store behaves as one
// that verifies what it reads: the ReadAt that comes upon the byte is an error, and so is
// the Publish of the unfinished snapshot. Copies that Clone made before are not damaged.
func (s *Snapshots) Damage(group wire.GroupID, id wire.SnapshotID, offset uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(group)
	p := g.unfinished
	if i := g.find(id); i >= 0 {
		p = g.published[i]
	}
	if p == nil || p.meta.ID != id || offset >= uint64(len(p.data)) {
		return false
	}
	p.damaged = append(p.damaged, offset)
	return true
}

// wait returns when neither delay nor stall stands against a call. It is called without mu.
func (f *snapshotFaults) wait(mu *sync.Mutex, call snapshotCall) {
	mu.Lock()
	delay := f.delays[call]
	mu.Unlock()
	if delay > 0 {
		time.Sleep(delay)
	}
	mu.Lock()
	stalled := f.stalled
	mu.Unlock()
	if stalled != nil && call != reading {
		<-stalled
	}
}
