// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"math"
	"sync"
	"time"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"

	"github.com/balsa-raft/raft/bench/load"
)

// The values with a comment are those of the etcd server.
const (
	tickInterval    = 100 * time.Millisecond // etcd
	electionTicks   = 10                     // etcd
	heartbeatTicks  = 1                      // etcd
	messageBytesMax = 1 << 20                // etcd: 512 KiB; more was not slower
	inflightMax     = 512                    // etcd
	committedBytes  = 64 << 20
	firstIndex      = 1
	firstTerm       = 1
	compactEvery    = 20_000
	keepMin         = 5_000
)

// node is one replica. The loop's goroutine owns the RawNode.
type node struct {
	id      uint64
	raw     *raft.RawNode
	storage *raft.MemoryStorage
	wal     *wal.WAL
	machine *load.Counter
	peers   map[uint64]*queue[raftpb.Message]

	wake      chan struct{}
	messages  *queue[raftpb.Message]
	proposals *queue[proposal]
	appends   *queue[raftpb.Message]
	applies   *queue[raftpb.Message]
	waiters   waiters
	entries   []raftpb.Entry

	elected   chan struct{}
	leads     bool
	applied   uint64
	compacted uint64
	stop      chan struct{}
	running   sync.WaitGroup
}

func newNode(id uint64, machine *load.Counter, log *wal.WAL) (*node, error) {
	wake := newWake()
	n := &node{
		id: id, storage: raft.NewMemoryStorage(), wal: log, machine: machine,
		peers: make(map[uint64]*queue[raftpb.Message]), wake: wake,
		messages: newQueue[raftpb.Message](wake), proposals: newQueue[proposal](wake),
		appends: newQueue[raftpb.Message](newWake()), applies: newQueue[raftpb.Message](newWake()),
		elected: make(chan struct{}), applied: firstIndex, compacted: firstIndex, stop: make(chan struct{}),
	}
	members := raftpb.ConfState{Voters: []uint64{1, 2, 3}}
	if err := n.storage.ApplySnapshot(raftpb.Snapshot{
		Metadata: raftpb.SnapshotMetadata{ConfState: members, Index: firstIndex, Term: firstTerm},
	}); err != nil {
		return nil, err
	}
	var err error
	n.raw, err = raft.NewRawNode(n.config())
	return n, err
}

func (n *node) config() *raft.Config {
	return &raft.Config{
		ID: n.id, ElectionTick: electionTicks, HeartbeatTick: heartbeatTicks, Storage: n.storage,
		Applied: firstIndex, AsyncStorageWrites: true, MaxSizePerMsg: messageBytesMax,
		MaxCommittedSizePerReady: committedBytes, MaxInflightMsgs: inflightMax,
		MaxUncommittedEntriesSize: math.MaxUint64, CheckQuorum: true, PreVote: true,
		Logger: &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	}
}

// start starts the node's goroutines; the peers' queues are in place.
func (n *node) start() {
	n.running.Go(n.loop)
	n.running.Go(n.appendLoop)
	n.running.Go(n.applyLoop)
}

func (n *node) loop() {
	if n.id == 1 {
		n.messages.put(raftpb.Message{Type: raftpb.MsgHup, From: n.id, To: n.id})
	}
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	var messages []raftpb.Message
	var proposals []proposal
	for {
		select {
		case <-n.wake:
		case <-ticker.C:
			n.raw.Tick()
		case <-n.stop:
			return
		}
		messages = n.messages.take(messages)
		proposals = n.proposals.take(proposals)
		n.step(messages)
		n.propose(proposals)
		for n.raw.HasReady() {
			n.perform(n.raw.Ready())
		}
		n.compact()
	}
}

// step hands messages to raft, which may refuse those that are of no use to it.
func (n *node) step(messages []raftpb.Message) {
	for _, m := range messages {
		if m.Type == raftpb.MsgHup {
			_ = n.raw.Campaign()
			continue
		}
		if m.Type == raftpb.MsgStorageApplyResp {
			n.applied = m.Entries[len(m.Entries)-1].Index
		}
		_ = n.raw.Step(m)
	}
}

// propose proposes all commands at once.
func (n *node) propose(proposals []proposal) {
	if len(proposals) == 0 {
		return
	}
	n.entries = n.entries[:0]
	for _, p := range proposals {
		n.entries = append(n.entries, raftpb.Entry{Data: p.command})
	}
	var err error = errLost
	if n.leads {
		err = n.raw.Step(raftpb.Message{Type: raftpb.MsgProp, From: n.id, Entries: n.entries})
	}
	if err != nil {
		for _, p := range proposals {
			p.waiter.done <- outcome{err: err}
		}
		return
	}
	n.waiters.bind(n.entries, proposals)
}

// perform hands every message to its lane.
func (n *node) perform(ready raft.Ready) {
	if ready.SoftState != nil {
		n.observe(ready.SoftState.RaftState == raft.StateLeader)
	}
	for _, m := range ready.Messages {
		switch m.To {
		case raft.LocalAppendThread:
			n.appends.put(m)
		case raft.LocalApplyThread:
			n.applies.put(m)
		default:
			n.peers[m.To].put(m)
		}
	}
}

func (n *node) observe(leads bool) {
	if leads && !n.leads {
		close(n.elected)
		n.elected = make(chan struct{})
	}
	if !leads && n.leads {
		n.waiters.fail()
	}
	n.leads = leads
}

// compact forgets entries that no one needs, now and then: without snapshots, the
// leader keeps what a follower may still need, and a follower some in case it has to
// lead.
func (n *node) compact() {
	if n.applied < n.compacted+compactEvery+keepMin {
		return
	}
	upTo := n.applied
	if n.leads {
		n.raw.WithProgress(func(_ uint64, _ raft.ProgressType, progress tracker.Progress) {
			upTo = min(upTo, progress.Match)
		})
	}
	if upTo >= n.compacted+compactEvery+keepMin {
		n.compacted = upTo - keepMin
		_ = n.storage.Compact(n.compacted)
	}
}
