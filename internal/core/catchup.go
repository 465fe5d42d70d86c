// SPDX-License-Identifier: Apache-2.0

package core

import "github.com/balsa-raft/raft/wire"

// catchUp measures how fast a peer follows, in rounds (thesis §4.2.1): each replicates what
// was in the log at its begin. Who ends one within an election time-out would as a voter
// hold up commits for no longer than an election does.
type catchUp struct {
	// goal is the last entry of the round, zero if none has begun.
	goal  wire.Index
	since Instant
	done  bool
}

// advance takes in that the peer has acknowledged entries up to match of a log that ends at
// last.
func (r *catchUp) advance(match, last wire.Index, now, patience Instant) {
	if r.done || match < r.goal {
		return
	}
	if r.goal != 0 && now-r.since < patience || match == last {
		r.done = true
		return
	}
	r.goal, r.since = last, now
}
