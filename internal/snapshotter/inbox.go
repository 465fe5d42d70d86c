// SPDX-License-Identifier: Apache-2.0

package snapshotter

import (
	"io"

	"github.com/balsa-raft/raft/wire"
)

// inbox is what the exported methods leave for the next step. It is bounded: by one
// capture of each kind that was asked for, one offer of and to each member,
// callersMax, and the number of snapshots.
type inbox struct {
	captured []captured
	callers  []func(wire.SnapshotMeta, error)
	offers   []offer
	offered  []offered
	restored *restored
	damaged  []wire.SnapshotID
	unpinned bool
}

// captured is a capture that the applier has made.
type captured struct {
	stream bool
	meta   wire.SnapshotMeta
	data   io.ReadCloser
	err    error
	upTo   totals // what had been applied
}

// offer is the core's wish that a member be offered a snapshot.
type offer struct {
	to      wire.NodeID
	term    wire.Term
	epoch   wire.Epoch
	atLeast wire.Index
}

// offered is a snapshot that a member has.
type offered struct {
	from wire.NodeID
	meta wire.SnapshotMeta
}

// restored is a snapshot that is the state machine's state now.
type restored struct {
	meta wire.SnapshotMeta
	upTo totals
}

// delivery is a chunk that has arrived.
type delivery struct {
	from    wire.NodeID
	message *wire.SnapshotChunk
}

// post changes the inbox, unless the snapshotter is closed, and wakes the goroutine.
func (s *Snapshotter) post(change func(in *inbox)) (posted bool) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	change(&s.in)
	s.mu.Unlock()
	s.wakeUp()
	return true
}

// Captured answers Owner.Capture. Of meta, ID, Size and Checksum are not used. Without
// an error and unless it is External, data is the state; the snapshotter closes it,
// whatever happens. It is called by the applier's goroutine.
func (s *Snapshotter) Captured(stream bool, meta wire.SnapshotMeta, data io.ReadCloser, err error) {
	c := captured{stream: stream, meta: meta, data: data, err: err, upTo: s.meter.totals()}
	if !s.post(func(in *inbox) { in.captured = append(in.captured, c) }) {
		closeCapture(data)
	}
}

// Take takes a snapshot on demand and calls done, once, when it is published: from the
// goroutine that steps, or from the caller's if it is refused at once. The snapshot covers
// all that had been applied at the time of the call, because that is what somebody wants
// who asks for a backup: if another one is being taken, which may have been captured
// before, this one is taken after it. If nothing was applied since the latest one, done
// gets that. An error is not tried again for this call.
func (s *Snapshotter) Take(done func(wire.SnapshotMeta, error)) {
	refusal := ErrClosed
	accepted := false
	s.post(func(in *inbox) {
		refusal = ErrOverloaded
		if accepted = len(in.callers)+s.board.Waiting < callersMax; accepted {
			in.callers = append(in.callers, done)
		}
	})
	if !accepted {
		done(wire.SnapshotMeta{}, refusal)
	}
}

// Offer offers a member the newest snapshot whose last entry is atLeast or a later one.
// If there is none, one is taken, or with Durable captured for this member. The
// core says so once per heartbeat until the member has what it needs.
//
// A member that is fetching a snapshot now, or was a StallTimeout ago, is offered the
// same one again, so that it can resume, even if there is a newer one.
func (s *Snapshotter) Offer(to wire.NodeID, term wire.Term, epoch wire.Epoch, atLeast wire.Index) {
	o := offer{to: to, term: term, epoch: epoch, atLeast: atLeast}
	s.post(func(in *inbox) {
		for i := range in.offers {
			if in.offers[i].to == to {
				in.offers[i] = o
				return
			}
		}
		in.offers = append(in.offers, o)
	})
}

// Offered says that a member has offered a snapshot and the core wants it. It is
// fetched, unless another one is being fetched and makes progress.
func (s *Snapshotter) Offered(from wire.NodeID, meta wire.SnapshotMeta) {
	o := offered{from: from, meta: meta}
	s.post(func(in *inbox) {
		for i := range in.offered {
			if in.offered[i].from == from {
				in.offered[i] = o
				return
			}
		}
		in.offered = append(in.offered, o)
	})
}

// Restored says that the state machine has been given a snapshot's state: older
// snapshots may go. It is called by the applier's goroutine.
func (s *Snapshotter) Restored(meta wire.SnapshotMeta) {
	r := &restored{meta: meta, upTo: s.meter.totals()}
	s.post(func(in *inbox) { in.restored = r })
}

// Damaged says that a snapshot cannot be read any more. It is not listed from now on,
// and another one is taken as soon as possible. Readers call it themselves; it is
// harmless to say so again.
func (s *Snapshotter) Damaged(id wire.SnapshotID) {
	s.post(func(in *inbox) {
		for i := range s.catalog {
			if s.catalog[i].ID == id {
				s.catalog = append(s.catalog[:i:i], s.catalog[i+1:]...)
				delete(s.unread, id)
				in.damaged = append(in.damaged, id)
				return
			}
		}
	})
}

// Deliver takes in a message of a member, and returns false if it was dropped: because
// it is not the snapshotter's, too much waits already, or the same does.
func (s *Snapshotter) Deliver(from wire.NodeID, m wire.Message) bool {
	taken := false
	s.post(func(*inbox) {
		switch m := m.(type) {
		case *wire.SnapshotFetch:
			taken = s.queueRequest(from, m)
		case *wire.SnapshotChunk:
			if taken = len(s.chunks) < 2*s.cfg.Window; taken {
				s.chunks = append(s.chunks, delivery{from, m})
			}
		default:
			return
		}
		if !taken {
			s.dropped++
		}
	})
	return taken
}

// hasMail reports whether a step has something to collect.
func (s *Snapshotter) hasMail() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in.has() || len(s.chunks) > 0 || len(s.requests) > s.admitted
}

func (in *inbox) has() bool {
	return len(in.captured) > 0 || len(in.callers) > 0 || len(in.offers) > 0 || len(in.offered) > 0 ||
		in.restored != nil || len(in.damaged) > 0 || in.unpinned
}

// collect acts on the inbox.
func (s *Snapshotter) collect() {
	s.mu.Lock()
	in := s.in
	s.in = inbox{}
	s.mu.Unlock()
	for _, id := range in.damaged {
		s.noteDamage(id)
	}
	if in.restored != nil {
		s.noteRestored(in.restored)
	}
	for i := range in.captured {
		s.noteCaptured(&in.captured[i])
	}
	for i := range in.offered {
		s.accept(&in.offered[i])
	}
	s.callers = append(s.callers, in.callers...)
	if s.fetch != nil {
		s.answerCallers(ErrFetching)
	}
	for i := range in.offers {
		s.offer(&in.offers[i])
	}
	if in.unpinned {
		s.pruneAt = 0
	}
}
