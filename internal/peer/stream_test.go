// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/balsa-raft/raft/wire"
)

// entrySize is that of every entry in these tests.
const entrySize = wire.EntryOverhead + 1

// leader is what surrounds a stream: a log of entries of term 1, of which those from
// memory on are in memory, and a peer that takes everything unless told otherwise.
type leader struct {
	*Stream
	log    []wire.Entry // the entry with index i is at i-1
	memory wire.Index
	onLoad func() // runs while the store is being read

	sent    []string
	refuses bool // Send drops what it gets
	lost    int
	loads   []string
	loadErr error
	empty   bool // the store returns nothing
	failed  []error
}

// newLeader has entries from 1 to last, all of them in memory, batches of two and a
// window of four messages.
func newLeader(last wire.Index) *leader {
	l := &leader{memory: 1}
	for i := range last {
		l.log = append(l.log, wire.Entry{Index: i + 1, Term: 1, Kind: wire.EntryCommand, Data: []byte{1}})
	}
	l.Stream = New(Config{
		Recent: l.recent, Load: l.load, Send: l.send,
		Lost: func() { l.lost++ }, Failed: func(err error) { l.failed = append(l.failed, err) },
		BatchBytes: 2 * entrySize, WindowBytes: 1 << 20, WindowMessages: 4,
	})
	return l
}

func (l *leader) read(dst []wire.Entry, lo, hi wire.Index, bytesMax int) []wire.Entry {
	return append(dst, l.log[lo-1:min(hi, lo-1+wire.Index(max(bytesMax/entrySize, 1)))]...)
}

func (l *leader) recent(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, bool) {
	if lo < l.memory {
		return dst, false
	}
	return l.read(dst, lo, hi, bytesMax), true
}

func (l *leader) load(dst []wire.Entry, lo, hi wire.Index, bytesMax int) ([]wire.Entry, error) {
	l.loads = append(l.loads, fmt.Sprintf("%d-%d", lo, hi))
	if l.onLoad != nil {
		l.onLoad()
	}
	if l.loadErr != nil || l.empty {
		return nil, l.loadErr
	}
	return l.read(dst, lo, min(hi, l.memory-1), bytesMax), nil
}

// send writes messages down as "previous:first-last@commit", or "previous:@commit".
func (l *leader) send(m *wire.AppendEntries) bool {
	entries := ""
	if n := len(m.Entries); n > 0 {
		entries = fmt.Sprintf("%d-%d", m.Entries[0].Index, m.Entries[n-1].Index)
	}
	text := fmt.Sprintf("%d:%s@%d", m.Prev.Index, entries, m.Commit)
	if m.Term != 1 || m.Epoch != 1 {
		text = fmt.Sprintf("t%d/e%d %s", m.Term, m.Epoch, text)
	}
	l.sent = append(l.sent, text)
	return !l.refuses
}

func (l *leader) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(l.sent, want) {
		t.Errorf("sent  %s\nwant  %s", strings.Join(l.sent, "  "), strings.Join(want, "  "))
	}
	l.sent = nil
}

func (l *leader) expectLoads(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(l.loads, want) {
		t.Errorf("loaded %v, want %v", l.loads, want)
	}
	l.loads = nil
}

// order is one of the first epoch, from the beginning of the log.
func order(last, commit, match wire.Index) Order {
	return Order{Term: 1, Epoch: 1, Last: last, Commit: commit, Match: match}
}

func TestProbeIsOneMessage(t *testing.T) {
	l := newLeader(9)
	probe := order(9, 3, 0)
	probe.Probe, probe.Prev = true, wire.LogID{Term: 1, Index: 4}
	l.Follow(probe)
	l.Follow(probe)
	probe.Commit, probe.News = 5, true
	l.Follow(probe)
	l.expect(t, "4:5-6@3")
	probe.Probe, probe.Match = false, 6
	l.Follow(probe)
	l.expect(t, "6:7-8@5", "8:9-9@5")
}

func TestProbeBehindTheEndIsEmpty(t *testing.T) {
	l := newLeader(4)
	probe := order(4, 2, 0)
	probe.Probe, probe.Prev = true, wire.LogID{Term: 1, Index: 4}
	l.Follow(probe)
	l.Follow(probe)
	l.expect(t, "4:@2")
	if l.window.bytes != 0 || len(l.window.inflight) != 0 {
		t.Error("a message without entries takes room in the window")
	}
}

func TestMessagesAreBoundedByTheWindow(t *testing.T) {
	l := newLeader(20)
	l.Follow(order(20, 0, 0))
	l.expect(t, "0:1-2@0", "2:3-4@0", "4:5-6@0", "6:7-8@0")
	l.Follow(order(20, 0, 1)) // Half of a message frees nothing.
	l.expect(t)
	l.Follow(order(20, 1, 4)) // One reply acknowledges two.
	l.expect(t, "8:9-10@1", "10:11-12@1")
	l.Follow(order(20, 1, 3)) // Old news.
	l.expect(t)
	l.Follow(order(20, 12, 12))
	l.expect(t, "12:13-14@12", "14:15-16@12", "16:17-18@12", "18:19-20@12")
	if got := l.window.bytes; got != 8*entrySize {
		t.Errorf("%d bytes in the window, want those of 8 entries", got)
	}
	l.Follow(order(20, 20, 20))
	if l.window.bytes != 0 {
		t.Errorf("all is acknowledged, but %d bytes are not", l.window.bytes)
	}
}

func TestBytesAreBoundedByTheWindow(t *testing.T) {
	l := newLeader(20)
	l.window.bytesMax, l.window.messagesMax = 3*entrySize, 100
	l.Follow(order(20, 0, 0))
	l.expect(t, "0:1-2@0", "2:3-4@0")
	l.Follow(order(20, 0, 2))
	l.expect(t, "4:5-6@0")
	l.Follow(order(20, 0, 6))
	l.expect(t, "6:7-8@0", "8:9-10@0")
	l.window.bytesMax = 1 // Smaller than any message: then one at a time.
	l.Follow(order(20, 0, 10))
	l.expect(t, "10:11-12@0")
}

func TestCommitGoesAlongOrAlone(t *testing.T) {
	l := newLeader(6)
	l.Follow(order(2, 0, 0))
	l.expect(t, "0:1-2@0")
	l.Follow(order(2, 2, 2))
	l.expect(t) // No entries to go with, and no hurry.
	news := order(2, 2, 2)
	news.News = true
	l.Follow(news)
	l.Follow(news)
	l.expect(t, "2:@2")
	l.Follow(order(4, 2, 2))
	l.expect(t, "2:3-4@2")
	l.Follow(order(6, 4, 4))
	news = order(6, 4, 4)
	news.News = true
	l.Follow(news)
	l.expect(t, "4:5-6@4") // It has gone with the entries.
}

func TestCommitWaitsForTheWindow(t *testing.T) {
	l := newLeader(20)
	l.Follow(order(20, 0, 0))
	l.expect(t, "0:1-2@0", "2:3-4@0", "4:5-6@0", "6:7-8@0")
	news := order(20, 2, 0)
	news.News = true
	l.Follow(news)
	l.expect(t)
	l.Follow(order(20, 2, 2))
	l.expect(t, "8:9-10@2")
}

func TestANewEpochBeginsAnew(t *testing.T) {
	for _, test := range []struct {
		name  string
		order Order
		want  string
	}{
		{"epoch", Order{Term: 1, Epoch: 2}, "t1/e2 "},
		{"term", Order{Term: 2, Epoch: 1}, "t2/e1 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLeader(20)
			l.Follow(order(20, 0, 0))
			l.expect(t, "0:1-2@0", "2:3-4@0", "4:5-6@0", "6:7-8@0")
			next := test.order
			next.Prev, next.Last, next.Commit, next.Match = wire.LogID{Term: 1, Index: 2}, 5, 1, 2
			l.Follow(next)
			l.expect(t, test.want+"2:3-4@1", test.want+"4:5-5@1")
			if got := l.window.bytes; got != 3*entrySize {
				t.Errorf("%d bytes in the window, want those of this epoch only", got)
			}
		})
	}
}

func TestSentTellsTheLastEntryOfTheEpoch(t *testing.T) {
	l := newLeader(4)
	if epoch, last := l.Sent(); epoch != 0 || last != 0 {
		t.Errorf("a stream without order has sent %d in epoch %d", last, epoch)
	}
	next := order(2, 0, 0)
	next.Prev = wire.LogID{Term: 1, Index: 2}
	l.Follow(next)
	if epoch, last := l.Sent(); epoch != 1 || last != 0 {
		t.Errorf("sent %d in epoch %d, want nothing", last, epoch)
	}
	next.Last = 4
	l.Follow(next)
	next.Match, next.Prev = 4, wire.LogID{Term: 1, Index: 4} // Prev means nothing any more.
	l.Follow(next)
	if epoch, last := l.Sent(); epoch != 1 || last != 4 {
		t.Errorf("sent %d in epoch %d, want 4", last, epoch)
	}
}

func TestADroppedMessageSilencesTheEpoch(t *testing.T) {
	l := newLeader(20)
	l.refuses = true
	l.Follow(order(20, 0, 0))
	l.expect(t, "0:1-2@0")
	l.refuses = false
	news := order(20, 2, 2)
	news.News = true
	l.Follow(news)
	l.expect(t)
	if l.lost != 1 {
		t.Errorf("Lost was called %d times, want once", l.lost)
	}
	l.Follow(Order{Term: 1, Epoch: 2, Probe: true, Last: 20})
	l.expect(t, "t1/e2 0:1-2@0")
}

func TestEntriesThatAreNotInMemoryAreLoaded(t *testing.T) {
	l := newLeader(9)
	l.memory = 6
	if l.Step() {
		t.Error("there is something to do without an order")
	}
	l.Follow(order(9, 0, 0))
	l.Follow(order(9, 0, 0))
	l.expect(t)
	for want := range 3 {
		if more := l.Step(); more != (want < 2) {
			t.Errorf("step %d: more is %v", want, more)
		}
	}
	l.expectLoads(t, "1-9", "3-9", "5-9")
	l.expect(t, "0:1-2@0", "2:3-4@0", "4:5-5@0", "5:6-7@0") // The window is full.
	l.Follow(order(9, 0, 2))
	l.expect(t, "7:8-9@0")
	if l.Step() || len(l.loads) > 0 {
		t.Error("it goes on reading what is in memory")
	}
}

func TestLoadingIsBoundedByTheWindow(t *testing.T) {
	l := newLeader(20)
	l.memory = 20
	l.Follow(order(20, 0, 0))
	for l.Step() {
	}
	l.expect(t, "0:1-2@0", "2:3-4@0", "4:5-6@0", "6:7-8@0")
	l.Follow(order(20, 0, 2))
	l.expect(t)
	for l.Step() {
	}
	l.expect(t, "8:9-10@0")
}

func TestAProbeMayNeedTheStore(t *testing.T) {
	l := newLeader(9)
	l.memory = 10
	probe := order(9, 0, 0)
	probe.Probe = true
	l.Follow(probe)
	if l.Step() {
		t.Error("a probe wants more than one message")
	}
	l.Follow(probe)
	l.Step()
	l.expect(t, "0:1-2@0")
	l.expectLoads(t, "1-9")
}

func TestOrdersThatChangeWhileLoading(t *testing.T) {
	anew := Order{Term: 1, Epoch: 2, Prev: wire.LogID{Term: 1, Index: 4}, Last: 9, Commit: 3}
	tests := []struct {
		name   string
		during func(l *leader)
		want   []string
		more   bool
	}{
		{"nothing", func(*leader) {}, []string{"0:1-2@0"}, true},
		{"news goes along", func(l *leader) { l.Follow(order(9, 1, 0)) }, []string{"0:1-2@1"}, true},
		{"stop", func(l *leader) { l.Stop() }, nil, false},
		{"close", func(l *leader) { l.Close() }, nil, false},
		{"a new epoch", func(l *leader) { l.Follow(anew) }, nil, true},
		{"stop, and the same anew", func(l *leader) { l.Stop(); l.Follow(order(9, 0, 0)) }, []string{"0:1-2@0"}, true},
		{"stop, and begin elsewhere", func(l *leader) {
			l.Stop()
			next := order(9, 0, 0)
			next.Prev = wire.LogID{Term: 1, Index: 7}
			l.Follow(next)
		}, nil, true},
		{"a new epoch from memory", func(l *leader) { l.memory = 1; l.Follow(anew) },
			[]string{"t1/e2 4:5-6@3", "t1/e2 6:7-8@3", "t1/e2 8:9-9@3"}, false},
		{"a new term", func(l *leader) {
			next := order(9, 0, 0)
			next.Term = 2
			l.Follow(next)
		}, nil, true},
		{"a probe", func(l *leader) {
			l.memory = 1
			probe := anew
			probe.Probe = true
			l.Follow(probe)
		}, []string{"t1/e2 4:5-6@3"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLeader(9)
			l.memory = 10
			l.Follow(order(9, 0, 0))
			l.onLoad = func() { l.onLoad = nil; test.during(l) }
			if more := l.Step(); more != test.more {
				t.Errorf("more is %v", more)
			}
			l.expect(t, test.want...)
		})
	}
}

func TestStopEndsWhatWasAboutToBeLoaded(t *testing.T) {
	l := newLeader(9)
	l.memory = 10
	l.Follow(order(9, 0, 0))
	l.Stop()
	l.Stop() // Harmless.
	if l.Step() {
		t.Error("a stopped stream has more to do")
	}
	l.expect(t)
	l.expectLoads(t)
	l.memory = 1
	l.Follow(order(2, 0, 0)) // Leading again, or still.
	l.expect(t, "0:1-2@0")
}

func TestAnErrorInTheStoreSilencesTheEpoch(t *testing.T) {
	cause := errors.New("bit rot")
	for _, test := range []struct {
		err   error
		empty bool
		want  error
	}{{cause, false, cause}, {nil, true, errNothingRead}} {
		l := newLeader(9)
		l.memory, l.loadErr, l.empty = 10, test.err, test.empty
		l.Follow(order(9, 0, 0))
		if l.Step() {
			t.Error("there is more to do after an error")
		}
		l.loadErr, l.empty = nil, false
		l.Follow(order(9, 2, 0))
		l.Step()
		l.expect(t)
		var load *LoadError
		if len(l.failed) != 1 || !errors.As(l.failed[0], &load) || load.First != 1 || !errors.Is(load, test.want) || l.lost != 0 {
			t.Errorf("failed with %v", l.failed)
		}
		l.Follow(Order{Term: 1, Epoch: 2, Last: 9, Probe: true})
		l.Step()
		l.expect(t, "t1/e2 0:1-2@0")
	}
}

func TestAnErrorForAnOldOrderIsForgotten(t *testing.T) {
	l := newLeader(9)
	l.memory, l.loadErr = 10, errors.New("the entries were replaced meanwhile")
	l.Follow(order(9, 0, 0))
	l.onLoad = func() { l.onLoad = nil; l.Stop() }
	l.Step()
	if len(l.failed) != 0 {
		t.Errorf("failed with %v although nobody wants to know", l.failed)
	}
}

func TestRunLoadsUntilClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeader(6)
		l.memory, l.wake = 7, make(chan struct{}, 1)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.Run()
		}()
		l.Follow(order(6, 0, 0))
		synctest.Wait()
		l.expect(t, "0:1-2@0", "2:3-4@0", "4:5-6@0")
		l.Close()
		<-ended
		l.log = append(l.log, wire.Entry{Index: 7, Term: 1})
		l.Follow(order(7, 0, 6))
		l.expect(t)
	})
}

func TestCloseWaitsForTheStoreOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLeader(6)
		l.memory, l.wake = 7, make(chan struct{}, 1)
		reading := make(chan struct{})
		l.onLoad = func() { <-reading }
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.Run()
		}()
		l.Follow(order(6, 0, 0))
		synctest.Wait()
		l.Close() // Neither of these waits for the store.
		l.Stop()
		l.Follow(order(6, 1, 0))
		close(reading)
		<-ended
		l.expect(t)
	})
}

// TestStreamSendsEverythingOnceInOrder gives random orders to a stream whose memory
// shrinks, and checks every message against what a peer would find acceptable.
func TestStreamSendsEverythingOnceInOrder(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		l := newLeader(60)
		l.window.messagesMax, l.window.bytesMax = 1+random.IntN(5), 1+random.IntN(8*entrySize)
		o := order(0, 0, 0)
		received := wire.Index(0)
		open := 0 // bytes, as the peer sees it
		l.cfg.Send = func(m *wire.AppendEntries) bool {
			if m.Prev.Index != received || m.Term != o.Term || m.Epoch != o.Epoch || m.Commit > o.Commit {
				t.Fatalf("seed %d: message %+v after entry %d, order %+v", seed, m, received, o)
			}
			open = int(received-o.Match) * entrySize
			if len(m.Entries) > 0 && open > 0 && open >= l.window.bytesMax+2*entrySize {
				t.Fatalf("seed %d: %d bytes are open, the window has %d", seed, open, l.window.bytesMax)
			}
			received += wire.Index(len(m.Entries))
			return true
		}
		for range 300 {
			switch random.IntN(10) {
			case 0: // Everything after Match was lost.
				o.Epoch++
				o.Prev = wire.LogID{Term: min(1, wire.Term(o.Match)), Index: o.Match}
				received = o.Match
			case 1, 2, 3:
				o.Last = min(o.Last+wire.Index(random.IntN(4)), 60)
			case 4, 5:
				o.Match += wire.Index(random.IntN(int(received-o.Match) + 1))
				o.Commit = o.Match
			case 6:
				l.memory = max(l.memory, wire.Index(random.IntN(int(o.Last)+2)))
			case 7, 8:
				l.Step()
				continue
			}
			o.News = random.IntN(2) == 0
			l.Follow(o)
		}
		o.Last = 60
		for range 200 {
			l.Follow(o)
			l.Step()
			o.Match = received
		}
		l.Follow(o)
		if received != 60 || l.window.bytes != 0 {
			t.Fatalf("seed %d: %d of 60 entries arrived, %d bytes in the window", seed, received, l.window.bytes)
		}
	}
}
