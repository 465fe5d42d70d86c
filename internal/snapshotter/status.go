// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"fmt"
	"strings"

	"github.com/balsa-raft/raft/wire"
)

// Status says what a snapshotter is doing, as of the last step.
type Status struct {
	Taking   TakeStatus
	Fetching FetchStatus
	// Serving lists the members that are being sent a snapshot.
	Serving []ServeStatus
	// Latest is the newest published snapshot, with a zero ID if there is none.
	Latest wire.SnapshotMeta
	// Waiting is how many calls of Take wait for a snapshot that has not been begun.
	Waiting int
	Counters
}

// TakeStatus is about a snapshot of the node's own that is being taken.
type TakeStatus struct {
	Active bool
	// Index is that of the last entry covered, zero until the state is captured.
	Index wire.Index
	Bytes uint64 // written so far
}

// FetchStatus is about a snapshot that is being fetched.
type FetchStatus struct {
	Active      bool
	From        wire.NodeID
	ID          wire.SnapshotID
	Index       wire.Index
	Bytes, Size uint64 // Size is zero if it is not known.
}

// ServeStatus is about a member that is being sent a snapshot.
type ServeStatus struct {
	To           wire.NodeID
	ID           wire.SnapshotID
	Index        wire.Index
	Offset, Size uint64 // Size is zero if it is not known.
	Live         bool   // It is read from the state machine.
}

// Counters count what has happened since New.
type Counters struct {
	Taken, TakeFailed uint64
	Offered           uint64 // offers sent
	Sent              uint64 // transfers served to their end
	Received          uint64 // transfers fetched to their end
	Interrupted       uint64 // transfers to this node that were given up
	Resumed           uint64 // transfers to this node that went on with what was held
	BytesIn, BytesOut uint64 // of data
	Dropped           uint64 // messages that were not wanted, or not intact, or not sent
	Damaged           uint64 // snapshots found damaged
}

// Status says what the snapshotter is doing.
func (s *Snapshotter) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	board := s.board
	board.Serving = append([]ServeStatus(nil), board.Serving...)
	board.Dropped += s.dropped
	if board.Latest = (wire.SnapshotMeta{}); len(s.catalog) > 0 {
		board.Latest = s.catalog[0]
	}
	return board
}

// Busy says what is under way, "" if nothing is: nothing being taken, fetched or sent,
// nothing to be tried again, and nothing waiting to be looked at. A snapshot that the
// policy wants later does not count.
func (s *Snapshotter) Busy() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ""
	case s.in.has():
		return "calls to look at"
	case len(s.requests) > 0:
		return fmt.Sprintf("%d fetches to answer", len(s.requests))
	case len(s.chunks) > 0:
		return fmt.Sprintf("%d chunks to look at", len(s.chunks))
	}
	return s.busy
}

// report publishes what is under way.
func (s *Snapshotter) report() {
	busy := s.business()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.board
	b.Counters, b.Waiting, s.busy = s.counts, len(s.callers), busy
	b.Taking, b.Fetching = TakeStatus{}, FetchStatus{}
	if t := s.take; t != nil {
		b.Taking = TakeStatus{Active: true, Index: t.meta.Last.Index, Bytes: t.size}
	}
	if f := s.fetch; f != nil {
		b.Fetching = FetchStatus{true, f.from, f.meta.ID, f.meta.Last.Index, f.held, f.meta.Size}
	}
	b.Serving = b.Serving[:0]
	for i := range s.serves {
		if v := &s.serves[i]; !v.ended {
			isLive := s.live(v.to, v.meta.ID) != nil
			b.Serving = append(b.Serving, ServeStatus{v.to, v.meta.ID, v.meta.Last.Index, v.offset, v.meta.Size, isLive})
		}
	}
}

// business says what is under way.
func (s *Snapshotter) business() string {
	var list []string
	add := func(isSo bool, what string) {
		if isSo {
			list = append(list, what)
		}
	}
	add(s.take != nil, "taking a snapshot")
	add(s.take == nil && s.asked, "a capture nobody wants any more")
	add(len(s.callers) > 0, "waiting to take a snapshot")
	add(s.take == nil && s.wanted, "a snapshot to be taken")
	add(s.replace != nil, "restored data to be replaced")
	add(s.fetch != nil, "fetching a snapshot")
	add(s.streamAsked != nil, "capturing the state for a member")
	add(len(s.lives) > 0, "live captures")
	add(len(s.doomed) > 0 || s.pruneAt == 0, "snapshots to be deleted")
	return strings.Join(list, ", ")
}
