// SPDX-License-Identifier: Apache-2.0

package raft_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/mem"
)

// tally is a state machine that counts its commands.
type tally struct{ count int }

// Apply returns the count after each command.
func (t *tally) Apply(batch []raft.Entry) [][]byte {
	values := make([][]byte, len(batch))
	for i, entry := range batch {
		t.count++
		values[i] = fmt.Appendf(nil, "%s is number %d", entry.Data, t.count)
	}
	return values
}

// Three members of a group in one process, on a network and disks in memory. Real ones
// have package tcp and package wal in their places.
func ExampleOpen() {
	ctx := context.Background()
	network := mem.NewNetwork(1)
	members := []raft.Member{{ID: 1, Address: "a"}, {ID: 2, Address: "b"}, {ID: 3, Address: "c"}}
	groups := make(map[raft.NodeID]*raft.Group)
	for _, member := range members {
		transport := network.Transport(member.ID)
		defer transport.Close()
		node, err := raft.Open(raft.Config{
			ID: member.ID, Log: mem.NewLog(), Transport: transport,
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer node.Close(ctx)
		if groups[member.ID], err = node.StartGroup(raft.GroupConfig{ID: 1, StateMachine: &tally{}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := groups[1].Initialize(ctx, members...); err != nil { // On one of them is enough.
		fmt.Println(err)
		return
	}
	for _, id := range []raft.NodeID{1, 2, 3} { // Any member takes proposals.
		result, err := groups[id].Propose(ctx, fmt.Appendf(nil, "a command from node %d", id))
		fmt.Println(string(result.Value), err)
	}
	// Output:
	// a command from node 1 is number 1 <nil>
	// a command from node 2 is number 2 <nil>
	// a command from node 3 is number 3 <nil>
}
