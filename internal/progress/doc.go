// SPDX-License-Identifier: Apache-2.0

// Package progress is what a leader knows about one peer: how far the peer's log
// is known to match, and what the replication stream towards it is to do next.
//
// It is pure: no goroutine, clock or I/O, and it moves indexes, not bytes. How
// much may be in flight is the business of the stream (package peer), which
// knows how large entries are.
package progress
