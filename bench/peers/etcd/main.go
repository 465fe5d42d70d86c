// SPDX-License-Identifier: Apache-2.0

// Command etcd measures go.etcd.io/raft/v3 with the write-ahead log of the etcd server.
//
// The library has neither a transport nor a loop of its own, so this is the harness
// that a demanding user would write: a RawNode driven by one goroutine, with
// asynchronous storage writes, that takes everything that has arrived at once; a
// log goroutine that saves everything that is due with one sync; an apply
// goroutine; and a goroutine for every direction of every TCP connection.
package main

import "github.com/balsa-raft/raft/bench/load"

func main() {
	load.Main(load.Peer{
		Name:          "etcd",
		Modules:       []string{"go.etcd.io/raft/v3", "go.etcd.io/etcd/server/v3"},
		KeepsCommands: true, // the MemoryStorage refers to them
		Open:          open,
	})
}
