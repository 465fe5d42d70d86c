// SPDX-License-Identifier: Apache-2.0

package rafttest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/balsa-raft/raft"
	"github.com/balsa-raft/raft/wire"
)

// oneOfEach returns a message of every kind.
func oneOfEach() []wire.Envelope {
	entries := []wire.Entry{membershipOf(1, 7, 1, 2), {Index: 8, Term: 2, Kind: wire.EntryBlank}, entryOf(2, 9)}
	messages := []wire.Message{
		&wire.AppendEntries{Term: 2, Epoch: 3, Prev: wire.LogID{Term: 1, Index: 6}, Commit: 5, Entries: entries},
		&wire.AppendReply{Term: 2, Epoch: 3, Match: 9, Rejected: true, Conflict: wire.LogID{Term: 1, Index: 4}},
		&wire.Heartbeat{Term: 2, Round: 7, Commit: 5},
		&wire.HeartbeatReply{Term: 2, Round: 7, Epoch: 3, Match: 9, Accepted: 10},
		&wire.RequestPreVote{Term: 3, Round: 1, Last: wire.LogID{Term: 2, Index: 9}},
		&wire.PreVoteReply{Term: 2, Round: 1, Granted: true},
		&wire.RequestVote{Term: 3, Last: wire.LogID{Term: 2, Index: 9}, Transfer: true},
		&wire.VoteReply{Term: 3, Granted: true},
		&wire.TimeoutNow{Term: 3},
		&wire.ForwardProposals{Term: 3, Session: 4, ID: 5, Commands: [][]byte{[]byte("a"), {}, []byte("b")}},
		&wire.ForwardReply{Session: 4, ID: 5, First: 1, Results: []wire.ForwardResult{
			{Outcome: wire.OutcomeApplied, LogID: wire.LogID{Term: 3, Index: 10}, Value: []byte("value")}, {Outcome: wire.OutcomeTooBusy},
		}},
		&wire.SnapshotOffer{Term: 3, Epoch: 4, Snapshot: wire.SnapshotMeta{
			ID: 5, Last: wire.LogID{Term: 2, Index: 9}, Membership: wire.NewMembership(wire.Member{ID: 1, Address: "node-1"}, wire.Member{ID: 2}), MembershipAt: 7,
			Command: wire.LogID{Term: 2, Index: 8}, Version: 1, Size: 1000, Checksum: 6,
		}},
		&wire.SnapshotWanted{Term: 3, AtLeast: 9},
		&wire.SnapshotFetch{ID: 5, Offset: 100, Length: 200},
		&wire.SnapshotChunk{ID: 5, Offset: 100, Status: wire.ChunkData, Checksum: 7, Data: []byte("data")},
		&wire.SnapshotChunk{ID: 5, Offset: 1000, Status: wire.ChunkEnd, Checksum: 6},
		&wire.SnapshotChunk{ID: 5, Status: wire.ChunkBusy},
	}
	envelopes := make([]wire.Envelope, len(messages))
	for i, m := range messages {
		envelopes[i] = wire.Envelope{Group: raft.GroupID(1 + i<<40), Message: m}
	}
	return envelopes
}

func transportMessages(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	for _, message := range oneOfEach() {
		want := encoded(message)
		received := func() bool {
			for _, e := range b.received[1] {
				if encoded(e) == want {
					return true
				}
			}
			return false
		}
		b.await(fmt.Sprint("a message of kind ", message.Message.Kind()), func() { a.Send(2, message) }, received)
		if encoded(message) != want {
			t.Errorf("Send changed a message of kind %v", message.Message.Kind())
		}
	}
	known := map[string]bool{}
	for _, message := range oneOfEach() {
		known[encoded(message)] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for from, messages := range b.received {
		for _, e := range messages {
			if from != 1 || !known[encoded(e)] {
				t.Errorf("%+v was received from node %d, and nobody sent it", e, from)
			}
		}
	}
}

// orderMessages is how many messages must arrive in order.
const orderMessages = 5000

func transportOrder(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	ends := []struct {
		from, to *transportRig
		sent     int
	}{{from: a, to: b}, {from: b, to: a}}
	for i := range ends {
		end := &ends[i]
		send := func() {
			for range 100 {
				end.sent++
				end.from.Send(end.to.id, numberedMessage(1, end.sent))
			}
		}
		end.to.await(fmt.Sprint(orderMessages, " messages"), send, func() bool { return len(end.to.received[end.from.id]) >= orderMessages })
	}
	if a.unreachables()+b.unreachables() > 0 {
		t.Skip("a connection broke: nothing can be said about the order")
	}
	for _, end := range ends {
		checkAscending(t, end.to.take(end.from.id), end.sent)
	}
}

// checkAscending checks that numbers ascend, and none is there twice.
func checkAscending(t testing.TB, messages []wire.Envelope, numberMax int) {
	t.Helper()
	last := 0
	for _, e := range messages {
		n := numberOf(e)
		if n <= last || n > numberMax {
			t.Fatalf("message %d of at most %d came after %d", n, numberMax, last)
		}
		last = n
	}
}

func transportSenders(t testing.TB, s *Transport) {
	const nodes, senders, messages = 4, 5, 300
	open := s.Cluster(t)
	var rigs []*transportRig
	for id := range raft.NodeID(nodes) {
		rigs = append(rigs, s.open(t, open, id+1))
	}
	for _, from := range rigs {
		for _, to := range rigs {
			if from != to {
				from.Connect(to.id, to.address)
			}
		}
	}
	quit := make(chan struct{})
	var running sync.WaitGroup
	for _, from := range rigs {
		for group := range raft.GroupID(senders) {
			running.Go(func() { sendNumbers(from, rigs, group+1, quit) })
		}
	}
	defer running.Wait()
	defer close(quit)
	for _, to := range rigs {
		for _, from := range rigs {
			if from != to {
				to.await(fmt.Sprintf("messages from %d to %d", from.id, to.id), nil,
					func() bool { return len(to.received[from.id]) >= messages })
			}
		}
	}
	checkSenders(t, rigs)
}

// sendNumbers sends to all others, until it is told to quit.
func sendNumbers(from *transportRig, rigs []*transportRig, group raft.GroupID, quit chan struct{}) {
	for number := 1; ; number++ {
		for _, to := range rigs {
			if from != to {
				from.Send(to.id, numberedMessage(group, number))
			}
		}
		select {
		case <-quit:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// checkSenders checks that the messages of each sender kept their order.
func checkSenders(t testing.TB, rigs []*transportRig) {
	t.Helper()
	for _, r := range rigs {
		if r.unreachables() > 0 {
			t.Skip("a connection broke: nothing can be said about the order")
		}
	}
	for _, to := range rigs {
		if len(to.take(to.id)) > 0 {
			t.Errorf("node %d received something from itself", to.id)
		}
		for _, from := range rigs {
			byGroup := map[raft.GroupID][]wire.Envelope{}
			for _, e := range to.take(from.id) {
				byGroup[e.Group] = append(byGroup[e.Group], e)
			}
			for _, messages := range byGroup {
				checkAscending(t, messages, 1<<40)
			}
		}
	}
}

func transportLarge(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	for i, size := range []int{0, 1 << 10, 1 << 16, s.MessageBytesMax / 3, s.MessageBytesMax} {
		message := dataMessage(i+1, size)
		want, count := encoded(message), 0
		var again time.Time // It is too large to be sent over and over.
		b.await(fmt.Sprintf("a command of %d bytes", size), func() {
			if time.Now().After(again) && a.Send(2, message) {
				again = time.Now().Add(s.Patience / 10)
			}
		}, func() bool {
			count = len(b.received[1])
			return count > 0 && encoded(b.received[1][count-1]) == want
		})
	}
}

func transportMemory(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	var snapshots []string // what the first messages were when they arrived
	seed := 0
	send := func() {
		for range 20 {
			seed++
			a.Send(2, dataMessage(seed%200, 100+seed%1000))
		}
	}
	const early, all = 200, 4000
	b.await("some messages", send, func() bool { return len(b.received[1]) >= early })
	for _, e := range b.take(1)[:early] {
		snapshots = append(snapshots, encoded(e))
	}
	b.await("many messages", send, func() bool { return len(b.received[1]) >= all })
	for i, e := range b.take(1) {
		m := e.Message.(*wire.AppendEntries)
		if i < early && encoded(e) != snapshots[i] {
			t.Fatalf("message %d has changed since it was delivered", i+1)
		}
		if want := dataMessage(int(m.Epoch), len(m.Entries[0].Data)); encoded(e) != encoded(want) {
			t.Fatalf("message %d is not what was sent", i+1)
		}
	}
}

func transportUnknown(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	for _, peer := range []raft.NodeID{3, 1 << 60} {
		for range 100 {
			if a.Send(peer, numberedMessage(1, 1)) || a.Send(peer, bulkMessage(1, 1)) {
				t.Fatalf("a message for node %d, which is not known, was taken", peer)
			}
		}
	}
	b.await("a message for a node that is known", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return len(b.received[1]) > 0 })
}

func transportSelf(t testing.TB, s *Transport) {
	a, b := s.pair(t)
	for range 100 {
		if a.Send(1, numberedMessage(1, 1)) || a.Send(1, bulkMessage(1, 1)) {
			t.Fatal("a message for the node itself, which nobody has told it to connect to, was taken")
		}
	}
	b.await("a message for the peer", func() { a.Send(2, numberedMessage(1, 1)) }, func() bool { return len(b.received[1]) > 0 })
	a.await("the peer's message", func() { a.Send(1, numberedMessage(1, 1)); b.Send(1, numberedMessage(1, 1)) }, func() bool { return len(a.received[2]) > 10 })
	if n := len(a.take(1)); n > 0 {
		t.Errorf("a node has received %d messages from itself", n)
	}
}

func transportAnswer(t testing.TB, s *Transport) {
	open := s.Cluster(t)
	a, b := s.open(t, open, 1), s.open(t, open, 2)
	a.Connect(2, b.address)
	b.await("a message from a node that was not announced", func() { a.Send(2, numberedMessage(1, 1)) },
		func() bool { return len(b.received[1]) > 0 })
	a.await("the answer", func() { b.Send(1, numberedMessage(1, 2)) }, func() bool { return len(a.received[2]) > 0 })
}
