// SPDX-License-Identifier: Apache-2.0

// Package sim runs whole clusters of the production code in one goroutine with virtual
// time, on disks and a network that fail, and watches whether they keep what Raft
// promises. One seed determines everything: the cluster and its settings, which kinds of
// faults there are and how hard they are, and all that happens then. Two runs of a seed
// are the same, event by event.
//
// What runs is the library as it is (package raft, all below internal it uses, the
// codec of package wire, and package wal), driven step by step instead of by goroutines
// and timers (see internal/drive). What is simulated is what it stands on: the network
// is a raft.Transport (network.go), the file system is vfs.Mem (disk.go), the clocks
// are clock.go's, the clients workload.go's.
//
// A run has two phases. In the first, clients propose while the faults that the seed has
// drawn happen (fault.go, nemesis.go); after every step all invariants of package safety
// are checked. In the second everything is healed, and the cluster has to come back to
// life, agree, get quiet, and serve again (recovery.go).
//
// What is left out. A step is never interrupted: other stages of a node run in the middle
// of a disk operation (stage.go, interleave) but nowhere else, so data races are for
// the race detector. Disks do not lie: what was synced stays, but for damage that the
// log can detect, on a minority of the nodes (disk.go, damage). A node never comes back
// with an empty or an older disk under its identity; see node.startFailed, where
// this would happen once members have incarnations.
package sim
