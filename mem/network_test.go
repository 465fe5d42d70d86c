// SPDX-License-Identifier: Apache-2.0

package mem

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsa-raft/raft/wire"
)

// inbox records what a transport was told.
type inbox struct {
	mu          sync.Mutex
	terms       map[wire.NodeID][]wire.Term // of the heartbeats from each peer
	unreachable map[wire.NodeID]int
}

func (i *inbox) deliver(from wire.NodeID, batch []wire.Envelope) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, envelope := range batch {
		i.terms[from] = append(i.terms[from], envelope.Message.(*wire.Heartbeat).Term)
	}
}

func (i *inbox) reportUnreachable(peer wire.NodeID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.unreachable[peer]++
}

// take returns what came from a peer since the last take, once all is quiet.
func (i *inbox) take(from wire.NodeID) []wire.Term {
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	terms := i.terms[from]
	delete(i.terms, from)
	return terms
}

// takeUnreachable waits for reports and counts those of a peer since the last call.
func (i *inbox) takeUnreachable(peer wire.NodeID) int {
	time.Sleep(2 * reportDelay)
	synctest.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	count := i.unreachable[peer]
	delete(i.unreachable, peer)
	return count
}

// join starts a transport for the node and closes it at the test's end.
func join(t *testing.T, network *Network, id wire.NodeID) (*Transport, *inbox) {
	t.Helper()
	in := &inbox{terms: make(map[wire.NodeID][]wire.Term), unreachable: make(map[wire.NodeID]int)}
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

func heartbeat(term wire.Term) wire.Envelope {
	return wire.Envelope{Group: 1, Message: &wire.Heartbeat{Term: term}}
}

// sendTerms sends heartbeats of the terms from first to last.
func sendTerms(t *testing.T, from *Transport, to wire.NodeID, first, last wire.Term) {
	t.Helper()
	for term := first; term <= last; term++ {
		if !from.Send(to, heartbeat(term)) {
			t.Fatalf("message %d refused", term)
		}
	}
}

func count(first, last wire.Term) (terms []wire.Term) {
	for term := first; term <= last; term++ {
		terms = append(terms, term)
	}
	return terms
}

func TestNetworkDeliversInOrder(t *testing.T) {
	for _, delays := range [][2]time.Duration{{0, 0}, {time.Second, time.Second}, {0, time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			network := NewNetwork(1)
			network.SetDelay(delays[0], delays[1])
			a, inA := join(t, network, 1)
			b, inB := join(t, network, 2)
			sendTerms(t, a, 2, 1, 3000)
			sendTerms(t, b, 1, 1, 10)
			if synctest.Wait(); delays[0] > 0 && len(inB.take(1)) > 0 {
				t.Error("delivered too early")
			}
			time.Sleep(delays[1])
			if got := inB.take(1); !slices.Equal(got, count(1, 3000)) {
				t.Errorf("delays %v: got %d messages, out of order or lost", delays, len(got))
			}
			if got := inA.take(2); !slices.Equal(got, count(1, 10)) {
				t.Errorf("delays %v: got %v", delays, got)
			}
			if got, want := network.Stats(), (Stats{Sent: 3010, Delivered: 3010}); got != want {
				t.Errorf("stats %+v", got)
			}
		})
	}
}

func TestNetworkSharesNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		a, _ := join(t, network, 1)
		received := make(chan wire.Envelope, 2)
		b := network.Transport(2)
		if err := b.Start(func(_ wire.NodeID, batch []wire.Envelope) { received <- batch[0] }, func(wire.NodeID) {}); err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		sent := &wire.AppendEntries{Term: 1, Entries: entriesOf(1, 1)}
		a.Send(2, wire.Envelope{Group: 5, Message: sent})
		sent.Entries[0].Data[0] = 99
		got := <-received
		if m := got.Message.(*wire.AppendEntries); got.Group != 5 || m == sent || m.Entries[0].Data[0] != 1 {
			t.Errorf("got %+v", m)
		}
	})
}

func TestNetworkCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		transports, inboxes := map[wire.NodeID]*Transport{}, map[wire.NodeID]*inbox{}
		for id := wire.NodeID(1); id <= 3; id++ {
			transports[id], inboxes[id] = join(t, network, id)
		}
		// check tries every direction; cut lists those that carry nothing.
		check := func(name string, cut ...direction) {
			t.Helper()
			for from := wire.NodeID(1); from <= 3; from++ {
				for to := wire.NodeID(1); to <= 3; to++ {
					if from == to {
						continue
					}
					transports[from].Send(to, heartbeat(4))
					lost := slices.Contains(cut, direction{from, to})
					if got := len(inboxes[to].take(from)); (got == 0) != lost {
						t.Errorf("%s: %d to %d delivered %d", name, from, to, got)
					}
					if got := inboxes[from].takeUnreachable(to); (got == 1) != lost {
						t.Errorf("%s: %d was told %d times that %d is unreachable", name, from, got, to)
					}
				}
			}
		}
		check("whole")
		network.Cut(1, 2)
		check("cut", direction{1, 2}, direction{2, 1})
		network.CutOneWay(1, 3)
		network.Heal(2, 1)
		check("one way", direction{1, 3})
		network.Isolate(2)
		check("isolated", direction{1, 3}, direction{1, 2}, direction{2, 1}, direction{2, 3}, direction{3, 2})
		network.Heal(1, 2)
		check("still isolated", direction{1, 3}, direction{1, 2}, direction{2, 1}, direction{2, 3}, direction{3, 2})
		network.Rejoin(2)
		check("rejoined", direction{1, 3})
		network.Isolate(1)
		network.HealAll()
		check("healed")
	})
}

func TestNetworkCutLosesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		network.SetDelay(time.Second, time.Second)
		a, inA := join(t, network, 1)
		_, inB := join(t, network, 2)
		sendTerms(t, a, 2, 1, 5)
		network.Cut(1, 2)
		time.Sleep(time.Second)
		if got := inB.take(1); len(got) > 0 {
			t.Errorf("got %v", got)
		}
		if got := inA.takeUnreachable(2); got != 1 {
			t.Errorf("told %d times", got)
		}
		if got, want := network.LinkStats(1, 2), (Stats{Sent: 5, Dropped: 5}); got != want {
			t.Errorf("stats %+v", got)
		}
		network.SetSilent(true)
		sendTerms(t, a, 2, 6, 9)
		if got := inA.takeUnreachable(2); got != 0 {
			t.Errorf("told %d times by a silent network", got)
		}
	})
}

// faulty sends many messages through bad conditions and returns what arrived.
func faulty(t *testing.T, seed uint64, c Conditions) (got []wire.Term, stats Stats) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(seed)
		network.SetLink(1, 2, c)
		a, _ := join(t, network, 1)
		_, inB := join(t, network, 2)
		sendTerms(t, a, 2, 1, 1000)
		time.Sleep(c.DelayMax)
		got, stats = inB.take(1), network.Stats()
	})
	return got, stats
}

func TestNetworkFaults(t *testing.T) {
	for name, c := range map[string]Conditions{
		"drop":              {DropRate: 0.2},
		"duplicate":         {DuplicateRate: 0.3},
		"reorder":           {DelayMax: time.Second, Reorder: true},
		"all of them":       {DelayMax: time.Second, Reorder: true, DropRate: 0.1, DuplicateRate: 0.1},
		"drop all":          {DropRate: 1},
		"duplicate all":     {DuplicateRate: 1},
		"a delay and order": {DelayMin: time.Millisecond, DelayMax: time.Second},
	} {
		got, stats := faulty(t, 1, c)
		again, statsAgain := faulty(t, 1, c)
		if !slices.Equal(got, again) || stats != statsAgain {
			t.Errorf("%s: the same seed gave two outcomes", name)
		}
		if c.DropRate != 1 && c.DuplicateRate != 1 && c.DropRate+c.DuplicateRate > 0 {
			if other, _ := faulty(t, 2, c); slices.Equal(got, other) {
				t.Errorf("%s: another seed gave the same outcome", name)
			}
		}
		if stats.Sent != 1000 || stats.Sent+stats.Duplicated != stats.Delivered+stats.Dropped || int(stats.Delivered) != len(got) {
			t.Errorf("%s: %d arrived, stats %+v", name, len(got), stats)
		}
		near := func(n uint64, rate float64) bool { return float64(n) >= 850*rate && float64(n) <= 1150*rate }
		if !near(stats.Dropped, c.DropRate) || !near(stats.Duplicated, c.DuplicateRate*(1-c.DropRate)) {
			t.Errorf("%s: stats %+v", name, stats)
		}
		if slices.IsSorted(got) == c.Reorder {
			t.Errorf("%s: order is wrong", name)
		}
	}
}

func TestNetworkConditionsOfALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		network.SetDropRate(1)
		network.SetLink(1, 2, Conditions{})
		a, inA := join(t, network, 1)
		b, inB := join(t, network, 2)
		sendTerms(t, a, 2, 1, 3)
		sendTerms(t, b, 1, 1, 3)
		if toB, toA := len(inB.take(1)), len(inA.take(2)); toB != 3 || toA != 0 {
			t.Errorf("delivered %d and %d", toB, toA)
		}
		network.SetConditions(Conditions{DuplicateRate: 1})
		network.SetReorder(true)
		sendTerms(t, a, 2, 1, 3)
		if got := len(inB.take(1)); got != 6 {
			t.Errorf("delivered %d", got)
		}
		network.SetDuplicateRate(0)
		sendTerms(t, a, 2, 1, 3)
		if got := len(inB.take(1)); got != 3 {
			t.Errorf("delivered %d", got)
		}
	})
}

func TestNetworkLaneIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		network.SetDelay(time.Second, time.Second)
		size := len(wire.AppendEnvelope(nil, heartbeat(1)))
		network.SetLaneBytes(3 * size)
		a, _ := join(t, network, 1)
		_, inB := join(t, network, 2)
		sendTerms(t, a, 2, 1, 3)
		if a.Send(2, heartbeat(4)) {
			t.Error("a full lane took a message")
		}
		time.Sleep(time.Second)
		if got := inB.take(1); !slices.Equal(got, count(1, 3)) {
			t.Errorf("got %v", got)
		}
		sendTerms(t, a, 2, 5, 7)
		network.SetLaneBytes(1)
		time.Sleep(time.Second)
		synctest.Wait()
		sendTerms(t, a, 2, 8, 8)
		if got := network.LinkStats(1, 2); got.Sent != 7 || got.Refused != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestTransportRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		a, inA := join(t, network, 1)
		if a.Send(77, heartbeat(1)) {
			t.Error("sent to a peer that is not known")
		}
		if a.Send(2, heartbeat(1)) {
			t.Error("sent to a peer that is not running")
		}
		if got := inA.takeUnreachable(2); got != 1 {
			t.Errorf("told %d times", got)
		}
		if err := a.Start(inA.deliver, inA.reportUnreachable); !errors.Is(err, ErrClosed) {
			t.Errorf("second start: %v", err)
		}
		unstarted := network.Transport(3)
		unstarted.Connect(1, "")
		if unstarted.Send(1, heartbeat(1)) {
			t.Error("sent before start")
		}
		for range 2 {
			if err := unstarted.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := unstarted.Start(inA.deliver, inA.reportUnreachable); !errors.Is(err, ErrClosed) {
			t.Errorf("start after close: %v", err)
		}
	})
}

func TestTransportRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		network.SetDelay(time.Second, time.Second)
		a, inA := join(t, network, 1)
		b, inB := join(t, network, 2)
		sendTerms(t, a, 2, 1, 3)
		sendTerms(t, b, 1, 1, 3)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if b.Send(1, heartbeat(9)) {
			t.Error("a closed transport took a message")
		}
		_, inNew := join(t, network, 2)
		sendTerms(t, a, 2, 4, 6)
		time.Sleep(time.Second)
		if got := inNew.take(1); !slices.Equal(got, count(4, 6)) {
			t.Errorf("the new transport got %v", got)
		}
		if old, back := inB.take(1), inA.take(2); len(old)+len(back) > 0 {
			t.Errorf("the closed transport got %v and sent %v", old, back)
		}
		if got := inA.takeUnreachable(2); got != 1 {
			t.Errorf("told %d times", got)
		}
		if s := network.Stats(); s.Sent+s.Duplicated != s.Delivered+s.Dropped {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestTransportIsReplacedByStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		a, _ := join(t, network, 1)
		crashed, inOld := join(t, network, 2)
		_, inNew := join(t, network, 2)
		sendTerms(t, a, 2, 1, 2)
		if got := inNew.take(1); !slices.Equal(got, count(1, 2)) {
			t.Errorf("the new transport got %v", got)
		}
		if got := inOld.take(1); len(got) > 0 || crashed.Send(1, heartbeat(1)) {
			t.Errorf("the old transport still works, got %v", got)
		}
	})
}

func TestTransportCloseWaitsForCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork(1)
		a, _ := join(t, network, 1)
		b, entered, release := network.Transport(2), make(chan struct{}), make(chan struct{})
		deliver := func(wire.NodeID, []wire.Envelope) { close(entered); <-release }
		if err := b.Start(deliver, func(wire.NodeID) {}); err != nil {
			t.Fatal(err)
		}
		a.Send(2, heartbeat(1))
		<-entered
		closed := make(chan struct{})
		go func() { _ = b.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed during a callback")
		default:
		}
		close(release)
		<-closed
	})
}
