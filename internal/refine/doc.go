// SPDX-License-Identifier: Apache-2.0

// Package refine is Raft as an executable specification, written from the paper (Ongaro
// and Ousterhout, figure 2, §5 to §7) and the thesis, and not from the core. It knows the
// messages of package wire and nothing of how members are made. After every step that a
// member takes in the simulator, Spec.Step has to explain it: from the state before, by
// legal actions of the paper, along what the member was told and did, to the state after.
// There is no sampling. A step that cannot be explained is a Violation, which names the
// action and the precondition that did not hold.
//
// # State
//
// Of each member: figure 2's currentTerm, votedFor, log[] (an image), commitIndex,
// lastApplied (member.go), the votes that a candidate has, matchIndex[] of a leader, and
// of a follower how far its log is known to be the leader's. Beside it what figure 2
// calls persistent, here told apart from what is only on its way there: the last durable
// image, and one for each write that has not ended. What is written is one atomic record.
//
// Ghosts (history.go) are what nobody has to remember in a real cluster: which votes were
// granted, which acknowledgements were sent, with which log a candidate ran, who led which
// term, all logs that ever were, and what is committed. By Log Matching, index and term
// name an entry and all before it; so a log is its last entry, all logs are a tree with a
// branch for each term, and looking something up takes as many steps as there are terms
// in between. Entries that were compacted are in the tree for ever: a snapshot is a place
// in it.
//
// # Actions
//
// One step may be several actions: all that a loop does in a turn. The composition is
// found from what the member wrote, sent and became, in that order (explain.go); only
// which messages it acted on is taken to be any of those that arrived in the step.
//
//	UpdateTerm     all servers, §5.1           a message is of that term; it becomes a follower
//	Timeout        candidates, §5.2            the term grows by one, the vote is its own; it votes in the
//	                                           membership in effect, or in the one before (thesis §4.2.2)
//	GrantVote      RequestVote 1, 2, §5.4.1    asked for in this term; none given yet; the candidate's log is
//	                                           at least as up to date; the voter is the one that is meant
//	BecomeLeader   candidates, §5.2            a quorum of votes that were granted, the own one durable; the
//	                                           first leader of a group has all
//	ClientRequest  leaders, §5.3, §8           at the end of its log, of its own term; a membership (§6) only
//	                                           when the one before is committed, and if quorums overlap, and
//	                                           only one that may follow it (thesis §4.3)
//	AppendEntries  AppendEntries 2 to 4, §5.3  the leader's entries; the one before is there; only a
//	                                           conflict truncates, and never what is committed
//	AdvanceCommit  leaders, §5.3, §5.4.2       a quorum has acknowledged it in this term, an entry of this
//	                                           term; joint quorums while a change is under way (§6)
//	               AppendEntries 5             a follower: min(leaderCommit, what is known to match)
//	Apply          all servers                 in order, up to the commit index
//	Sync, Restart  persistent state            writes end in order; a crash leaves what was durable, and of the
//	                                           writes on their way some from the oldest on
//	Send           RPCs                        what a message says is true, and durable; entries are the leader's
//	InstallSnapshot, Compact, §7               only what is committed; what matches behind it is retained
//
// Election Safety, Leader Completeness and State Machine Safety (figure 3) follow from
// these; they are demanded all the same, where it costs nothing.
//
// # Stutters
//
// Pre-votes (thesis §9.6): who asks for them is a follower, and they change nothing. A
// leader or candidate that gives up in its term (check quorum, thesis §6.2; a lost
// election). Leader stickiness, transfers and time: a member may time out at any moment,
// and need not vote. A transfer's TimeoutNow is a time-out like any other.
//
// # What differs from the paper
//
// Group formation: the first entry, of term 1, is a membership that members are given by
// their users, as if a leader of term 1 had replicated it (Form). Voters are known by the
// incarnations of their disks, which a group's first leader records, who needs all votes
// (membership.go, docs/decisions/0003): who comes back with another disk is no voter. A
// Heartbeat carries no previous entry; what stands in for it is that its commit index is never
// beyond what the receiver has acknowledged. An acknowledgement may answer several requests at once.
//
// # What it does not see
//
// Whether a new voter has caught up before it votes, and which target a change has. What is in
// entries, but for memberships: index and term stand for them, and the simulator's Log Matching compares the bytes. Why something does not happen: liveness.
// Whether a snapshot's bytes are the state they stand for.
package refine
