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

// appends violate ClientRequest, Form and AppendEntries.
var appends = []planted{
	{AppendsUnled, three(func(c *cluster) *Violation { return c.step(1, nil, c.node(1).append(1)) })},
	{AppendsTerm, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		n := c.node(1)
		n.terms = append(n.terms, 1)
		return c.step(1, nil, n.write(entries(1, 3, 3)...))
	})},
	{AppendsOnly, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		n := c.node(1)
		n.terms = n.terms[:1]
		return c.step(1, nil, n.append(1))
	})},
	{AppendsOnly, three(func(c *cluster) *Violation { // A gap.
		c.elects(1, 2)
		n := c.node(1)
		n.terms = append(n.terms, 2, 2)
		return c.step(1, nil, n.write(entries(2, 4, 4)...))
	})},
	{AppendsMembership, three(func(c *cluster) *Violation { // The one before is not committed.
		c.elects(1, 2)
		c.legal(c.commits(1, 0))
		return c.membership(1, members(1, 2))
	})},
	{AppendsMembership, three(func(c *cluster) *Violation { // No joint quorum.
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		return c.membership(1, members(3))
	})},
	{FormsOther, three(func(c *cluster) *Violation {
		c.spec.members = append(c.spec.members, &member{id: 4})
		c.nodes = append(c.nodes, &shown{id: 4})
		return c.forms(4, members(1, 2, 3, 4))
	})},
	{AcceptsForeign, three(func(c *cluster) *Violation { // Nobody has sent them.
		c.elects(1, 2)
		n := c.node(2)
		n.terms = append(n.terms, 2)
		return c.step(2, nil, n.write(entries(2, 2, 2)...))
	})},
	{AcceptsForeign, three(func(c *cluster) *Violation { // The leader has others.
		c.elects(1, 2)
		request := c.request(1, 2, 1)
		request.Entries = entries(2, 2, 3)
		n := c.node(2)
		n.terms = append(n.terms, 2, 2)
		return c.step(2, from(1, request), n.write(request.Entries...))
	})},
	{AcceptsMismatch, three(func(c *cluster) *Violation { // A gap.
		c.elects(1, 2)
		c.proposes(1, 2)
		request := c.request(1, 2, 3)
		n := c.node(2)
		n.terms = append(n.terms, 2, 2, 2)
		return c.step(2, from(1, request), n.write(request.Entries...))
	})},
	{AcceptsMismatch, three(func(c *cluster) *Violation { // Another entry before the first.
		c.elects(1, 2)
		c.electsIn(3, 3, 2)
		c.proposes(3, 1)
		request := c.request(3, 1, 2)
		n := c.node(1)
		n.HardState, n.terms = hard(3, 0), append(n.terms, 3)
		return c.step(1, from(3, request), n.write(request.Entries...))
	})},
	{AcceptsNoConflict, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.proposes(1, 1)
		late := c.request(1, 2, 1)
		c.accepts(2, 1, late)
		n := c.node(2)
		return c.step(2, from(1, late), n.write(late.Entries...))
	})},
	{AcceptsCommitted, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		again := c.request(1, 2, 1)
		c.node(2).Commit = 2
		c.legal(c.step(2, from(1, again)))
		return c.step(2, from(1, again), c.node(2).write(again.Entries...))
	})},
}

// commitments violate AdvanceCommit and Apply.
var commitments = []planted{
	{CommitFalls, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		return c.commits(1, 1)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		return c.commits(1, 2)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation { // The own disk counts like a peer's.
		c.elects(1, 2)
		c.replicates(1, 2, 1)
		return c.commits(1, 2)
	})},
	{CommitNoQuorum, three(func(c *cluster) *Violation { // Half of a joint membership is no quorum.
		c.leading().adopts(1, beginning([]wire.NodeID{1, 2, 3}, []wire.NodeID{3}), 2, 3)
		c.legal(c.membership(1, joining([]wire.NodeID{1, 2, 3}, []wire.NodeID{3})))
		c.syncs(1)
		c.replicates(1, 2, 3)
		return c.commits(1, 4)
	})},
	{CommitOlderTerm, five(func(c *cluster) *Violation { // Figure 8, in (c).
		c.elects(1, 2, 3)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.electsIn(3, 5, 3, 4)
		c.electsIn(4, 1, 2, 3)
		for _, id := range []wire.NodeID{3, 4} {
			request := c.request(1, id, 1)
			request.Entries = request.Entries[:1]
			c.accepts(id, 1, request)
			c.acknowledges(id, 1)
		}
		return c.commits(1, 2)
	})},
	{CommitUntold, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.accepts(2, 1, c.request(1, 2, 1))
		return c.commits(2, 2)
	})},
	{CommitUntold, three(func(c *cluster) *Violation { // Beyond what is known to match.
		c.elects(1, 2)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.legal(c.crashes(1, hard(2, 1), 1))
		c.electsIn(3, 2, 1)
		c.syncs(2)
		c.replicates(2, 1, 1)
		c.legal(c.commits(2, 2))
		n := c.node(3)
		n.HardState, n.Commit = hard(3, 0), 2
		probe := &wire.AppendEntries{Term: 3, Epoch: 1, Prev: id(1, 1), Commit: 2}
		c.legal(c.spec.Sends(2, probe))
		return c.step(3, from(2, probe), n.write())
	})},
	{CommitContradicts, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.spec.history.reigns[9] = &reign{base: id(1, 1), last: 2}
		c.spec.committed = id(9, 2)
		return c.commits(1, 2)
	})},
	{AppliesAgain, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.node(1).Applied = 2
		c.legal(c.commits(1, 2))
		c.node(1).Applied = 1
		return c.step(1, nil)
	})},
	{AppliesUncommitted, three(func(c *cluster) *Violation {
		c.node(1).Applied = 1
		return c.step(1, nil)
	})},
	{AppliesUncommitted, three(func(c *cluster) *Violation { return c.step(1, nil, Effect{Kind: Applied, Through: 1}) })},
}

// disks violate Persist, Sync and Restart, InstallSnapshot and Compact.
var disks = []planted{
	{WritesOutOfOrder, three(func(c *cluster) *Violation {
		c.node(1).seq++
		return c.timesOut(1)
	})},
	{SyncsUnissued, three(func(c *cluster) *Violation {
		return c.spec.Step(&Step{Node: 1, Synced: 2, Post: c.node(1).view()})
	})},
	{DurableUncovered, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.node(1).Durable = 2
		return c.step(1, nil)
	})},
	{DurableUncovered, five(func(c *cluster) *Violation { // Overwritten, and brought back: not durable in between.
		c.elects(1, 4, 5)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.syncs(3)
		c.electsIn(3, 2, 4, 5)
		c.accepts(3, 2, c.request(2, 3, 1))
		c.electsIn(4, 1, 4, 5)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.node(3).Durable = 2
		return c.step(3, nil)
	})},
	{RestartsOther, three(func(c *cluster) *Violation { // A vote was lost.
		c.runs(1)
		return c.crashes(1, hard(2, 0), 1)
	})},
	{RestartsOther, three(func(c *cluster) *Violation { // An entry was lost.
		c.elects(1, 2)
		c.syncs(1)
		return c.crashes(1, hard(2, 1), 1)
	})},
	{RestartsOther, three(func(c *cluster) *Violation { // A later write was kept, and an earlier one not.
		c.legal(c.timesOut(1))
		c.node(1).Role = Follower
		c.legal(c.step(1, nil))
		c.legal(c.timesOut(1))
		return c.crashes(1, hard(4, 1), 1)
	})},
	{SnapshotUncommitted, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.proposes(1, 3)
		return c.resets(3, id(2, 5))
	})},
	{SnapshotDiscards, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.proposes(1, 3)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 5))
		return c.resets(2, id(2, 4))
	})},
	{CompactsUncommitted, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.node(1).Compacted = id(2, 2)
		return c.step(1, nil)
	})},
	{CompactsUncovered, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		c.node(1).Compacted, c.node(1).Snapshot = id(2, 2), id(1, 1)
		return c.step(1, nil)
	})},
	{SnapshotUncommitted, three(func(c *cluster) *Violation { // The log begins behind another entry than the snapshot ends with.
		c.elects(1, 2)
		c.proposes(1, 3)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 5))
		n := c.node(3)
		n.Snapshot = id(2, 4)
		e := n.write()
		e.Reset = id(2, 5)
		return c.step(3, nil, e)
	})},
}

// messages violate what may be said, and counted.
var messages = []planted{
	{NeverSent, three(func(c *cluster) *Violation {
		c.runs(1, 2)
		return c.step(1, from(2, &wire.VoteReply{Term: 2, Granted: true}))
	})},
	{NeverSent, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.step(1, from(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 2}))
	})},
	{SaysTerm, three(func(c *cluster) *Violation {
		c.legal(c.timesOut(1))
		return c.step(1, nil, send(2, &wire.PreVoteReply{Term: 2}))
	})},
	{SaysVote, three(func(c *cluster) *Violation {
		c.runs(2)
		c.legal(c.votes(3, 1, c.runs(1, 3)))
		c.syncs(3)
		return c.step(3, nil, send(2, &wire.VoteReply{Term: 2, Granted: true}))
	})},
	{SaysRequest, three(func(c *cluster) *Violation {
		c.runs(1)
		return c.step(1, nil, send(2, &wire.RequestVote{Term: 2, Last: id(1, 2)}))
	})},
	{SaysAck, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		c.accepts(2, 1, c.request(1, 2, 1))
		return c.step(2, nil, send(1, &wire.AppendReply{Term: 2, Epoch: 1, Match: 2}))
	})},
	{SaysMismatch, three(func(c *cluster) *Violation { // Of another leader's log.
		c.elects(1, 2)
		c.accepts(3, 1, c.request(1, 3, 1))
		c.syncs(3)
		c.legal(c.crashes(1, hard(2, 1), 1))
		c.electsIn(3, 2, 1)
		n := c.node(3)
		n.HardState = hard(3, 0)
		probe := &wire.AppendEntries{Term: 3, Epoch: 1, Prev: id(1, 1)}
		c.legal(c.spec.Sends(2, probe))
		c.legal(c.step(3, from(2, probe), n.write()))
		return c.spec.Step(&Step{Node: 3, Synced: n.seq, Effects: []Effect{
			send(2, &wire.HeartbeatReply{Term: 3, Match: 2}),
		}, Post: n.view()})
	})},
	{SaysLeader, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.step(2, nil, send(1, &wire.Heartbeat{Term: 2}))
	})},
	{SaysLeader, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.spec.Sends(2, &wire.AppendEntries{Term: 2, Epoch: 1, Prev: id(1, 1)})
	})},
	{SaysEntries, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.spec.Sends(1, &wire.AppendEntries{Term: 2, Epoch: 1, Prev: id(1, 1), Entries: entries(1, 2, 2)})
	})},
	{SaysEntries, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.step(1, nil, Effect{Kind: Streamed, To: 3, Term: 2, Prev: id(2, 1), Last: 2})
	})},
	{SaysCommit, three(func(c *cluster) *Violation { // The receiver may hold something else there.
		c.elects(1, 2)
		c.syncs(1)
		c.replicates(1, 2, 1)
		c.legal(c.commits(1, 2))
		return c.step(1, nil, send(3, &wire.Heartbeat{Term: 2, Commit: 2}))
	})},
	{SaysCommit, three(func(c *cluster) *Violation {
		c.elects(1, 2)
		return c.spec.Sends(1, &wire.AppendEntries{Term: 2, Epoch: 1, Prev: id(1, 1), Commit: 1})
	})},
	{CountsVote, three(func(c *cluster) *Violation {
		c.runs(1, 2)
		c.node(1).Granted = []wire.NodeID{1, 2}
		return c.step(1, nil)
	})},
	{CountsMatch, three(func(c *cluster) *Violation { // An acknowledgement of an earlier leadership.
		c.elects(1, 2)
		c.replicates(1, 2, 1)
		c.electsIn(3, 1, 2)
		c.node(1).peers[2] = 2
		return c.step(1, from(2, &wire.AppendReply{Term: 2, Epoch: 1, Match: 2}))
	})},
	{StateOther, three(func(c *cluster) *Violation { // A term that is not written.
		c.node(1).HardState.Term++
		return c.step(1, nil)
	})},
	{StateOther, three(func(c *cluster) *Violation { // A log that is not written.
		c.elects(1, 2)
		c.node(1).terms = []wire.Term{1, 2, 2}
		return c.step(1, nil)
	})},
	{StateOther, three(func(c *cluster) *Violation { // A log that is written otherwise.
		c.elects(1, 2)
		n := c.node(1)
		e := n.append(1)
		n.terms[1] = 1
		return c.step(1, nil, e)
	})},
	{StateOther, three(func(c *cluster) *Violation { // A membership that was truncated, or is not in effect yet.
		c.node(1).Membership = 0
		return c.step(1, nil)
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
