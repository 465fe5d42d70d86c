// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/wire"
)

// A group that is formed on one member only, whose first leader restarts before it has
// replicated anything, has no leader until the others are initialized, too: a member
// that knows of no group may have lost its disk, and votes in the very first election
// only.
func TestFormingOnOneMemberAndLosingIt(t *testing.T) {
	w := newCluster(t, 1, still, 3)
	w.nodes[0].take(InitializeRequested{Membership: voters(3)})
	w.seen = func(_, _ wire.NodeID, m wire.Message) bool {
		_, isAppend := m.(*wire.AppendEntries)
		return !isAppend
	}
	if !w.run(10*testElection, func() bool { return len(w.nodes[0].disk.log) == 2 }) {
		t.Fatal("the stage is not set")
	}
	w.nodes[0].crash()
	w.seen = nil
	w.nodes[0].restart()
	if w.run(10*testElection, func() bool { return w.leader() != nil }) {
		t.Fatal("members that may have lost their disks have elected a leader")
	}
	for _, n := range w.nodes[1:] {
		n.take(InitializeRequested{Membership: voters(3)})
	}
	w.converge(20 * testElection)
}

// A group forms when all its members are there, initialized or empty, and not before.
func TestFormingTakesAll(t *testing.T) {
	w := newCluster(t, 1, still, 5)
	w.isolate(5)
	for _, n := range w.nodes[:3] {
		n.take(InitializeRequested{Membership: voters(5)})
	}
	if w.run(20*testElection, func() bool { return w.leader() != nil }) {
		t.Fatal("a group is formed without one of its members")
	}
	w.rejoin()
	if !w.run(20*testElection, func() bool { return w.leader() != nil }) {
		t.Fatalf("all five do not elect anybody\n%s", w.dump())
	}
	w.converge(20 * testElection)
	w.isolate(5)
	w.leader().crash()
	if !w.run(20*testElection, func() bool { return w.leader() != nil }) {
		t.Fatalf("of a group that was formed, three of five do not elect anybody\n%s", w.dump())
	}
}

// L19: an uncommitted membership leaves out the only member that can win. While nothing
// has been restarted it campaigns, because it is in the last committed one; after a
// restart of everybody it does not know any more which that is. (The one before the
// last in the log always is, if there is one change at a time.)
func TestCampaignsInPreviousMembershipAfterRestart(t *testing.T) {
	without := wire.NewMembership(wire.Member{ID: 2}, wire.Member{ID: 3})
	d := diskOf(voters(3), 0, 1, 1)
	d.log = extend(d.log, wire.Entry{Index: 3, Term: 1, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &without)})
	r := newRig(t, d)
	if r.core.Deadline() == Never {
		t.Fatal("the member waits for nothing")
	}
}

// What a peer has acknowledged already must not take up the stream's window: the peer
// never acknowledges it again, so that the stream waits for ever, or until it is given
// another order. It happens when a stream is begun anew behind Match, and the first
// answer says that the peer holds more than a window beyond that.
func TestAcknowledgedEntriesTakeNoWindow(t *testing.T) {
	var sent wire.Index
	s := peer.New(peer.Config{
		Recent: func(dst []wire.Entry, lo, _ wire.Index, _ int) ([]wire.Entry, bool) {
			return append(dst, wire.Entry{Index: lo, Term: 1, Kind: wire.EntryBlank}), true
		},
		Send: func(m *wire.AppendEntries) bool {
			sent = max(sent, m.Prev.Index+wire.Index(len(m.Entries)))
			return true
		},
		BatchBytes: 1, WindowBytes: 1 << 20, WindowMessages: 4,
	})
	s.Follow(peer.Order{Term: 1, Epoch: 2, Probe: true, Last: 200})
	s.Follow(peer.Order{Term: 1, Epoch: 2, Last: 200, Match: 100})
	if sent <= 100 {
		t.Fatalf("the peer has acknowledged 100, and the stream has sent %d and stops", sent)
	}
}
