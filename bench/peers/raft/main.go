// SPDX-License-Identifier: Apache-2.0

// Command raft measures this repository's library with its own log and transport,
// all with their defaults.
package main

import "github.com/balsa-raft/raft/bench/load"

func main() {
	load.Main(load.Peer{
		Name:          "raft",
		KeepsCommands: true, // the log cache refers to them
		Open:          open,
	})
}
