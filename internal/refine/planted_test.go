// SPDX-License-Identifier: Apache-2.0

package refine

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/balsa-raft/raft/wire"
)

// planted is a trace that is legal but for its last step.
type planted struct {
	rule  Rule
	trace func(t *testing.T) *Violation
}

// three is a trace of a group of three, five one of five.
func three(trace func(c *cluster) *Violation) func(t *testing.T) *Violation {
	return func(t *testing.T) *Violation { return trace(formed(t, 3)) }
}

func five(trace func(c *cluster) *Violation) func(t *testing.T) *Violation {
	return func(t *testing.T) *Violation { return trace(formed(t, 5)) }
}

func hard(term wire.Term, vote wire.NodeID) wire.HardState {
	return wire.HardState{Term: term, Vote: vote}
}

func id(term wire.Term, index wire.Index) wire.LogID { return wire.LogID{Term: term, Index: index} }

// elections violate UpdateTerm, Timeout, GrantVote and BecomeLeader.
var elections = []planted{
	{TermFalls, three(func(c *cluster) *Violation {
		c.runs(1)
		n := c.node(1)
		n.HardState, n.Role = hard(1, 0), Follower
		return c.step(1, nil, n.write())
	})},
	{TermUnheard, three(func(c *cluster) *Violation {
		c.runs(2, 1)
		n := c.node(1)
		n.HardState = hard(3, 0)
		return c.step(1, from(2, &wire.RequestVote{Term: 2, Last: id(1, 1)}), n.write())
	})},
	{TermUnheard, three(func(c *cluster) *Violation { // A pre-vote is of a term that nobody has entered.
		c.syncs(2, send(1, &wire.RequestPreVote{Term: 2, Last: id(1, 1)}))
		n := c.node(1)
		n.HardState = hard(2, 0)
		return c.step(1, from(2, &wire.RequestPreVote{Term: 2, Last: id(1, 1)}), n.write())
	})},
	{CandidateLeads, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.timesOut(1)
	})},
	{CandidateTerm, three(func(c *cluster) *Violation {
		c.node(1).HardState.Term++
		return c.timesOut(1)
	})},
	{CandidateTerm, three(func(c *cluster) *Violation { // A second candidacy in the same term.
		c.runs(1)
		c.node(1).Role = Follower
		c.legal(c.step(1, nil))
		c.node(1).Role = Candidate
		return c.step(1, nil)
	})},
	{CandidateNoVoter, three(func(c *cluster) *Violation {
		c.leading().changeTo(1, 2)
		request := c.request(1, 3, 5)
		c.node(3).Commit = 5
		c.legal(c.step(3, from(1, request)))
		return c.timesOut(3)
	})},
	{VoteTwice, three(func(c *cluster) *Violation {
		first, second := c.runs(1, 3), c.runs(2, 3)
		c.legal(c.votes(3, 1, first))
		return c.votes(3, 2, second)
	})},
	{VoteUnasked, three(func(c *cluster) *Violation {
		request := c.runs(1, 3)
		c.runs(2)
		n := c.node(3)
		n.HardState = hard(2, 2)
		return c.step(3, from(1, request), n.write())
	})},
	{VoteOutdated, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.replicates(1, 2, 1)
		c.runs(3)
		c.givesUp(3)
		return c.votes(2, 3, c.runs(3, 2))
	})},
	{LeadsUnelected, three(func(c *cluster) *Violation {
		c.node(1).Role = Leader
		return c.step(1, nil)
	})},
	{LeadsNoQuorum, three(func(c *cluster) *Violation {
		c.runs(1)
		c.node(1).Role = Leader
		return c.step(1, nil)
	})},
	{LeadsNoQuorum, three(func(c *cluster) *Violation { // The own vote counts when it is durable.
		request := c.runs(1, 2)
		c.legal(c.votes(2, 1, request))
		c.syncs(2, send(1, &wire.VoteReply{Term: 2, Granted: true, Incarnation: incarnationOf(2)}))
		c.legal(c.timesOut(1))
		c.node(1).Role = Leader
		return c.step(1, from(2, &wire.VoteReply{Term: 2, Granted: true}))
	})},
	{LeadsSecond, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.spec.members[2].granted = nil
		c.runs(3)
		c.spec.members[2].granted = []wire.NodeID{2, 3} // As if the vote had been granted twice.
		c.node(3).Role, c.node(3).Granted = Leader, nil
		return c.step(3, nil)
	})},
	{LeadsIncomplete, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		c.runs(3)
		c.givesUp(3)
		c.runs(3)
		c.spec.members[2].granted = []wire.NodeID{2, 3} // As if the restriction did not hold.
		c.node(3).Role, c.node(3).Granted = Leader, nil
		return c.step(3, nil)
	})},
}

// entryOf returns the entry of a membership.
func entryOf(term wire.Term, index wire.Index, m wire.Membership) wire.Entry {
	return wire.Entry{Index: index, Term: term, Kind: wire.EntryMembership, Data: wire.AppendMembership(nil, &m)}
}

// membership has a leader append a membership.
func (c *cluster) membership(leader wire.NodeID, m wire.Membership) *Violation {
	n := c.node(leader)
	n.terms = append(n.terms, n.HardState.Term)
	n.Membership = wire.Index(len(n.terms))
	e := entryOf(n.HardState.Term, n.Membership, m)
	if n.changes == nil {
		n.changes = map[wire.Index]wire.Entry{}
	}
	n.changes[n.Membership] = e
	return c.step(leader, nil, n.write(e))
}

// givesUp: a candidate or leader becomes a follower in the same term.
func (c *cluster) givesUp(id wire.NodeID) {
	c.t.Helper()
	c.node(id).Role, c.node(id).Granted = Follower, nil
	c.legal(c.step(id, nil))
}

// electsIn makes a member the leader of a term, after campaigns without any vote.
func (c *cluster) electsIn(term wire.Term, id wire.NodeID, voters ...wire.NodeID) {
	c.t.Helper()
	if c.node(id).Role != Follower {
		c.givesUp(id)
	}
	for c.node(id).HardState.Term+1 < term {
		c.runs(id)
		c.givesUp(id)
	}
	c.elects(id, voters...)
}

// resets has a member install a snapshot.
func (c *cluster) resets(node wire.NodeID, snapshot wire.LogID) *Violation {
	n := c.node(node)
	n.terms = append(n.terms[:1], slices.Repeat([]wire.Term{snapshot.Term}, int(snapshot.Index)-1)...)
	n.Compacted, n.Snapshot, n.Commit, n.Applied = snapshot, snapshot, snapshot.Index, snapshot.Index
	e := n.write()
	e.Reset = snapshot
	return c.step(node, nil, e)
}

// allRules reads the rules from where they are declared.
func allRules(t *testing.T) []Rule {
	t.Helper()
	text, err := os.ReadFile("violation.go")
	if err != nil {
		t.Fatal(err)
	}
	var rules []Rule
	for _, match := range regexp.MustCompile(`Rule = "([^"]+)"`).FindAllSubmatch(text, -1) {
		rules = append(rules, Rule(match[1]))
	}
	if len(rules) < 40 {
		t.Fatalf("there are %d rules", len(rules))
	}
	return rules
}

// TestPlanted demands of each rule that what violates it alone is seen as that.
func TestPlanted(t *testing.T) {
	seen := map[Rule]bool{}
	for _, p := range slices.Concat(elections, appends, commitments, disks, messages, changed) {
		t.Run(string(p.rule), func(t *testing.T) {
			v := p.trace(t)
			if v == nil {
				t.Fatal("the violation is not seen")
			}
			if v.Rule != p.rule {
				t.Fatalf("seen as %v", v)
			}
		})
		seen[p.rule] = true
	}
	for _, rule := range allRules(t) {
		if !seen[rule] {
			t.Errorf("no trace violates %s", rule)
		}
	}
}
