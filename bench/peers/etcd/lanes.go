// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// appendLoop saves everything that is due with one sync and then delivers all the
// answers that waited for it.
func (n *node) appendLoop() {
	var due []raftpb.Message
	var entries []raftpb.Entry
	var own []raftpb.Message
	for {
		select {
		case <-n.appends.wake:
		case <-n.stop:
			return
		}
		due = n.appends.take(due)
		state := raftpb.HardState{}
		entries = entries[:0]
		for _, m := range due {
			entries = append(entries, m.Entries...)
			if s := (raftpb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}); !raft.IsEmptyHardState(s) {
				state = s
			}
		}
		check(n.wal.Save(state, entries))
		own = own[:0]
		for _, m := range due {
			check(n.storage.Append(m.Entries))
			own = n.answer(own, m.Responses)
		}
		n.messages.put(own...)
		clear(entries)
	}
}

// answer sends answers to peers and collects those to this node.
func (n *node) answer(own, answers []raftpb.Message) []raftpb.Message {
	for _, answer := range answers {
		if answer.To == n.id {
			own = append(own, answer)
		} else {
			n.peers[answer.To].put(answer)
		}
	}
	return own
}

// applyLoop applies committed entries in batches.
func (n *node) applyLoop() {
	var due []raftpb.Message
	for {
		select {
		case <-n.applies.wake:
		case <-n.stop:
			return
		}
		due = n.applies.take(due)
		for _, m := range due {
			n.apply(m.Entries)
			n.messages.put(m.Responses...)
		}
	}
}

func (n *node) apply(entries []raftpb.Entry) {
	n.waiters.mu.Lock()
	defer n.waiters.mu.Unlock()
	n.machine.Lock()
	defer n.machine.Unlock()
	for i := range entries {
		e := &entries[i]
		if len(e.Data) == 0 {
			continue
		}
		value := n.machine.Apply(e.Data)
		if w := n.waiters.match(e.Index, e.Term); w != nil {
			w.done <- outcome{value: value}
		}
	}
}

// check ends the process when storage has failed: nothing can be measured then.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd: storage:", err)
		os.Exit(1)
	}
}
