// SPDX-License-Identifier: Apache-2.0

// Package raft is a consensus engine to embed: a program brings a state machine, and
// the package keeps an identical, durable, ordered log of commands on every member
// of a group, elects leaders, and answers who proposed a command once it is applied.
//
// # The model
//
// A Node is one process's part: it has an ID for ever, a LogStore and a Transport. It
// hosts any number of groups. A Group is this node's replica of one replicated log;
// each group has a leader at a time, which its members elect among themselves.
//
//	log, err := wal.Open(wal.Options{Dir: dir, Cluster: cluster, Node: 1})
//	transport, err := tcp.Listen(tcp.Options{Address: ":7001", Cluster: cluster, Node: 1, Incarnation: log.Incarnation()})
//	node, err := raft.Open(raft.Config{ID: 1, Log: log, Transport: transport})
//	group, err := node.StartGroup(raft.GroupConfig{ID: 1, StateMachine: machine})
//	err = group.Initialize(ctx, raft.Member{ID: 1, Address: "a:7001"}, raft.Member{ID: 2, Address: "b:7001"}, ...)
//	result, err := group.Propose(ctx, command)
//
// Propose may be called on any member: the command goes to the leader by itself.
//
// # What is guaranteed
//
// A command whose Propose returned nil was applied by the leader, stands durably on a
// majority of the members, and will be applied by every member, at the same place in
// the same order, whatever nodes crash, lose power or are cut off from each other, as
// long as disks keep what they said they had synced. It takes effect between the call
// and the return: proposals are linearizable. A command is applied at most once
// for each time it was proposed, and the library never repeats a proposal whose outcome
// is unknown.
//
// A group forms once all of its first members have answered each other. From then on, while a
// majority of the members run and reach each other, a leader exists or is
// elected within a few election time-outs, and commands go through. Group.ChangeMembership
// changes the members meanwhile. A member that comes back without its disk does not vote until
// it has been removed and added again.
//
// # What is not
//
// To read what others wrote, propose the read. Without Config.Snapshots the log grows for ever, and
// a member that starts applies all of it; docs/snapshots.md says what happens with it.
//
// Errors say what became of a command: see ErrNotApplied, ErrOutcomeUnknown and
// ErrStopped. The seams, LogStore, Transport and StateMachine, are small and say what
// they demand; docs/walk.md follows one write through the library.
package raft
