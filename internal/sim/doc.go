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
// A node that forgets. Raft promises nothing of a voter that comes back without what it
// has acknowledged and voted, and nobody tells it from one that is merely behind as long
// as members have no incarnations. What the library does is less, and amnesia_test.go
// shows where that ends:
//
//   - A member that knows of no group votes in the very first election only. So if a
//     quorum needs the vote of one with an empty disk there is no leader, and nothing is
//     lost.
//   - The leader that had the acknowledgements does not feed it again, and says so in its
//     log (PeerLostLog); it takes another leader, or a restart of that one, until the
//     member is brought up to date.
//   - Then it gets the log from its first entry, the membership, and votes from there on,
//     long before it holds again what it had acknowledged: if the leader dies now, a member
//     that lacks a committed entry can win with its vote. The entry is lost.
//   - The same happens at once where the application initializes its group at each start,
//     because the empty member then takes itself for a new one.
//   - A member with an older disk votes at once. Nothing notices: the folder's incarnation
//     is what it was, and terms, votes and entries are well-formed.
//
// Therefore the simulator empties a disk (EmptyDisk) only if the others can do without what
// was on it (safety.Checker.IsSpare), and has the leader restarted in the end, as an
// operator would have to. It never brings back an older one.
package sim
