// SPDX-License-Identifier: Apache-2.0

package mem_test

import (
	"fmt"

	"github.com/balsa-raft/raft/mem"
	"github.com/balsa-raft/raft/wire"
)

// A log keeps what was saved when its node is gone, and a clone is what a crash at
// that moment leaves.
func ExampleLog() {
	entries := func(term wire.Term, first, last wire.Index) (made []wire.Entry) {
		for i := first; i <= last; i++ {
			made = append(made, wire.Entry{Index: i, Term: term, Kind: wire.EntryCommand, Data: []byte("x")})
		}
		return made
	}
	log := mem.NewLog()
	_ = log.Save([]wire.Update{{Group: 1, HardState: wire.HardState{Term: 1, Vote: 3}, Entries: entries(1, 1, 5)}})
	crashed := log.Clone()
	_ = log.Save([]wire.Update{{Group: 1, Entries: entries(2, 4, 4)}}) // Entry 5 goes with it.

	for _, l := range []*mem.Log{crashed, log} {
		state, err := l.Load(1)
		fmt.Println("last", state.Last, "terms", state.Terms, err)
	}
	_, err := log.Entries(1, 4, 5, 1<<20)
	fmt.Println(err)
	// Output:
	// last 5 terms [{1 1}] <nil>
	// last 4 terms [{1 1} {2 4}] <nil>
	// mem: entries of group 1: mem: no such entry: 4 to 5, the log is from 1 to 4
}

// A path that is cut takes messages and loses them; one that is whole delivers.
func ExampleNetwork() {
	network := mem.NewNetwork(1)
	a, b := network.Transport(1), network.Transport(2)
	defer a.Close()
	defer b.Close()
	received := make(chan wire.Term, 10)
	ignore := func(wire.NodeID) {}
	_ = a.Start(func(wire.NodeID, []wire.Envelope) {}, ignore)
	_ = b.Start(func(_ wire.NodeID, batch []wire.Envelope) {
		for _, e := range batch {
			received <- e.Message.(*wire.Heartbeat).Term
		}
	}, ignore)
	a.Connect(2, "anywhere")

	network.Cut(1, 2)
	fmt.Println("taken:", a.Send(2, wire.Envelope{Group: 1, Message: &wire.Heartbeat{Term: 1}}))
	network.HealAll()
	fmt.Println("taken:", a.Send(2, wire.Envelope{Group: 1, Message: &wire.Heartbeat{Term: 2}}))
	fmt.Println("received: heartbeat of term", <-received)
	stats := network.LinkStats(1, 2)
	fmt.Println("sent", stats.Sent, "delivered", stats.Delivered, "dropped", stats.Dropped)
	// Output:
	// taken: true
	// taken: true
	// received: heartbeat of term 2
	// sent 2 delivered 1 dropped 1
}
