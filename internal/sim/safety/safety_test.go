// SPDX-License-Identifier: Apache-2.0

package safety

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// trace is a history made by hand.
type trace struct {
	name string
	do   func(c *Checker)
	// want is the start of the violation's invariant, empty if there is to be none.
	want string
}

func entries(first wire.Index, terms ...wire.Term) []wire.Entry {
	list := make([]wire.Entry, len(terms))
	for i, term := range terms {
		list[i] = wire.Entry{Index: first + wire.Index(i), Term: term, Kind: wire.EntryCommand, Data: []byte("x")}
	}
	return list
}

// chained returns the slots of a whole log.
func chained(entries []wire.Entry) []slot {
	var d disk
	d.apply(&wire.Update{Entries: entries}, nil)
	return d.log
}

func save(c *Checker, node wire.NodeID, hard wire.HardState, list []wire.Entry) {
	c.SaveBegins(node, []wire.Update{{Group: 1, HardState: hard, Entries: list}})
	c.SaveEnds(node, nil)
}

// hard is a hard state of a term in which nobody got the vote.
func hard(term wire.Term) wire.HardState { return wire.HardState{Term: term} }

func leads(term wire.Term, last, commit wire.Index) View {
	return View{Leads: true, Term: term, Last: last, Durable: last, Commit: commit}
}

func follows(term wire.Term, last, commit, applied wire.Index) View {
	return View{Term: term, Last: last, Durable: last, Commit: commit, Applied: applied}
}

// written is the start of many traces: node 1 leads in term 1, and entries 1 to 3 are on
// the disks of nodes 1 and 2 and committed.
func written(c *Checker) {
	save(c, 1, wire.HardState{Term: 1, Vote: 1}, nil)
	save(c, 2, wire.HardState{Term: 1, Vote: 1}, nil)
	save(c, 3, hard(1), nil)
	c.Looks(1, leads(1, 0, 0))
	save(c, 1, wire.HardState{}, entries(1, 1, 1, 1))
	save(c, 2, wire.HardState{}, entries(1, 1, 1, 1))
	c.Looks(1, leads(1, 3, 3))
}

func run(t *testing.T, traces []trace) {
	t.Helper()
	runFrom(t, func(*Checker) {}, traces)
}

// runFrom runs traces that all begin in the same way.
func runFrom(t *testing.T, begin func(c *Checker), traces []trace) {
	t.Helper()
	for _, test := range traces {
		t.Run(test.name, func(t *testing.T) {
			c := New(3)
			begin(c)
			test.do(c)
			got := ""
			if v := c.Violation(); v != nil {
				got = v.Error()
			}
			if !strings.HasPrefix(got, test.want) || (got == "") != (test.want == "") {
				t.Fatalf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestElections(t *testing.T) {
	run(t, []trace{
		{"a leader again and again", func(c *Checker) {
			written(c)
			c.Looks(1, leads(1, 3, 3))
			c.Recovers(1, wire.HardState{Term: 1, Vote: 1}, wire.LogID{}, entries(1, 1, 1, 1))
		}, ""},
		{"two leaders", func(c *Checker) {
			written(c)
			save(c, 3, wire.HardState{}, entries(1, 1, 1, 1))
			c.Looks(3, leads(1, 3, 3))
		}, "I1 "},
		{"a second leader, by its messages", func(c *Checker) {
			written(c)
			c.Sends(3, 2, &wire.Heartbeat{Term: 1})
		}, "I1 "},
		{"two votes", func(c *Checker) {
			save(c, 1, wire.HardState{Term: 2, Vote: 2}, nil)
			save(c, 1, wire.HardState{Term: 2, Vote: 3}, nil)
		}, "I2 "},
		{"two votes, over a restart", func(c *Checker) {
			save(c, 1, wire.HardState{Term: 2, Vote: 2}, nil)
			c.Sends(1, 2, &wire.VoteReply{Term: 2, Granted: true})
			c.disk(1).hard = hard(2) // The disk has forgotten it.
			c.Recovers(1, hard(2), wire.LogID{}, nil)
			save(c, 1, wire.HardState{Term: 2, Vote: 3}, nil)
		}, "I2 "},
		{"the term falls", func(c *Checker) {
			save(c, 1, hard(3), nil)
			save(c, 1, hard(2), nil)
		}, "I3 "},
		{"a term behind the disk", func(c *Checker) {
			save(c, 1, hard(3), nil)
			c.Looks(1, follows(2, 0, 0, 0))
		}, "I3 "},
		{"a leader without what is committed", func(c *Checker) {
			written(c)
			save(c, 3, wire.HardState{Term: 2, Vote: 3}, nil)
			c.Looks(3, leads(2, 0, 0))
		}, "I6 "},
	})
}

func TestLogs(t *testing.T) {
	run(t, []trace{
		{"a follower replaces what is not committed", func(c *Checker) {
			save(c, 2, hard(1), entries(1, 1, 1))
			save(c, 2, hard(2), entries(2, 2, 2))
		}, ""},
		{"a leader's log shrinks", func(c *Checker) {
			written(c)
			c.Looks(1, leads(1, 5, 3))
			c.Looks(1, leads(1, 4, 3))
		}, "I4 "},
		{"a leader overwrites its own", func(c *Checker) {
			written(c)
			save(c, 1, wire.HardState{}, entries(4, 1))
			other := entries(4, 1)
			other[0].Term = 0 // Whatever it is.
			save(c, 1, wire.HardState{}, other)
		}, "I4 "},
		{"another entry of the same index and term", func(c *Checker) {
			save(c, 1, hard(1), entries(1, 1, 1))
			other := entries(1, 1, 1)
			other[0].Data = []byte("y")
			save(c, 2, hard(1), other)
		}, "I5 "},
		{"the same entry behind others", func(c *Checker) {
			save(c, 1, hard(2), entries(1, 1, 2))
			save(c, 2, hard(2), entries(1, 2, 2))
		}, "I5 "},
		{"a gap", func(c *Checker) { save(c, 1, hard(1), entries(2, 1)) }, "I5 "},
	})
}

func TestCommitment(t *testing.T) {
	run(t, []trace{
		{"as it should be", func(c *Checker) {
			written(c)
			c.Looks(2, follows(1, 3, 2, 0))
			c.Looks(2, follows(1, 3, 3, 3))
		}, ""},
		{"without a quorum", func(c *Checker) {
			save(c, 1, wire.HardState{Term: 1, Vote: 1}, entries(1, 1))
			c.Looks(1, leads(1, 1, 1))
		}, "I8 "},
		{"an entry of an earlier term", func(c *Checker) { // Figure 8 of the paper.
			save(c, 1, wire.HardState{Term: 1, Vote: 1}, entries(1, 1, 1))
			save(c, 2, hard(1), entries(1, 1, 1))
			save(c, 1, wire.HardState{Term: 2, Vote: 1}, nil)
			c.Looks(1, leads(2, 2, 2))
		}, "I8 "},
		{"a follower ahead of all leaders", func(c *Checker) {
			written(c)
			save(c, 2, wire.HardState{}, entries(4, 1))
			c.Looks(2, follows(1, 4, 4, 0))
		}, "I8 "},
		{"who led in the same step", func(c *Checker) {
			written(c)
			save(c, 1, wire.HardState{}, entries(4, 1))
			save(c, 2, wire.HardState{}, entries(4, 1))
			c.Looks(1, follows(1, 4, 4, 0))
		}, ""},
		{"a committed entry is given up", func(c *Checker) {
			written(c)
			save(c, 2, hard(2), entries(3, 2))
		}, "I9 "},
		{"a client is told too early", func(c *Checker) {
			written(c)
			c.Invokes(7)
			c.Returns(7, wire.LogID{Term: 1, Index: 4}, 0)
		}, "I9 "},
		{"another entry is committed", func(c *Checker) {
			written(c)
			for node := wire.NodeID(2); node <= 3; node++ {
				c.disk(node).log = chained(entries(1, 2, 2, 2, 2))
			}
			c.Looks(3, View{Leads: true, Term: 2, Last: 4, Commit: 4})
		}, "I6 "},
		{"over another log", func(c *Checker) {
			written(c)
			for node := wire.NodeID(2); node <= 3; node++ {
				c.disk(node).log = chained(entries(1, 2, 2, 2, 2))
			}
			c.note(c.committed.commits(3, 2, 4, c.electorate()))
		}, "I11 "},
		{"commit falls", func(c *Checker) {
			written(c)
			c.Looks(1, leads(1, 3, 2))
		}, "I12 "},
		{"applied before committed", func(c *Checker) {
			written(c)
			c.Looks(2, follows(1, 3, 2, 3))
		}, "I13 "},
	})
}

func TestMessages(t *testing.T) {
	run(t, []trace{
		{"true ones", func(c *Checker) {
			written(c)
			c.Sends(2, 1, &wire.VoteReply{Term: 1, Granted: true})
			c.Sends(2, 1, &wire.AppendReply{Term: 1, Match: 3})
			c.Sends(2, 1, &wire.HeartbeatReply{Term: 1, Match: 3})
			c.Sends(2, 1, &wire.AppendReply{Term: 1, Match: 9, Rejected: true})
			c.Sends(1, 2, &wire.Heartbeat{Term: 1, Commit: 3})
		}, ""},
		{"an entry that is not durable", func(c *Checker) {
			written(c)
			c.Sends(2, 1, &wire.AppendReply{Term: 1, Match: 4})
		}, "I10 "},
		{"the same, with a heartbeat", func(c *Checker) {
			written(c)
			c.Sends(2, 1, &wire.HeartbeatReply{Term: 1, Match: 4})
		}, "I10 "},
		{"a vote that is not durable", func(c *Checker) {
			save(c, 2, hard(1), nil)
			c.Sends(2, 1, &wire.VoteReply{Term: 1, Granted: true})
		}, "I10 "},
		{"a candidate without its own vote", func(c *Checker) {
			save(c, 2, hard(1), nil)
			c.Sends(2, 1, &wire.RequestVote{Term: 1})
		}, "I10 "},
		{"an acknowledged entry is another one", func(c *Checker) {
			written(c)
			c.disk(3).log = chained(entries(1, 1, 1))
			c.disk(3).log[1].chain++
			c.Sends(3, 1, &wire.AppendReply{Term: 1, Match: 2})
		}, "I10 "},
		{"a term that is not durable", func(c *Checker) {
			save(c, 2, hard(1), nil)
			c.Sends(2, 1, &wire.HeartbeatReply{Term: 2})
		}, "I27 "},
		{"a commit index beyond the receiver's log", func(c *Checker) {
			written(c)
			c.Sends(1, 3, &wire.Heartbeat{Term: 1, Commit: 1})
		}, "I27 "},
		{"to nobody", func(c *Checker) { c.Sends(1, 4, &wire.TimeoutNow{}) }, "I27 "},
	})
}

func TestRecovery(t *testing.T) {
	interrupted := func(c *Checker) {
		written(c)
		c.SaveBegins(2, []wire.Update{{HardState: hard(2)}, {Entries: entries(4, 2)}})
		c.SaveEnds(2, errors.New("the power failed"))
	}
	runFrom(t, interrupted, []trace{
		{"nothing of an interrupted save", func(c *Checker) {
			c.Recovers(2, wire.HardState{Term: 1, Vote: 1}, wire.LogID{}, entries(1, 1, 1, 1))
		}, ""},
		{"a part of it", func(c *Checker) {
			c.Recovers(2, hard(2), wire.LogID{}, entries(1, 1, 1, 1))
		}, ""},
		{"all of it", func(c *Checker) {
			c.Recovers(2, hard(2), wire.LogID{}, entries(1, 1, 1, 1, 2))
		}, ""},
		{"its end without its start", func(c *Checker) {
			c.Recovers(2, wire.HardState{Term: 1, Vote: 1}, wire.LogID{}, entries(1, 1, 1, 1, 2))
		}, "I25 "},
		{"a durable entry is gone", func(c *Checker) {
			c.Recovers(2, wire.HardState{Term: 1, Vote: 1}, wire.LogID{}, entries(1, 1, 1))
		}, "I25 "},
		{"a vote is gone", func(c *Checker) {
			c.Recovers(2, hard(1), wire.LogID{}, entries(1, 1, 1, 1))
		}, "I25 "},
		{"a save after a failed one", func(c *Checker) {
			save(c, 2, hard(3), nil)
		}, "I26 "},
	})
}
