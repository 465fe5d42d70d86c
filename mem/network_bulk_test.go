// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// bulkInbox records the numbers of the bulk messages, and when they arrived.
type bulkInbox struct {
	inbox
	began   time.Time
	mu      sync.Mutex
	numbers []int
	at      []time.Duration
}

func (i *bulkInbox) deliver(from wire.NodeID, batch []wire.Envelope) {
	for _, e := range batch {
		if m, ok := e.Message.(*wire.SnapshotChunk); ok {
			i.mu.Lock()
			i.numbers, i.at = append(i.numbers, int(m.Offset)), append(i.at, time.Since(i.began))
			i.mu.Unlock()
			continue
		}
		i.inbox.deliver(from, []wire.Envelope{e})
	}
}

// takeBulk returns the bulk messages since the last call, once all is quiet.
func (i *bulkInbox) takeBulk() []int {
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	numbers := i.numbers
	i.numbers = nil
	return numbers
}

// joinBulk is join, with an inbox for bulk.
func joinBulk(t *testing.T, network *Network, id wire.NodeID) (*Transport, *bulkInbox) {
	t.Helper()
	in := &bulkInbox{began: time.Now()}
	in.terms, in.unreachable = make(map[wire.NodeID][]wire.Term), make(map[wire.NodeID]int)
	transport := network.Transport(id)
	if err := transport.Start(in.deliver, in.reportUnreachable); err != nil {
		t.Fatal(err)
	}
	for peer := range wire.NodeID(4) {
		transport.Connect(peer, "anywhere")
	}
	t.Cleanup(func() { _ = transport.Close() })
	return transport, in
}

func chunk(number, size int) wire.Envelope {
	return wire.Envelope{Group: 1, Message: &wire.SnapshotChunk{
		ID: 1, Offset: uint64(number), Status: wire.ChunkData, Data: make([]byte, size),
	}}
}

func sendChunks(t *testing.T, from *Transport, to wire.NodeID, first, last, size int) {
	t.Helper()
	for number := first; number <= last; number++ {
		if !from.Send(to, chunk(number, size)) {
			t.Fatalf("chunk %d refused", number)
		}
	}
}

func numbers(first, last int) (all []int) {
	for n := first; n <= last; n++ {
		all = append(all, n)
	}
	return all
}

// TestNetworkBandwidth has a narrow path for bulk: chunks arrive one after the other, and
// other messages at once.
func TestNetworkBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		size := len(wire.AppendEnvelope(nil, chunk(1, 1000)))
		network.SetBulkLink(1, 2, Conditions{BytesPerSecond: size, DelayMin: time.Millisecond})
		a, _ := joinBulk(t, network, 1)
		_, inB := joinBulk(t, network, 2)
		sendChunks(t, a, 2, 1, 5, 1000)
		sendTerms(t, a, 2, 1, 3)
		if got := inB.take(1); !slices.Equal(got, count(1, 3)) {
			t.Errorf("behind the chunks: %v", got)
		}
		time.Sleep(10 * time.Second)
		sendChunks(t, a, 2, 6, 6, 1000) // The lane has been free for a while.
		time.Sleep(2 * time.Second)
		if got := inB.takeBulk(); !slices.Equal(got, numbers(1, 6)) {
			t.Errorf("got chunks %v", got)
		}
		for i, second := range []int{1, 2, 3, 4, 5, 11} {
			if want := time.Duration(second)*time.Second + time.Millisecond; inB.at[i] != want {
				t.Errorf("chunk %d came after %v, want %v", i+1, inB.at[i], want)
			}
		}
	})
}

// TestNetworkBulkConditions checks which conditions hold for bulk messages.
func TestNetworkBulkConditions(t *testing.T) {
	lossy := Conditions{DropRate: 1}
	for name, test := range map[string]struct {
		set        func(n *Network)
		main, bulk bool // whether they arrive
	}{
		"none":                   {func(*Network) {}, true, true},
		"of all":                 {func(n *Network) { n.SetConditions(lossy) }, false, false},
		"of a link":              {func(n *Network) { n.SetLink(1, 2, lossy) }, false, false},
		"of another link":        {func(n *Network) { n.SetLink(2, 1, lossy) }, true, true},
		"of bulk":                {func(n *Network) { n.SetBulk(lossy) }, true, false},
		"of a link's bulk":       {func(n *Network) { n.SetBulkLink(1, 2, lossy) }, true, false},
		"of another link's bulk": {func(n *Network) { n.SetBulkLink(2, 1, lossy) }, true, true},
		"bulk before link":       {func(n *Network) { n.SetBulk(Conditions{}); n.SetLink(1, 2, lossy) }, false, true},
		"a link's bulk before bulk": {func(n *Network) {
			n.SetBulkLink(1, 2, Conditions{})
			n.SetBulk(lossy)
		}, true, true},
		"forgotten": {func(n *Network) {
			n.SetBulk(lossy)
			n.SetBulkLink(1, 2, lossy)
			n.SetConditions(Conditions{})
		}, true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			network := NewNetwork(1)
			test.set(network)
			a, _ := joinBulk(t, network, 1)
			_, inB := joinBulk(t, network, 2)
			sendTerms(t, a, 2, 1, 2)
			sendChunks(t, a, 2, 1, 2, 10)
			if main, bulk := len(inB.take(1)) == 2, len(inB.takeBulk()) == 2; main != test.main || bulk != test.bulk {
				t.Errorf("%s: arrived: main %v, bulk %v", name, main, bulk)
			}
		})
	}
}

// TestNetworkCutsBulkOnly cuts bulk, of which nobody is told, and then everything.
func TestNetworkCutsBulkOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		network.SetDelay(time.Second, time.Second)
		a, inA := joinBulk(t, network, 1)
		_, inB := joinBulk(t, network, 2)
		check := func(name string, wantMain, wantBulk, wantReports int) {
			t.Helper()
			sendTerms(t, a, 2, 1, 3)
			sendChunks(t, a, 2, 1, 3, 100)
			time.Sleep(time.Second)
			if main, bulk := len(inB.take(1)), len(inB.takeBulk()); main != wantMain || bulk != wantBulk {
				t.Errorf("%s: %d and %d arrived", name, main, bulk)
			}
			if got := inA.takeUnreachable(2); got != wantReports {
				t.Errorf("%s: told %d times", name, got)
			}
		}
		sendChunks(t, a, 2, 1, 3, 100) // What is under way is lost, too.
		network.CutBulk(1, 2)
		check("bulk", 3, 0, 0)
		network.Heal(2, 1)
		check("healed", 3, 3, 0)
		network.Cut(1, 2)
		check("both", 0, 0, 1)
		network.HealAll()
		network.CutBulk(2, 1)
		check("the other way", 3, 3, 0)
		network.Isolate(2)
		check("isolated", 0, 0, 1)
		want := Stats{Sent: 18, Delivered: 6, Dropped: 12}
		if got := network.BulkStats(1, 2); got != want {
			t.Errorf("bulk stats %+v, want %+v", got, want)
		}
		if got := network.LinkStats(1, 2); got.Sent != 33 || got.Delivered != 15 {
			t.Errorf("stats %+v", got)
		}
	})
}

// TestNetworkLanesAreApart fills each lane: the other still takes and carries.
func TestNetworkLanesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		network.SetDelay(time.Second, time.Second)
		size := len(wire.AppendEnvelope(nil, chunk(1, 1000)))
		network.SetBulkLaneBytes(3 * size)
		network.SetLaneBytes(1)
		a, inA := joinBulk(t, network, 1)
		_, inB := joinBulk(t, network, 2)
		sendChunks(t, a, 2, 1, 3, 1000)
		sendTerms(t, a, 2, 1, 1)
		if a.Send(2, chunk(4, 1000)) || a.Send(2, heartbeat(2)) {
			t.Error("a full lane took a message")
		}
		time.Sleep(time.Second)
		if main, bulk := inB.take(1), inB.takeBulk(); !slices.Equal(main, count(1, 1)) || !slices.Equal(bulk, numbers(1, 3)) {
			t.Errorf("got %v and %v", main, bulk)
		}
		if a.Send(3, chunk(1, 10)) {
			t.Error("sent to a peer that is not running")
		}
		if got := inA.takeUnreachable(3); got != 0 {
			t.Errorf("told %d times of lost bulk", got)
		}
	})
}
