// SPDX-License-Identifier: Apache-2.0

package main

// schedules are the random schedules of the core: whole clusters under all faults at
// once, with every step checked.
const schedules = "^TestRandomSchedules$"

// elections are the bugs about terms, votes and leadership.
var elections = []mutant{
	{
		name: "vote-reply-before-sync", cites: []string{"S36", "M4"},
		edits: []edit{{"internal/core/lane.go",
			"func (c *Core) afterHardState(effect Effect) {\n\tif c.lane.hardSeq <= c.lane.synced {",
			"func (c *Core) afterHardState(effect Effect) {\n\tif c.lane.hardSeq <= c.lane.issued+1 {"}},
		layer: "core", run: schedules,
		property: "no term and no vote is heard of before it is durable", expect: []string{"on disk"},
	},
	{
		name: "hard-state-in-two-writes", cites: []string{"S2", "M2"},
		edits: []edit{{"internal/core/lane.go",
			"\tif l.hardDirty {\n\t\twrite.HardState = c.hard\n\t\tl.hardDirty = false\n\t}\n",
			`	if l.hardDirty {
		write.HardState = c.hard
		l.hardDirty = false
		if c.hard.Vote != 0 && len(write.Entries) == 0 {
			write.HardState.Vote = 0
			c.emit(write)
			l.issued++
			l.pending = append(l.pending, pendingWrite{last: c.log.Last(), at: c.now})
			write = WriteLog{Seq: l.issued, HardState: c.hard}
		}
	}
`}},
		layer: "core", run: schedules,
		property: "term and vote are one atomic write, and the reply waits for it", expect: []string{"on disk"},
	},
	{
		name: "term-not-persisted", cites: []string{"S5"},
		edits: []edit{{"internal/core/lane.go",
			"\tc.lane.hardDirty = true\n",
			"\tc.lane.hardDirty = vote != 0\n"}},
		layer: "core", run: schedules,
		property: "no term is spoken of that is not durable", expect: []string{"speaks of term"},
	},
	{
		name: "double-vote", cites: []string{"S3", "S13"},
		edits: []edit{{"internal/core/vote.go",
			"(c.hard.Vote == 0 || c.hard.Vote == from) && ", ""}},
		layer: "core", run: schedules,
		property: "one vote a term", expect: []string{"core: one vote a term"},
	},
	{
		name: "vote-cleared-on-step-down", cites: []string{"S4", "M3"},
		edits: []edit{{"internal/core/follower.go",
			"\tcase c.role != Follower:\n\t\tc.become(Follower)\n",
			"\tcase c.role != Follower:\n\t\tc.become(Follower)\n\t\tc.hard.Vote = 0\n"}},
		layer: "core", run: schedules,
		property: "the vote of a term stays", expect: []string{"core: the vote of a term stays"},
	},
	{
		name: "own-vote-before-sync", cites: []string{"S36", "S37"},
		edits: []edit{{"internal/core/election.go",
			"\tc.election = c.newElection(transfer)\n",
			"\tc.election = c.newElection(transfer)\n\tdefer func() { c.election.record(c.cfg.ID, quorum.Granted, c.cfg.Incarnation); c.decideElection() }()\n"}},
		layer: "core", run: schedules,
		property: "who leads has its own vote on disk", expect: []string{"but its own vote on disk is"},
	},
	{
		name: "reply-teaches-vote", cites: []string{"S14"},
		edits: []edit{{"internal/core/election.go",
			"\t\tc.enterTerm(term)\n\t\treturn true\n",
			"\t\tc.enterTerm(term)\n\t\tc.setHardState(term, from)\n\t\treturn true\n"}},
		layer: "core", run: "^TestReplyTeachesNoVote$",
		property: "a reply teaches a term, never a vote",
	},
	{
		name: "log-comparison-by-index", cites: []string{"L21", "S31"},
		edits: []edit{{"internal/core/vote.go",
			"return last.Compare(c.log.LastID()) >= 0", "return last.Index >= c.log.Last()"}},
		layer: "core", run: schedules,
		property: "leader completeness", expect: []string{"leader completeness"},
	},
	{
		name: "log-comparison-by-parts", cites: []string{"L21"},
		edits: []edit{{"internal/core/vote.go",
			"return last.Compare(c.log.LastID()) >= 0",
			"return last.Index >= c.log.Last() && last.Term >= c.log.LastID().Term"}},
		layer: "core", run: "^TestFigure7Elections$|^TestElectionRestriction$",
		property: "terms decide which log is more up to date, indexes only among equals",
	},
	{
		name: "pre-vote-changes-state", cites: []string{"S13", "L13"},
		edits: []edit{{"internal/core/vote.go",
			"\tgranted := m.Term > c.hard.Term && !c.leaderIsAlive()",
			"\tif m.Term > c.hard.Term {\n\t\tc.setHardState(m.Term, 0)\n\t}\n\tgranted := m.Term >= c.hard.Term && !c.leaderIsAlive()"}},
		layer: "core", run: "^TestPreVoteHasNoSideEffect$",
		property: "a pre-vote changes nothing",
	},
	{
		name: "pre-vote-rounds-mixed", cites: []string{"S13", "L15"},
		edits: []edit{{"internal/core/election.go",
			" || m.Round != c.follower.round {", " {"}},
		layer: "core", run: "^TestPreVoteRounds$",
		property: "a pre-vote counts in its round only",
	},
	{
		name: "pre-vote-refusal-without-term", cites: []string{"L12", "L14", "M38"},
		edits: []edit{{"internal/core/vote.go",
			"&wire.PreVoteReply{Term: c.hard.Term, Round: m.Round, Granted: granted,",
			"&wire.PreVoteReply{Term: min(m.Term-1, c.hard.Term), Round: m.Round, Granted: granted,"}},
		layer: "core", run: "^TestRefusedPreVoteTeachesTerm$",
		property: "a refusal teaches the term",
	},
	{
		name: "stickiness-removed", cites: []string{"L17", "M26"},
		edits: []edit{{"internal/core/vote.go",
			"\t\tif c.leaderIsAlive() && !m.Transfer {", "\t\tif c.leaderIsAlive() && m.Term == 0 {"}},
		layer: "core", run: "^TestLeaderStickiness$",
		property: "who hears from a leader does not let another end its term",
	},
	{
		name: "transfer-blocked-by-stickiness", cites: []string{"L41"},
		edits: []edit{{"internal/core/vote.go",
			"\t\tif c.leaderIsAlive() && !m.Transfer {", "\t\tif c.leaderIsAlive() {"}},
		layer: "core", run: "^TestTransferIsQuick$|^TestTransferSkipsStickiness$",
		property: "a transfer takes round trips, not time-outs",
	},
	{
		name: "check-quorum-off", cites: []string{"L2", "L4"},
		edits: []edit{{"internal/core/heartbeat.go",
			"\tl.quorumAt = contact + c.cfg.ElectionTimeout\n",
			"\tl.quorumAt = max(contact, c.now) + c.cfg.ElectionTimeout\n"}},
		layer: "core", run: "^TestCheckQuorum$",
		property: "a leader without a quorum steps down",
	},
	{
		name: "learners-keep-the-leader", cites: []string{"S10"},
		edits: []edit{{"internal/core/heartbeat.go",
			"\tl.quorumAt = contact + c.cfg.ElectionTimeout\n",
			`	for _, id := range c.membership().Learners {
		contact = max(contact, l.peer(id).Contact)
	}
	l.quorumAt = contact + c.cfg.ElectionTimeout
`}},
		layer: "core", run: "^TestLearnersAreNoQuorum$",
		property: "learners are no quorum",
	},
	{
		name: "learners-counted", cites: []string{"S10", "S57"},
		edits: []edit{{"internal/quorum/quorum.go",
			"return Config{Voters: m.Voters, Outgoing: m.Outgoing}",
			"return Config{Voters: append(slices.Clone(m.Voters), m.Learners...), Outgoing: m.Outgoing}"}},
		layer: "core", run: "^TestLearnersDoNotCount$",
		property: "learners do not count",
	},
	{
		name: "quorum-off-by-one", cites: []string{"S7", "S9"},
		edits: []edit{{"internal/quorum/quorum.go",
			"return values[(len(voters)-1)/2]", "return values[len(voters)/2]"}},
		layer: "quorum", run: "^TestReached",
		property: "a quorum is more than half, against brute force",
	},
	{
		name: "quorum-unsorted", cites: []string{"S8", "M5"},
		edits: []edit{{"internal/quorum/quorum.go",
			"i > 0 && sorted[i-1] > v", "i > 1 && sorted[i-1] > v"}},
		layer: "quorum", run: "^TestReached",
		property: "what a quorum has reached, against brute force",
	},
	{
		name: "joint-half-ignored", cites: []string{"S57", "M18"},
		edits: []edit{{"internal/quorum/quorum.go",
			"if len(c.Outgoing) > 0 {", "if len(c.Voters) == 0 {"}},
		layer: "core", run: "^TestJointQuorums$",
		property: "both halves of a joint configuration agree",
	},
	{
		name: "lost-disk-votes", cites: []string{"S31", "S15", "M16"},
		edits: []edit{{"internal/core/vote.go",
			"(knowsGroup || meant > anonymous || meant == 0 && last == firstLogID)", "(knowsGroup || last.Index > 0)"}},
		layer: "core", run: "^TestEmptyMemberVotesForFirstLeaderOnly$",
		property: "who may have lost its disk does not vote",
	},
	{
		name: "learner-campaigns", cites: []string{"S12", "S11"},
		edits: []edit{{"internal/core/election.go",
			"return m.IsVoter(c.cfg.ID) &&", "return m.Contains(c.cfg.ID) &&"}},
		layer: "core", run: "^TestWhoDoesNotVoteDoesNotCampaign$",
		property: "only voters campaign",
	},
	{
		name: "stalled-disk-keeps-leading", cites: []string{"L3", "L5", "M20"},
		edits: []edit{{"internal/core/stall.go",
			"\tif c.leader == nil || c.now < c.stallAt() {", "\tif c.leader == nil || len(c.lane.pending) >= 0 {"}},
		layer: "core", run: "^TestStalledLeaderGivesUp$|^TestHungDiskIsReplaced$", liveness: true,
		property: "a leader whose disk hangs is replaced",
	},
	{
		name: "terms-of-strangers", cites: []string{"L16", "M26"},
		edits: []edit{{"internal/core/election.go",
			"\tcase !c.membership().Contains(from):", "\tcase from == 0:"}},
		layer: "core", run: "^TestUnknownSendersAreDropped$",
		property: "who is not a member teaches no term",
	},
}
