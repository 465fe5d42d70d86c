// SPDX-License-Identifier: Apache-2.0

// Package mem has the seams of the library in memory: Log, a complete log store,
// and Network, a network inside one process that can be cut, slowed and made to
// lose, repeat and reorder messages. They are for tests, demonstrations and
// simulations; nothing in them survives the process.
//
// Log keeps to the whole contract of a LogStore but durability, and it outlives
// the node that uses it: a test closes the node and opens another on the same
// Log, or on a Clone taken in the middle of a write, and so restarts it.
//
// A Network makes one Transport for each node. Every message goes through the
// codec of package wire, so nodes share no memory. Chance is drawn from a seed,
// separately for each direction of each pair of nodes.
//
// Both work inside a testing/synctest bubble: they wait on channels and timers
// only. What is used inside a bubble must be made inside it.
package mem
