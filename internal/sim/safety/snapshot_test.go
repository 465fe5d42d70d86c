// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"errors"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// described is the start of traces about snapshots: written, with a membership in entry 1 and
// commands in entries 2 and 3, which node 1 has applied.
func described(c *Checker) {
	list := entries(1, 1, 1, 1)
	m := wire.NewMembership(wire.Member{ID: 1}, wire.Member{ID: 2}, wire.Member{ID: 3})
	list[0].Kind, list[0].Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
	save(c, 1, wire.HardState{Term: 1, Vote: 1}, nil)
	save(c, 2, wire.HardState{Term: 1, Vote: 1}, nil)
	save(c, 3, hard(1), nil)
	c.Looks(1, leads(1, 0, 0))
	save(c, 1, wire.HardState{}, list)
	save(c, 2, wire.HardState{}, list)
	c.Looks(1, leads(1, 3, 3))
	c.Invokes(7)
	c.Invokes(8)
	c.Applies(1, 2, Applied{Term: 1, Op: 7, State: 70})
	c.Applies(1, 3, Applied{Term: 1, Op: 8, State: 80})
	c.Looks(1, View{Leads: true, Term: 1, Last: 3, Durable: 3, Commit: 3, Applied: 3})
}

// snapshotOf describes a snapshot that ends with an entry, as it should be.
func snapshotOf(id wire.SnapshotID, last wire.Index) wire.SnapshotMeta {
	end := wire.LogID{Term: 1, Index: last}
	return wire.SnapshotMeta{
		ID: id, Last: end, Command: end, MembershipAt: 1,
		Membership: wire.NewMembership(wire.Member{ID: 1}, wire.Member{ID: 2}, wire.Member{ID: 3}),
	}
}

// publish publishes a snapshot that is as it should be.
func publish(c *Checker, node wire.NodeID, id wire.SnapshotID, last wire.Index) {
	meta := snapshotOf(id, last)
	c.SnapshotBegins(node, &meta)
	c.SnapshotPublished(node, &meta, &SnapshotState{Command: meta.Command, Sum: 50 + 10*uint64(last)})
}

func compact(c *Checker, node wire.NodeID, through wire.Index) {
	c.SaveBegins(node, []wire.Update{{Group: 1, Compact: through}})
	c.SaveEnds(node, nil)
}

func reset(c *Checker, node wire.NodeID, last wire.LogID) {
	c.SaveBegins(node, []wire.Update{{Group: 1, Reset: last}})
	c.SaveEnds(node, nil)
}

func voted(term wire.Term) wire.HardState { return wire.HardState{Term: term, Vote: 1} }

func TestCompaction(t *testing.T) {
	runFrom(t, described, []trace{
		{"behind a snapshot", func(c *Checker) {
			publish(c, 1, 9, 3)
			compact(c, 1, 2)
			c.Recovers(1, voted(1), wire.LogID{Term: 1, Index: 2}, entries(3, 1))
			c.SnapshotsFound(1, []wire.SnapshotMeta{snapshotOf(9, 3)})
			c.Begins(1, follows(1, 3, 3, 3), false, true)
		}, ""},
		{"without one", func(c *Checker) {
			compact(c, 1, 2)
		}, "I13 "},
		{"beyond it", func(c *Checker) {
			publish(c, 1, 9, 2)
			compact(c, 1, 3)
		}, "I13 "},
		{"behind one that is not published", func(c *Checker) {
			meta := snapshotOf(9, 3)
			c.SnapshotBegins(1, &meta)
			compact(c, 1, 2)
		}, "I13 "},
		{"behind another member's", func(c *Checker) {
			publish(c, 2, 9, 3)
			compact(c, 1, 2)
		}, "I13 "},
		{"of what is not applied", func(c *Checker) {
			publish(c, 2, 9, 3)
			c.Looks(2, follows(1, 3, 3, 1))
			compact(c, 2, 2)
		}, "I13 "},
		{"and what is left is another entry", func(c *Checker) {
			publish(c, 1, 9, 3)
			compact(c, 1, 2)
			c.Recovers(1, voted(1), wire.LogID{Term: 1, Index: 2}, entries(3, 2))
		}, "I25 "},
		{"and more is gone", func(c *Checker) {
			publish(c, 1, 9, 3)
			compact(c, 1, 2)
			c.Recovers(1, voted(1), wire.LogID{Term: 1, Index: 3}, nil)
		}, "I25 "},
		{"and an entry comes again", func(c *Checker) {
			publish(c, 1, 9, 3)
			compact(c, 1, 2)
			save(c, 1, wire.HardState{}, entries(2, 1))
		}, "I5 "},
	})
}

func TestResets(t *testing.T) {
	end := wire.LogID{Term: 1, Index: 3}
	runFrom(t, described, []trace{
		{"behind a snapshot, instead of a log that contradicts it", func(c *Checker) {
			save(c, 3, wire.HardState{}, entries(1, 0, 0, 0, 0))
			publish(c, 3, 9, 3)
			reset(c, 3, end)
			c.Sends(3, 1, &wire.AppendReply{Term: 1, Match: 3})
			c.Recovers(3, hard(1), end, nil)
		}, ""},
		{"without a snapshot", func(c *Checker) {
			reset(c, 3, end)
		}, "I13 "},
		{"behind an entry that is not the committed one", func(c *Checker) {
			c.snapshots.Published(3, &wire.SnapshotMeta{ID: 9, Last: wire.LogID{Term: 2, Index: 3}})
			reset(c, 3, wire.LogID{Term: 2, Index: 3})
		}, "I11 "},
		{"of a log with committed entries behind it", func(c *Checker) {
			publish(c, 2, 9, 2)
			reset(c, 2, wire.LogID{Term: 1, Index: 2})
		}, "I9 "},
		{"and it did not last", func(c *Checker) {
			publish(c, 3, 9, 3)
			reset(c, 3, end)
			c.Recovers(3, hard(1), wire.LogID{}, nil)
		}, "I25 "},
		{"in a save that was interrupted", func(c *Checker) {
			publish(c, 3, 9, 3)
			c.SaveBegins(3, []wire.Update{{Group: 1, Reset: end}})
			c.SaveEnds(3, errors.New("the power failed"))
			c.Recovers(3, hard(1), end, nil)
		}, ""},
		{"an acknowledgement that only the snapshot covers", func(c *Checker) {
			publish(c, 3, 9, 3)
			c.Sends(3, 1, &wire.AppendReply{Term: 1, Match: 3})
		}, "I10 "},
		{"an acknowledgement before the log has begun anew", func(c *Checker) {
			publish(c, 3, 9, 3)
			c.SaveBegins(3, []wire.Update{{Group: 1, Reset: end}})
			c.Sends(3, 1, &wire.HeartbeatReply{Term: 1, Match: 3})
		}, "I10 "},
		{"an acknowledgement behind it", func(c *Checker) {
			publish(c, 3, 9, 3)
			c.SaveBegins(3, []wire.Update{{Group: 1, Reset: end}})
			c.SaveEnds(3, nil)
			c.Sends(3, 1, &wire.AppendReply{Term: 1, Match: 3})
		}, ""},
		{"an acknowledgement beyond it", func(c *Checker) {
			publish(c, 3, 9, 3)
			c.SaveBegins(3, []wire.Update{{Group: 1, Reset: end}})
			c.SaveEnds(3, nil)
			c.Sends(3, 1, &wire.AppendReply{Term: 1, Match: 4})
		}, "I10 "},
	})
}

func TestSnapshotsLast(t *testing.T) {
	runFrom(t, described, []trace{
		{"it is there after a crash", func(c *Checker) {
			publish(c, 1, 9, 3)
			c.SnapshotsFound(1, []wire.SnapshotMeta{snapshotOf(9, 3)})
		}, ""},
		{"it is gone", func(c *Checker) {
			publish(c, 1, 9, 3)
			c.SnapshotsFound(1, nil)
		}, "I13 "},
		{"one that was being published may be there", func(c *Checker) {
			meta := snapshotOf(9, 3)
			c.SnapshotBegins(1, &meta)
			c.SnapshotsFound(1, []wire.SnapshotMeta{meta})
		}, ""},
		{"or not", func(c *Checker) {
			meta := snapshotOf(9, 3)
			c.SnapshotBegins(1, &meta)
			c.SnapshotsFound(1, nil)
		}, ""},
		{"one from nowhere", func(c *Checker) {
			c.SnapshotsFound(1, []wire.SnapshotMeta{snapshotOf(9, 3)})
		}, "I13 "},
		{"it was deleted", func(c *Checker) {
			publish(c, 1, 8, 2)
			publish(c, 1, 9, 3)
			compact(c, 1, 2)
			c.SnapshotDeleted(1, 8)
			c.SnapshotsFound(1, []wire.SnapshotMeta{snapshotOf(9, 3)})
		}, ""},
		{"the one that the log needs is deleted", func(c *Checker) {
			publish(c, 1, 8, 2)
			publish(c, 1, 9, 3)
			compact(c, 1, 3)
			c.SnapshotDeleted(1, 9)
		}, "I13 "},
		{"the one that the log needs is deleted, because it cannot be read", func(c *Checker) {
			publish(c, 1, 9, 3)
			compact(c, 1, 3)
			c.SnapshotUnreadable(1, 9)
			c.SnapshotDeleted(1, 9)
		}, ""},
		{"the other one was damaged", func(c *Checker) {
			publish(c, 1, 8, 2)
			publish(c, 1, 9, 3)
			compact(c, 1, 2)
			c.SnapshotDamaged(1, 9)
			c.SnapshotDeleted(1, 8)
		}, "I13 "},
	})
}

func TestBeginnings(t *testing.T) {
	runFrom(t, described, []trace{
		{"a member begins before its snapshot", func(c *Checker) {
			publish(c, 1, 9, 3)
			c.Begins(1, follows(1, 3, 3, 2), false, true)
		}, "I13 "},
		{"a member has lost its state, on a good disk", func(c *Checker) {
			c.Begins(1, follows(1, 3, 0, 0), true, true)
		}, "I13 "},
		{"or on a bad one", func(c *Checker) {
			c.Begins(1, follows(1, 3, 0, 0), true, false)
		}, ""},
		{"a durable state machine ahead of its log", func(c *Checker) {
			c.AppliesDurable(3, 1)
		}, "I13 "},
	})
}

func TestSnapshotEquivalence(t *testing.T) {
	with := func(change func(meta *wire.SnapshotMeta, state *SnapshotState)) func(c *Checker) {
		return func(c *Checker) {
			meta, state := snapshotOf(9, 3), SnapshotState{Command: wire.LogID{Term: 1, Index: 3}, Sum: 80}
			change(&meta, &state)
			c.SnapshotBegins(1, &meta)
			c.SnapshotPublished(1, &meta, &state)
		}
	}
	runFrom(t, described, []trace{
		{"as it should be", with(func(*wire.SnapshotMeta, *SnapshotState) {}), ""},
		{"another term", with(func(m *wire.SnapshotMeta, _ *SnapshotState) { m.Last.Term = 2 }), "I14 "},
		{"what is not committed", with(func(m *wire.SnapshotMeta, _ *SnapshotState) { m.Last.Index = 4 }), "I14 "},
		{"another last command", with(func(m *wire.SnapshotMeta, _ *SnapshotState) { m.Command.Index = 2 }), "I14 "},
		{"another membership", with(func(m *wire.SnapshotMeta, _ *SnapshotState) {
			m.Membership = wire.NewMembership(wire.Member{ID: 1})
		}), "I14 "},
		{"a membership from another place", with(func(m *wire.SnapshotMeta, _ *SnapshotState) { m.MembershipAt = 2 }), "I14 "},
		{"another state", with(func(_ *wire.SnapshotMeta, s *SnapshotState) { s.Sum = 70 }), "I14 "},
		{"the state of an earlier command", with(func(_ *wire.SnapshotMeta, s *SnapshotState) {
			*s = SnapshotState{Command: wire.LogID{Term: 1, Index: 2}, Sum: 70}
		}), "I14 "},
		{"restored as it was", func(c *Checker) {
			c.Resumes(3, SnapshotState{Command: wire.LogID{Term: 1, Index: 2}, Sum: 70})
			c.Applies(3, 3, Applied{Term: 1, Op: 8, State: 80})
		}, ""},
		{"restored as something else", func(c *Checker) {
			c.Resumes(3, SnapshotState{Command: wire.LogID{Term: 1, Index: 2}, Sum: 71})
		}, "I14 "},
		{"restored, and a command applied twice", func(c *Checker) {
			c.Resumes(3, SnapshotState{Command: wire.LogID{Term: 1, Index: 3}, Sum: 80})
			c.Applies(3, 3, Applied{Term: 1, Op: 8, State: 80})
		}, "I7 "},
		{"applied, with another state behind it", func(c *Checker) {
			c.Applies(3, 2, Applied{Term: 1, Op: 7, State: 71})
		}, "I7 "},
		{"an offer of what is not committed", func(c *Checker) {
			c.Sends(1, 3, &wire.SnapshotOffer{Term: 1, Snapshot: snapshotOf(9, 4)})
		}, "I14 "},
		{"an offer by who does not lead", func(c *Checker) {
			c.Sends(2, 3, &wire.SnapshotOffer{Term: 1, Snapshot: snapshotOf(9, 3)})
		}, "I1 "},
	})
}
