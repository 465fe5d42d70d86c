// SPDX-License-Identifier: Apache-2.0

package core

import (
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/balsa-raft/raft/internal/peer"
	"github.com/balsa-raft/raft/internal/scripttest"
	"github.com/balsa-raft/raft/wire"
)

var updateFlag = flag.Bool("update", false, "write the transcripts anew")

// TestTranscripts replays testdata/*.txt: events in, effects out. The commands are
// those of script.do.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			s := &script{t: t, now: testElection}
			scripttest.Run(t, path, *updateFlag, s.do)
		})
	}
}

// script is a cluster in which nothing happens but what the transcript says: messages
// wait in the order in which they were sent, and writes until they are synced.
type script struct {
	t       *testing.T
	now     Instant
	actors  []*actor // the one with ID i is at place i-1
	flights []flight
	// snapshots counts them, for their names.
	snapshots wire.SnapshotID
	out       strings.Builder
}

// actor is a member in a script.
type actor struct {
	id      wire.NodeID
	core    *Core
	disk    disk
	log     []wire.Entry
	streams map[wire.NodeID]*peer.Stream
	applyTo wire.Index
	hangs   bool
	// fetch is what the member was told to fetch last, restore what to restore.
	fetch   *FetchSnapshot
	restore *RestoreSnapshot
}

// do runs a command:
//
//	group TERMS...       a member for each of the logs, given by its entries' terms: 1,1,2;
//	                     - is a log without any
//	timeout NODE         the clock reaches the member's deadline
//	wait MILLISECONDS    the clock goes on, and nobody is told
//	propose NODE COUNT   a client asks the member to append commands
//	transfer NODE TO     a user wants another one to lead
//	sync NODE            the member's writes end
//	deliver [FROM TO]    the oldest message arrives, of all or of that link
//	drop [FROM TO]       all messages are lost, or those of that link
//	settle               messages arrive and writes end until there are none
//	hang NODE            the member's disk does nothing any more
//	snapshot NODE        the member takes a snapshot of what it has applied
//	compact NODE THROUGH [LIMIT]
//	fetched NODE         the snapshot that the member fetches is there
//	restored NODE        the member's state machine is what the snapshot says
//	published NODE       the snapshot is durable, and the member crashes before it is told
//	restart NODE         the member crashes and starts again, with what was synced
//	lose-state NODE      the member crashes and starts again, without its snapshots
//	newcomer             a node that remembers nothing
//	change NODE VOTERS [LEARNERS]
//	                     a user wants the group to have these voters, 1,2,3, and learners
//	wipe NODE            the member crashes and starts again, with another disk
//	beats NODE COUNT     so many deadlines are reached, and all is settled after each; not shown
//	lead NODE            the member is elected, and has nothing more to do; not shown
//	quietly COMMAND      the same, not shown
//	status               what everybody knows
//	members              which membership everybody goes by
func (s *script) do(command string) string {
	s.out.Reset()
	s.run(strings.Fields(command))
	return s.out.String()
}

func (s *script) run(words []string) {
	switch words[0] {
	case "group":
		s.group(words[1:])
	case "timeout":
		s.timeout(s.actor(words[1]))
	case "wait":
		s.now += Instant(s.number(words[1])) * millisecond
	case "propose":
		entries := make([]wire.Entry, s.number(words[2]))
		for i := range entries {
			entries[i] = wire.Entry{Kind: wire.EntryCommand, Data: []byte{byte(i)}}
		}
		s.handle(s.actor(words[1]), ProposalsArrived{Entries: entries})
	case "transfer":
		s.handle(s.actor(words[1]), TransferRequested{To: wire.NodeID(s.number(words[2]))})
	case "sync":
		s.sync(s.actor(words[1]))
	case "deliver":
		if !s.deliver(s.link(words[1:])) {
			s.out.WriteString("there is no message\n")
		}
	case "drop":
		s.drop(s.link(words[1:]))
	case "settle":
		s.settle()
	case "hang":
		s.actor(words[1]).hangs = true
	case "beats":
		s.beats(s.actor(words[1]), s.number(words[2]))
	case "lead":
		s.beats(s.actor(words[1]), 2)
	case "status":
		s.status()
	case "quietly":
		s.run(words[1:])
		s.out.Reset()
	case "newcomer", "change", "wipe", "members":
		s.runChanges(words)
	default:
		s.runSnapshots(words)
	}
}

func (s *script) timeout(a *actor) {
	s.now = max(s.now, a.core.Deadline())
	s.handle(a, append(s.sent(a), DeadlineReached{})...)
}

func (s *script) beats(a *actor, count int) {
	for range count {
		s.timeout(a)
		s.settle()
	}
	s.out.Reset()
}

func (s *script) status() {
	for _, a := range s.actors {
		b := a.core.Brief()
		fmt.Fprintf(&s.out, "%d: %v term=%d vote=%d leader=%d last=%v durable=%d commit=%d applied=%d\n", a.id, b.Role,
			b.HardState.Term, b.HardState.Vote, b.Leader, a.core.log.LastID(), b.Durable, b.Commit, b.Applied)
		if b.Compacted.Index+b.Snapshot.Index > 0 {
			fmt.Fprintf(&s.out, "   compacted=%v snapshot=%v lost=%v\n", b.Compacted, b.Snapshot, b.StateLost)
		}
	}
}

func (s *script) number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) actor(word string) *actor { return s.actors[s.number(word)-1] }

func (s *script) link(words []string) link {
	if len(words) == 0 {
		return link{}
	}
	return link{wire.NodeID(s.number(words[0])), wire.NodeID(s.number(words[1]))}
}

func (s *script) group(logs []string) {
	for i, log := range logs {
		var terms []wire.Term
		for term := range strings.SplitSeq(strings.TrimPrefix(log, "-"), ",") {
			if term != "" {
				terms = append(terms, wire.Term(s.number(term)))
			}
		}
		a := &actor{id: wire.NodeID(i + 1), disk: diskOf(voters(len(logs)), 0, terms...)}
		s.actors = append(s.actors, a)
		s.start(a)
	}
}

// start begins a life of the member with what is on its disk.
func (s *script) start(a *actor) {
	a.disk.queue = nil
	a.log = nil
	for _, slot := range a.disk.log {
		a.log = append(a.log, slot.Entry)
	}
	found := a.disk.recovery()
	c, err := Recover(Config{
		ID: a.id, ElectionTimeout: testElection, HeartbeatInterval: testHeartbeat, WriteStallTimeout: testStall, Seed: uint64(a.id),
		Incarnation: a.disk.incarnation,
	}, a.disk.state(), found, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	a.core, a.streams, a.applyTo, a.fetch, a.restore = c, map[wire.NodeID]*peer.Stream{}, found.Applied, nil, nil
}

func (s *script) handle(a *actor, events ...Event) {
	for _, e := range events {
		if _, isBookkeeping := e.(EntriesSent); !isBookkeeping {
			fmt.Fprintf(&s.out, "%d <- %s\n", a.id, formatEvent(e))
		}
	}
	for _, e := range a.core.Handle(s.now, events) {
		fmt.Fprintf(&s.out, "     %s\n", formatEffect(e))
		s.perform(a, e)
	}
}

func (s *script) perform(a *actor, effect Effect) {
	switch e := effect.(type) {
	case WriteLog:
		if e.Reset.Index > 0 {
			a.log = nil
			for _, slot := range a.disk.coveredBy(e.Reset) {
				a.log = append(a.log, slot.Entry)
			}
		}
		if len(e.Entries) > 0 {
			a.log = append(a.log[:e.Entries[0].Index-1:e.Entries[0].Index-1], e.Entries...)
		}
		a.disk.queue = append(a.disk.queue, e)
	case Send:
		s.flights = append(s.flights, flight{a.id, e.To, e.Message})
	case Apply:
		a.applyTo = e.Through
	case StopReplication:
		for to, stream := range a.streams {
			if e.To == 0 || e.To == to {
				stream.Stop()
			}
		}
	case OfferSnapshot:
		s.offerSnapshot(a, e)
	case FetchSnapshot:
		a.fetch = &e
	case RestoreSnapshot:
		a.restore = &e
	case Replicate:
		s.stream(a, e.To).Follow(peer.Order{
			Term: e.Term, Epoch: e.Epoch, Prev: e.Prev, Probe: e.Probe, News: e.News, Last: e.Last, Commit: e.Commit,
			Match: e.Match, MatchTerm: e.MatchTerm,
		})
	}
}

// stream is the real one; its messages are shown as they are sent.
func (s *script) stream(a *actor, to wire.NodeID) *peer.Stream {
	if stream := a.streams[to]; stream != nil {
		return stream
	}
	a.streams[to] = peer.New(peer.Config{
		Recent: func(dst []wire.Entry, lo, hi wire.Index, _ int) ([]wire.Entry, bool) {
			if lo <= a.core.log.Compacted().Index {
				return dst, false
			}
			return append(dst, a.log[lo-1:hi]...), true
		},
		Send: func(m *wire.AppendEntries) bool {
			fmt.Fprintf(&s.out, "       Send to %d: %s\n", to, formatMessage(m))
			s.flights = append(s.flights, flight{a.id, to, m})
			return true
		},
		BatchBytes: 1 << 20, WindowBytes: 1 << 20, WindowMessages: 64,
	})
	return a.streams[to]
}

func (s *script) sent(a *actor) []Event {
	var events []Event
	for _, other := range s.actors {
		if stream := a.streams[other.id]; stream != nil {
			epoch, last := stream.Sent()
			events = append(events, EntriesSent{Peer: other.id, Epoch: epoch, Last: last})
		}
	}
	return events
}

// sync ends the member's writes. What was committed is applied along the way.
func (s *script) sync(a *actor) bool {
	if a.core.applied < a.applyTo && a.restore == nil {
		a.core.Handle(s.now, []Event{EntriesApplied{Through: a.applyTo}})
	}
	if len(a.disk.queue) == 0 || a.hangs {
		return false
	}
	for _, write := range a.disk.queue {
		a.disk.write(write)
	}
	seq := a.disk.queue[len(a.disk.queue)-1].Seq
	a.disk.queue = nil
	s.handle(a, LogSynced{Seq: seq})
	return true
}

func (l link) has(f flight) bool { return l == link{} || l == link{f.from, f.to} }

func (s *script) deliver(l link) bool {
	for i, f := range s.flights {
		if l.has(f) {
			s.flights = append(s.flights[:i:i], s.flights[i+1:]...)
			s.handle(s.actors[f.to-1], MessageArrived{From: f.from, Message: f.message})
			return true
		}
	}
	return false
}

func (s *script) drop(l link) {
	var kept []flight
	for _, f := range s.flights {
		if l.has(f) {
			fmt.Fprintf(&s.out, "%d -> %d lost: %s\n", f.from, f.to, formatMessage(f.message))
		} else {
			kept = append(kept, f)
		}
	}
	s.flights = kept
}

func (s *script) settle() {
	for busy := true; busy; {
		busy = s.deliver(link{})
		for _, a := range s.actors {
			busy = s.sync(a) || busy
		}
	}
}
