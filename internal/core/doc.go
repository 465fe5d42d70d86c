// SPDX-License-Identifier: Apache-2.0

// Package core is the Raft algorithm and nothing else: a deterministic function
// from events (what happened, and when) to effects (what is to be done).
//
//	effects := core.Handle(now, events)
//	deadline := core.Deadline()
//
// It has no goroutine, channel, lock, map iteration, clock, random source of its
// own, I/O or logger; the lint test enforces that. So the runtime, the simulator
// and the model checker drive the very same code.
//
// It moves indexes, not bytes. Entries pass through it on their way to WriteLog,
// and it keeps none of them: which term wrote which indexes is all that it
// remembers, with the memberships, which are the only entries it looks into.
//
// Where each rule lives:
//
//	election.go    time-outs, pre-vote, candidacy            §5.2, thesis §9.6
//	vote.go        answering (pre-)votes, leader stickiness  §5.2, §5.4.1, thesis §4.2.3
//	follower.go    taking over the leader's log              §5.3
//	leader.go      proposing, the blank entry, replies       §5.3, §8
//	heartbeat.go   asserting leadership, loss, check-quorum  §5.2, thesis §6.2
//	commit.go      what is committed                         §5.3, §5.4.2
//	lane.go        what is durable, and what waits for it    §5.1, figure 2 "persistent state"
//	snapshot.go    offering and installing snapshots         §7
//	compact.go     what the log may forget                   §7
//	recover.go     what a restart finds: log and snapshot    §7, figure 2 "persistent state"
//	membership.go  the configuration in effect, forming one  §6
//	formation.go   the first leader of a group
//	incarnation.go whose disk a voter's is                   §5.1, figure 2 "persistent state"
//	change.go      changing the members, step by step        §6, thesis §4.3
//	catchup.go     when a learner may vote                   thesis §4.2.1
//	peers.go       whom a leader replicates to
//	removal.go     who was removed, and learns of it         thesis §4.2.2
//	transfer.go    handing leadership over, draining         thesis §3.10
//	priority.go    who is rather to lead                     thesis §3.10
//	stall.go       a leader whose disk hangs gives up
//	invariants.go  what must hold after every event
//
// A violated invariant panics (see package invariant): the state is not to be
// trusted any more. No message that can be decoded makes it panic: what cannot
// come from a correct member is dropped with a Notice.
package core
