// SPDX-License-Identifier: Apache-2.0

package core

import (
	"testing"

	"github.com/balsa-raft/raft/internal/quorum"
	"github.com/balsa-raft/raft/wire"
)

// followerModel is a log as §5.3 and §6 describe it, entry by entry: the membership in
// effect is the last one in it, committed or not.
type followerModel struct {
	log    []wire.Entry // index 1 first
	commit wire.Index
}

func (m *followerModel) last() wire.LogID {
	if len(m.log) == 0 {
		return wire.LogID{}
	}
	return m.log[len(m.log)-1].ID()
}

func (m *followerModel) membership(t *testing.T) wire.Membership {
	for i := len(m.log) - 1; i >= 0; i-- {
		if m.log[i].Kind == wire.EntryMembership {
			membership, err := wire.DecodeMembership(m.log[i].Data)
			if err != nil {
				t.Fatal(err)
			}
			return membership
		}
	}
	return wire.Membership{}
}

// entryFrom makes an entry of a byte: a blank one, a command, or a membership, which is
// joint if the upper bits say so.
func entryFrom(b byte, id wire.LogID) wire.Entry {
	e := wire.Entry{Index: id.Index, Term: id.Term, Kind: wire.EntryBlank}
	switch b & 3 {
	case 0, 1:
		m := wire.NewMembership(someOf(b>>2, 1)...)
		if b&1 == 1 {
			m.Outgoing = wire.NewMembership(someOf(b>>5, 1)...).Voters
			m.Members = someOf(b>>2|b>>5, 1)
		}
		e.Kind, e.Data = wire.EntryMembership, wire.AppendMembership(nil, &m)
	case 2:
		e.Kind, e.Data = wire.EntryCommand, []byte{b}
	}
	return e
}

// someOf are the members of 1 to 8 whose bits are set, and one more.
func someOf(bits byte, always wire.NodeID) (members []wire.Member) {
	for id := range wire.NodeID(8) {
		if bits>>id&1 == 1 || id+1 == always {
			members = append(members, wire.Member{ID: id + 1, Address: "x"})
		}
	}
	return members
}

// lead lets a leader of the next term keep the log up to some point, not below what is
// committed, and add entries of its own. It returns the request that says so.
func (m *followerModel) lead(term wire.Term, keep byte, entries []byte, commit byte) *wire.AppendEntries {
	kept := m.commit + wire.Index(keep)%(m.last().Index-m.commit+1)
	if len(entries) == 0 {
		kept = m.last().Index // Without a conflict nothing is truncated.
	}
	m.log = m.log[:kept]
	request := &wire.AppendEntries{Term: term, Epoch: 1, Prev: m.last()}
	for i, b := range entries {
		e := entryFrom(b, wire.LogID{Term: term, Index: kept + 1 + wire.Index(i)})
		request.Entries = append(request.Entries, e)
		m.log = append(m.log, e)
	}
	if len(request.Entries) > 0 {
		m.commit += wire.Index(commit) % (m.last().Index - m.commit + 1)
	}
	request.Commit = m.commit
	return request
}

// FuzzMembershipInEffect lets leaders append, overwrite and commit memberships in a
// follower's log, restarts it in between, and demands that what is in effect, and what is
// a quorum by that, is what the log says.
func FuzzMembershipInEffect(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0x0c}, true)
	f.Add([]byte{0, 2, 0, 0x1c, 0x2d, 0, 1, 3, 0x3c, 2, 2, 1, 0xfc, 0x45}, false)
	f.Add([]byte{0, 3, 3, 0x1c, 2, 0x25, 1, 3, 0, 0xff, 0x1d, 3, 9, 0, 1}, true)
	f.Fuzz(func(t *testing.T, data []byte, restarts bool) {
		c, err := New(Config{ID: 9, ElectionTimeout: 100, HeartbeatInterval: 10, WriteStallTimeout: 1000, Seed: 1}, wire.LogState{}, 0)
		if err != nil {
			t.Fatal(err)
		}
		m := &followerModel{}
		for term := wire.Term(2); len(data) >= 3 && term < 40; term++ {
			keep, count, commit := data[0], min(int(data[1]%4), len(data)-3), data[2]
			request := m.lead(term, keep, data[3:3+count], commit)
			data = data[3+count:]
			settle(c, c.Handle(Instant(term), []Event{MessageArrived{From: 1, Message: request}}))
			if restarts && term%3 == 0 {
				c = restarted(t, c, m, term)
			}
			compareMembership(t, c, m)
		}
		compareQuorums(t, c, m)
	})
}

// settle lets all writes end.
func settle(c *Core, effects []Effect) {
	for _, effect := range effects {
		if write, ok := effect.(WriteLog); ok {
			c.Handle(c.now, []Event{LogSynced{Seq: write.Seq}})
			return
		}
	}
}

// restarted is the member as it comes back with the log that it should have.
func restarted(t *testing.T, c *Core, m *followerModel, term wire.Term) *Core {
	t.Helper()
	state := wire.LogState{HardState: wire.HardState{Term: term}, Last: m.last().Index}
	for _, e := range m.log {
		if n := len(state.Terms); n == 0 || state.Terms[n-1].Term != e.Term {
			state.Terms = append(state.Terms, wire.TermStart{First: e.Index, Term: e.Term})
		}
		if e.Kind == wire.EntryMembership {
			state.Memberships = append(state.Memberships, e)
		}
	}
	again, err := New(c.cfg, state, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func compareMembership(t *testing.T, c *Core, m *followerModel) {
	t.Helper()
	want := m.membership(t)
	if c.log.LastID() != m.last() || !c.membership().Equal(&want) {
		t.Fatalf("the log ends at %v, want %v; in effect is %+v, want %+v", c.log.LastID(), m.last(), c.membership(), want)
	}
}

// compareQuorums lets every set of members vote.
func compareQuorums(t *testing.T, c *Core, m *followerModel) {
	t.Helper()
	want := m.membership(t)
	for set := range 256 {
		granted := func(id wire.NodeID) quorum.Vote {
			if set>>(id-1)&1 == 1 {
				return quorum.Granted
			}
			return quorum.Refused
		}
		wins := len(want.Voters) > 0 && hasMajority(want.Voters, set) && (len(want.Outgoing) == 0 || hasMajority(want.Outgoing, set))
		if got := c.quorum().Votes(granted) == quorum.Won; got != wins {
			t.Fatalf("%08b of %+v: wins %v, want %v", set, want, got, wins)
		}
	}
}

func hasMajority(voters []wire.NodeID, set int) bool {
	count := 0
	for _, id := range voters {
		count += set >> (id - 1) & 1
	}
	return 2*count > len(voters)
}
