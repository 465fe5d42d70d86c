// SPDX-License-Identifier: Apache-2.0

package main

// memberships are the bugs about changes of membership, and about whose disk a voter's is.
var memberships = []mutant{
	{
		name: "joint-votes-of-new-only", cites: []string{"S57"},
		edits: []edit{{"internal/core/formation.go",
			"\t\treturn c.quorum().Votes(c.election.of)\n",
			"\t\tq := c.quorum()\n\t\tq.Outgoing = nil\n\t\treturn q.Votes(c.election.of)\n"}},
		layer: "core", run: "^TestJointElectsByBothMajorities$",
		property: "a joint membership elects by both majorities (§6)",
	},
	{
		name: "joint-commits-by-new-only", cites: []string{"S57"},
		edits: []edit{{"internal/core/commit.go",
			"\treached := wire.Index(c.quorum().Reached(c.durableOn))\n",
			"\tq := c.quorum()\n\tq.Outgoing = nil\n\treached := wire.Index(q.Reached(c.durableOn))\n"}},
		layer: "core", run: "^TestJointIsCommittedByBothMajorities$",
		property: "a joint membership commits by both majorities (§6)",
	},
	{
		name: "membership-not-rolled-back", cites: []string{"S55", "S58"},
		edits: []edit{{"internal/core/membership.go",
			"\tfor n > 1 && c.memberships[n-1].index >= first {", "\tfor n > 1 && c.memberships[n-1].index > first {"}},
		layer: "core", run: "^TestChangeIsRolledBack$",
		property: "a membership goes with its entry (§6)",
	},
	{
		name: "change-while-one-is-uncommitted", cites: []string{"S56"},
		edits: []edit{{"internal/core/change.go",
			"\tcase now.index > c.commit || now.membership.IsJoint():", "\tcase now.membership.IsJoint():"}},
		layer: "core", run: "^TestOneChangeAtATime$",
		property: "one change at a time (§6)",
	},
	{
		name: "change-before-commit-in-term", cites: []string{"S56", "S58"},
		edits: []edit{{"internal/core/change.go",
			"\treturn term == c.hard.Term\n", "\treturn term <= c.hard.Term\n"}},
		layer: "core", run: "^TestNoChangeBeforeCommitInTerm$|^TestJointHasToBeCommittedInTerm$",
		property: "no change before the leader has committed in its term",
	},
	{
		name: "joint-left-before-it-is-committed", cites: []string{"S58"},
		edits: []edit{{"internal/core/change.go",
			"\tif at > c.commit || ", "\tif at > c.commit && !m.IsJoint() || "}},
		layer: "core", run: "^TestChangeStepByStep$|^TestJointIsCommittedByBothMajorities$|^TestJointHasToBeCommittedInTerm$",
		property: "the target alone decides when the joint membership is committed (§6)",
	},
	{
		name: "learner-promoted-too-early", cites: []string{"L20"},
		edits: []edit{{"internal/core/change.go",
			"\t\tif !p.catchUp.done || p.incarnation == 0 {", "\t\tif p.incarnation == 0 {"}},
		layer: "core", run: "^TestNewcomersCatchUpFirst$|^TestCatchUpInRounds$|^TestLearnerThatIsGoneCatchesUpAgain$",
		property: "who is to vote catches up first (thesis §4.2.1)",
	},
	{
		name: "removed-leader-counts-itself", cites: []string{"S32"},
		edits: []edit{{"internal/core/commit.go",
			"\treached := wire.Index(c.quorum().Reached(c.durableOn))\n",
			"\tq := c.quorum()\n\tif !c.membership().IsVoter(c.cfg.ID) {\n\t\tq.Voters = append([]wire.NodeID{c.cfg.ID}, q.Voters...)\n\t}\n\treached := wire.Index(q.Reached(c.durableOn))\n"}},
		layer: "core", run: "^TestRemovedLeaderDoesNotCount$",
		property: "a leader that is no voter does not count itself (§6)",
	},
	{
		name: "removed-leader-leads-on", cites: []string{"S32", "L16"},
		edits: []edit{{"internal/core/change.go",
			"\tl.isRetiring = true\n", "\tif l.isRetiring = len(l.peers) == 0; !l.isRetiring {\n\t\treturn\n\t}\n"}},
		layer: "core", run: "^TestRemovedLeader",
		property: "a leader that was removed steps down (§6)",
	},
	{
		name: "wiped-voter-votes", cites: []string{"S31", "S15"},
		edits: []edit{{"internal/core/formation.go",
			"\treturn meant == 0 || meant == c.cfg.Incarnation\n", "\treturn meant == 0 || c.cfg.Incarnation != 0\n"}},
		layer: "core", run: "^TestLostDiskDoesNotVote$",
		property: "who has lost its disk does not vote",
	},
	{
		name: "formed-by-a-majority", cites: []string{"S31"},
		edits: []edit{{"internal/core/formation.go",
			"\tif !c.isForming() {\n\t\treturn c.quorum()", "\tif c.hard.Term > 0 {\n\t\treturn c.quorum()"}},
		layer: "core", run: "^TestFormationNeedsAllVotes$|^TestLostDiskInitializedAgain$",
		property: "the first leader of a group has all votes",
	},
	{
		name: "first-leader-binds-nobody", cites: []string{"S31"},
		edits: []edit{{"internal/core/leader.go",
			"\t\tfirst = c.bindMembership()\n", "\t\t_ = c.bindMembership()\n"}},
		layer: "core", run: "^TestFirstLeaderBinds$",
		property: "the first leader records whose disks the voters' are",
	},
	{
		name: "lost-disk-keeps-its-progress", cites: []string{"S27", "S31"},
		edits: []edit{{"internal/core/peers.go",
			"\tp.Restart(c.log.Last())\n", ""}},
		layer: "core", run: "^TestPeerLostDisk$|^TestNewcomerLosesDisk$",
		property: "nothing that a lost disk had acknowledged counts",
	},
}
