// SPDX-License-Identifier: Apache-2.0

// Package rafttest tests what is built on, or plugged into, package raft. It has two
// halves.
//
// # A cluster in a bubble
//
// Run makes a cluster of nodes with the log stores and the network of package mem, and
// with its snapshot stores if Options.Snapshots says so, inside a testing/synctest bubble,
// forms a group of them, waits for its leader and calls a test:
//
//	func TestMyMachine(t *testing.T) {
//		rafttest.Run(t, rafttest.Options{Nodes: 3}, func(t *testing.T, c *rafttest.Cluster) {
//			c.MustPropose(1, "x")
//			c.Crash(c.Leader())
//			c.MustPropose(c.Leader(), "y")
//			c.CheckStores(c.AwaitEqual())
//		})
//	}
//
// The nodes are the real ones, with all their goroutines. Only the disks and the
// network are in memory, and the time is the bubble's: it stands still while
// anything can run, and jumps when nothing can, so that a minute of elections takes
// milliseconds and no time-out depends on how busy the machine is. How goroutines
// interleave within an instant is the scheduler's choice: a test is not
// repeatable to the last detail, and must not depend on that.
//
// A Cluster starts, stops, crashes and restarts members, separates them from each
// other, proposes commands and remembers what became of each, and records in front of every
// state machine what was applied. What it checks:
//
//   - AwaitEqual: all running members come to hold, and have applied, the same.
//   - CheckStores: every running member's log store holds the same entries, one
//     at each index, and the commands among them are those given and no others. It
//     is for logs that no snapshot has shortened.
//   - CheckOutcomes: whoever proposed a command was told the truth about it, and
//     commands take effect between the call and the return.
//   - CheckAtRest: every member has room again for all the bytes it may take.
//   - At the end of Run all members close in time, and no goroutine is left, or
//     else the bubble reports a deadlock.
//
// A crash loses whatever the log store had not taken when it happened, and nothing
// else: a Save is in the store of package mem as a whole, or not at all. Of a snapshot
// that is not published it loses what was written last. What the
// crashed process does afterwards reaches neither disk nor network. For disks
// that tear writes use package wal with a file system of one's own.
//
// When a test fails, the end of the nodes' logs, in the bubble's time, and every
// member's status are added to its output.
//
// # Conformance suites
//
// For whoever writes an implementation, the contracts of raft's seams are tests:
//
//   - TestLogStore for a raft.LogStore, TestSnapshotStore for a raft.SnapshotStore and
//     TestTransport for a raft.Transport;
//   - TestStateMachine for every raft.StateMachine, TestSnapshotter besides for one that
//     is a raft.Snapshotter, and TestDurableStateMachine besides both for one that is a
//     raft.DurableStateMachine.
//
// Each is called from a test of the implementation:
//
//	func TestConformance(t *testing.T) {
//		rafttest.TestLogStore(t, rafttest.LogStore{Open: func(t testing.TB) raft.LogStore { ... }})
//	}
//
// They demand nothing that the contracts don't. What they cannot see they don't
// promise: that a sync reaches the disk, that a message is never forged, that a
// state machine has no hidden clock in a branch which no command takes.
package rafttest
