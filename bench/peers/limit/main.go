// SPDX-License-Identifier: Apache-2.0

// Command limit measures what the machine allows: it moves the same bytes through
// the same disks and sockets as a replicated log does, without any protocol. A
// batch of commands goes to the leader's file and to two followers over TCP at
// once; each writes it into a zero-filled file and syncs; a command is complete as
// soon as two of the three have it on disk. There are no terms, elections,
// checksums, retransmissions or recovery.
//
// One batch is on its way at a time, and a batch is everything that has arrived
// since the last one was taken: with closed-loop clients that is the fewest syncs
// for a command, and syncs are what costs the most.
package main

import "github.com/balsa-raft/raft/bench/load"

func main() {
	load.Main(load.Peer{Name: "limit", Open: open})
}
