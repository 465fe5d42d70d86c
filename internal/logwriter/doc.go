// SPDX-License-Identifier: Apache-2.0

// Package logwriter makes the writes of all groups of a node durable, one Save at a
// time: what arrives while one runs goes with the next, whatever its group.
//
// A write is named by its group and sequence number. Writes of one group are saved
// in the order they were queued in; a group is told of each Save once, with the
// highest number that is durable now.
//
// The first error is the end: nothing is retried, because after a failed write
// or sync nobody knows what the disk holds. Every group is told that has a write
// waiting, or queues another one, and the writes are dropped.
//
// How long Saves take is measured, for people: see Stats.
package logwriter
