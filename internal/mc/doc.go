// SPDX-License-Identifier: Apache-2.0

// Package mc tries every behaviour of a few members within bounds, and verifies the
// invariants of Raft after every step: an explicit-state model checker, breadth first,
// that drives the core itself and not a description of it. What it reports as closed
// has no shorter and no longer counterexample within the bounds.
//
// # The world
//
// A state has the members, each with its core, its disk, the writes that the disk has
// not ended, and its replication streams; the messages under way; what is left of the
// bounds; and what the invariants have to remember. What may happen next:
//
//	a message arrives, or arrives and stays under way;
//	a member campaigns; a leader asserts itself, tells of a commit, misses its quorum, or
//	  is told that messages were lost;
//	a command is proposed to a leader;
//	the oldest write of a member ends;
//	a member loses all but its disk, and restarts (whom it happens to while it is down
//	  makes no difference: what would have arrived is late or lost);
//	a leader is asked for other members, or has waited for those who were removed;
//	a member loses its disk, and restarts with an empty one;
//	a snapshot becomes durable, taken or fetched; the log forgets what it covers; it is
//	  restored or turns out to be damaged; a member whose state is lost asks for one.
//
// The network keeps no order. Loss needs no step: what is never delivered is lost, and
// all that may happen without a message may happen while it is under way. A crash keeps
// no write under way: one that reached the disk unheard of is one that ended, just
// before. A stream sends at once what peer.Stream would send with an endless window; the
// network is what makes it late. EntriesSent and EntriesApplied follow at once.
//
// # Time
//
// There is no time but truth values: the core's durations are so far apart that the
// shorter never add up to a longer one, and each deadline is passed by choice, one member
// at a time, in any order. A time-out moves its member's own clock beyond all of its
// deadlines; an event moves no clock. Whoever asks for a vote is answered twice: as if
// the leader had just been heard of, and as if it had not for long. So every order of
// deadlines is tried, also those that no clock would produce. Left out are a write that
// takes so long that a leader gives up, transfers that somebody asks for, and that a
// leader skips the heartbeat to a peer that has just answered: it is as late or lost as
// the network likes, though noted as sent.
//
// # Snapshots
//
// A log may begin behind an entry. What it has no more is remembered all the same, as a
// ghost, and so is what has led to the state in a snapshot, which is its ID: so all
// invariants compare whole logs, and what was compacted, or is in a snapshot, counts as
// what it was. A log that begins anew gets the ghost of the snapshot in whose place it is.
// Nothing of a member sees ghosts: entries are read from behind the beginning only.
//
// A snapshot is whole or not there. It is of any state that the member has been in since
// the last: so it may have been captured long before it is durable, though a crash in
// between loses it. The core hears of its own at once, for until it does it only forgets
// less. A log forgets as much as a snapshot allows or less, whatever peers need: how
// much a leader keeps for them is no matter of safety. What is to be fetched may come at
// any time, each of several, or never; where members crash, it may be durable before the
// core hears. Transfers that are resumed, replaced, and given up are all of that kind. An
// offer is of the newest snapshot, and is late or lost like any message; with LateOffers
// it may be made when its leadership is over. Where snapshots may be damaged, which is
// noticed when they are restored, by a member that runs or restarts, restoring takes its time, and
// older ones are kept; elsewhere it follows at once, and only the newest is kept, which
// is the only one that is used. Left out are state machines that keep their state, and a
// log store that has entries after a restart that were to be forgotten.
//
// # Changes of membership
//
// All memberships that may come about are known from the beginning: those of the targets, and
// those on the way there (internal/change). A node that is no member is there, and knows nothing.
// A leader hands over when it was removed. Invariants go by the membership that each member has
// in its log, with quorums that are not the core's (quorum.go). A lost disk is one that somebody
// has lost as a voter: what it had voted and acknowledged before still is under way.
//
// While somebody leads, all peers answer within an election time-out, which decides only whether
// a step of a change may be taken yet, and whoever ends a round of catching up does so in time.
// That is no less: what they acknowledge is late instead. Left out are a group that is formed, or
// formed again by who has lost its disk, changes along with snapshots, learners who stay
// that, and what members tell each other about who was removed, which is for people.
//
// In some parts campaigns are rash: all pre-votes are granted at once, which is more than may
// happen. In some, leaders are quiet: the news of a commit comes with entries and heartbeats
// only, which is less.
//
// # Making it small
//
// A member is a function of its state and an event, so it is asked once and its answer
// is remembered by number (memory.go): a state of the world is a dozen numbers. Four
// reductions keep all that matters; reductions_test.go compares with a search that has
// none of them.
//
//   - States that differ in the members' names only are one: of the sums of the parts'
//     hashes under all renamings, the least stands for all. The names decide nothing in
//     the core but the order of messages, and to whom a leader hands over that was removed.
//     So only such renamings count that leave every membership as it is, and nobody who
//     may be handed over to has another name.
//   - A step that only consumes a message is not taken.
//   - A message that can do nothing any more is dropped (dead.go).
//   - Seq is counted from what is synced (core.AppendState).
//
// Snapshots add to what has to be kept. A log that is replaced by a snapshot may lose what
// the leader of the term has sent, but only if that leader has not offered it: one that it has
// offered is of its own log, and what it had sent before of that is in the snapshot, or else
// the log has the snapshot's last entry and stays. So what could be sent again without
// effect is no message without effect while an older fetch is under way. An offer is one
// when it belongs to a stream that is over, or its term is. That snapshots of equal states
// have equal IDs makes fewer states, and no difference: the core hands IDs on, and
// compares them never.
//
// States are known by 128-bit hashes. For n states the probability that two of them are
// taken for one is below n*n/2^129, some 10^-24 for ten millions.
//
// # Reading a counterexample
//
// It is one of the shortest. Memberships, if there are several, come first, by number, and what
// the members are in the beginning. Every step says what happens, what the member does, and
// what it then is; "[1 2 3(1)]" are the terms of a log's entries, and commands in
// brackets, "2<1>" a membership. The script below it tells the same again with raftmc -replay.
package mc
