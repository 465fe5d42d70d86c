// SPDX-License-Identifier: Apache-2.0

// Package sim runs whole clusters of the production code in one goroutine with virtual
// time, on disks and a network that fail, and watches whether they keep what Raft
// promises. One seed determines everything: the cluster and its settings, which kinds of
// faults there are and how hard they are, and all that happens then. Two runs of a seed
// are the same, event by event.
//
// What runs is the library as it is (package raft, all below internal it uses, the
// codec of package wire, and packages wal and snapdir), driven step by step instead of by goroutines
// and timers (see internal/drive). What is simulated is what it stands on: the network
// is a raft.Transport (network.go), the file system is vfs.Mem (disk.go), the clocks
// are clock.go's, the clients workload.go's.
//
// A run has two phases. In the first, clients propose while the faults that the seed has
// drawn happen (fault.go, nemesis.go); after every step all invariants of package safety
// are checked. In the second everything is healed, and the cluster has to come back to
// life, agree, get quiet, and serve again (recovery.go).
//
// In three seeds of four the members take snapshots and their logs forget (plan_snapshots.go):
// often, with small logs behind them, and with transfers that may take longer than the log
// reaches back. They are in a folder of package snapdir on the simulated disk (snapshots.go).
// In a third of those, the state machine keeps its state on that disk itself (durable.go), and is
// behind its log after a crash. The checker looks at what becomes durable, in which order, and
// whether each snapshot is what the commands before it lead to.
//
// A stage of a node takes a step only if production would wake its goroutine then (stage.go,
// listen), so a wake-up that production forgets keeps the cluster from coming to rest.
//
// One run in eight is a long one, of ten minutes (plan.go). Beside that, the same clusters
// are measured (measure.go): how long it takes until another leader has taken over, and
// how few elections there are under losses and partitions.
//
// What is left out. A step is never interrupted: other stages of a node run in the middle
// of a disk operation (stage.go, interleave) but nowhere else, so data races are for
// the race detector. Disks do not lie: what was synced stays, but for damage that the
// log can detect, on a minority of the nodes (disk.go, damage).
//
// In every other seed the members change (plan_changes.go): some nodes are spare, and the
// leader is asked for other members at random moments, in all ways there are
// (nemesis_changes.go), together with all other faults. It may lose its power in each phase of a
// change. What is asked for is never more than the group can live with in the end, as an
// operator would see to it; that it can right now is the library's concern. After the faults, a
// change under way has to come to its end, or is cancelled if a new voter is gone for good;
// those who are not members must leave the others alone, and know that they were removed
// (recovery_changes.go). Who decides, the checker knows from the memberships in the logs.
//
// A node that forgets. Raft promises nothing of a voter that comes back without what it has
// acknowledged and voted. Here it is somebody else, because its disk has another incarnation:
// it does not vote, nor does what it acknowledges commit anything, until it has been removed and
// added again, which an operator does (Repair).
// So the simulator empties disks (EmptyDisk) whenever a majority of the voters keep theirs, and
// no promise is taken back for that. amnesia_test.go has the scenarios, and the hole that
// remains: a disk that is set back to an older state of itself has the right incarnation, and
// votes at once. The simulator never does that in seeds.
package sim
