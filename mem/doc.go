// SPDX-License-Identifier: Apache-2.0

// Package mem has the seams of the library in memory: Log, a complete log store,
// Snapshots, a complete snapshot store, and Network, a network inside one process that
// can be cut, slowed and made to lose, repeat and reorder messages. They are for tests,
// demonstrations and simulations; nothing in them survives the process.
//
// Log and Snapshots keep to the whole contract of a LogStore and of a SnapshotStore but
// durability, and they outlive the node that uses them: a test closes the node and opens
// another on the same ones, or on a Clone taken in the middle of a write, and so restarts
// it. Both can be made to fail, stall and be slow, and snapshots to be damaged.
//
// A Network makes one Transport for each node. Every message goes through the
// codec of package wire, so nodes share no memory. Chance is drawn from a seed,
// separately for each direction of each pair of nodes. Bulk messages, see wire.IsBulk,
// have lanes of their own, which can be cut and slowed by themselves.
//
// All work inside a testing/synctest bubble: they wait on channels and timers
// only. What is used inside a bubble must be made inside it.
package mem
