// SPDX-License-Identifier: Apache-2.0

// Command hashicorp measures github.com/hashicorp/raft with its write-ahead log.
package main

import "github.com/balsa-raft/raft/bench/load"

func main() {
	load.Main(load.Peer{
		Name:          "hashicorp",
		Modules:       []string{"github.com/hashicorp/raft", "github.com/hashicorp/raft-wal"},
		KeepsCommands: true, // the LogCache refers to them
		Open:          open,
	})
}
